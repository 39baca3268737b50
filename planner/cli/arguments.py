"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from planner.errors import PlannerError, UsageError


def named(text: str) -> str:
    """A word that must name something: one that is empty comes of a variable that is not set."""
    if not text:
        raise argparse.ArgumentTypeError("is empty: it names nothing")
    return text


def whole(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number between two others, both included."""

    def read(text: str) -> int:
        if not text.isdecimal() or len(text) > len(str(most)) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"is a number from {least} to {most:,}")
        return int(text)

    return read


def size(text: str) -> int:
    """Bytes. Raises ArgumentTypeError."""
    from planner.schedule.resources import amounts

    try:
        return int(amounts([("disk", text)], "")["disk"])
    except PlannerError as error:
        raise argparse.ArgumentTypeError("is a size, such as 20GB or 20GiB") from error


def saved_to(text: str) -> str:
    """A file that a plan is saved to, for another command to find."""
    if text == "-":
        raise argparse.ArgumentTypeError("is no file: planner plan --format json prints a plan")
    return text


def refuse_foreign(
    options: argparse.Namespace,
    told: Callable[[argparse.ArgumentParser], None],
    chosen: str,
    owners: Mapping[str, str],
) -> None:
    """Raise UsageError for an option that is for other ways of a command than the `chosen` one, which would ignore it.

    `told` tells the command line of the command, `owners` the ways that have an option, by its name.
    """
    parser = argparse.ArgumentParser(add_help=False)
    told(parser)
    for option, ways in owners.items():
        name = option.replace("-", "_")
        if chosen not in ways.split(" or ") and getattr(options, name) != parser.get_default(name):
            raise UsageError(f"--{option} is for {ways}, and {chosen} would ignore it")


def output(parser: argparse.ArgumentParser, what: str = "write to FILE [standard output]") -> None:
    """Where the answer goes."""
    parser.add_argument("-o", "--output", default="", metavar="FILE", help=what)


def images(parser: argparse.ArgumentParser) -> None:
    """Names and globs that narrow a command."""
    parser.add_argument(
        "images", nargs="*", default=[], metavar="IMAGE", help="only these (globs) and the parents they need"
    )


def state(parser: argparse.ArgumentParser) -> None:
    """Where records, logs and images are."""
    parser.add_argument("--state", default="", metavar="DIR", help="records, logs and images [.planner beside FILE]")


def everything(parser: argparse.ArgumentParser) -> None:
    """Build whatever was built before."""
    parser.add_argument("--all", action="store_true", help="build every image that is named, whatever was built before")


def published(parser: argparse._ActionsContainer) -> None:
    """A registry whose records count."""
    what = "compare with what a registry has: HOST/PATH, or published for the one of the graph file"
    parser.add_argument("--against", metavar="REGISTRY", help=what)


def offline(parser: argparse.ArgumentParser) -> None:
    """Whether the registry is asked."""
    parser.add_argument(
        "--offline", action="store_true", help="ask no network: take what was said last, and name what floats"
    )


def baseline(parser: argparse.ArgumentParser) -> None:
    """What a plan compares with."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--since", metavar="REV", help="compare with a git revision [the local records]")
    published(choice)
    offline(parser)
    everything(parser)
    parser.add_argument("--push", action="store_true", help="count only what is published, with its tags")
    policy(parser)
    state(parser)
    images(parser)


def formats(parser: argparse.ArgumentParser, *names: str) -> None:
    """How the answer is written; the first name is the default."""
    parser.add_argument("--format", choices=names, default=names[0], help=f"how to answer [{names[0]}]")


def trace(parser: argparse.ArgumentParser) -> None:
    """Whether a trace is sent."""
    what = "send an OpenTelemetry trace to OTEL_EXPORTER_OTLP_ENDPOINT (HTTP)"
    parser.add_argument("--trace", action="store_true", help=what)


def allow(parser: argparse._ActionsContainer) -> None:
    """What builds may have of the machine beside the workspace."""
    what = "let builds have fs.read=PATH, ssh, network.host, security.insecure or device=NAME [nothing; PLANNER_ALLOW]"
    parser.add_argument("--allow", action="append", default=[], type=_allowance, metavar="WHAT", help=what)


def _allowance(text: str) -> str:
    """A word that allows something. Raises UsageError."""
    from planner.build.entitlements import allowed_by

    allowed_by([text], {})
    return text


POLICY = "policy.yaml"
"""The policy beside the graph file."""


def policy_stands_in(folder: Path) -> bool:
    """Whether anything has the policy's name there: what cannot be read is an error, and no run without a policy."""
    return os.path.lexists(folder / POLICY)


def policy(parser: argparse.ArgumentParser) -> None:
    """Which policy holds."""
    parser.add_argument("--policy", default="", metavar="FILE", help=f"the policy [{POLICY} beside the graph file]")


def trust(parser: argparse.ArgumentParser) -> None:
    """What a build's command line says of trust."""
    policy(parser)
    parser.add_argument(
        "--cache",
        choices=("auto", "policy", "off"),
        default="auto",
        help="layer caches as the policy grants them [auto: in CI, where there is a policy]",
    )
    parser.add_argument("--cache-to", default="", metavar="SCOPE", help="ask to write this scope [the level's own]")
