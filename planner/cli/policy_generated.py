"""`planner policy generate`: a policy in a registry's own words, written, printed, or compared with what is there."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from planner.cli import output
from planner.cli.saying import say
from planner.errors import OutputError, PlannerError, UsageError
from planner.policy import ghcr, google, zot
from planner.policy.check import check
from planner.policy.policy import Policy

FILES = {"zot": "zot.json", "artifact-registry": "artifact-registry.tf.json", "ghcr": "ghcr.md"}
ROOT = "/var/lib/registry"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell what `generate` takes."""
    parser.add_argument("--registry", default="", metavar="NAME", help="generate: for which of the policy's registries")
    parser.add_argument("-o", "--out", default="", metavar="FILE", help=f"- prints [{', '.join(FILES.values())}]")
    parser.add_argument("--check", action="store_true", help="generate: exit with 3 when the file is stale")


def run(options: argparse.Namespace, policy: Policy) -> int:
    """Write, print or check the file of one kind of registry."""
    if len(options.names) != 1 or options.names[0] not in FILES:
        raise UsageError(f"planner policy generate KIND: one of {', '.join(FILES)}")
    kind = options.names[0]
    text = generated(kind, policy, _registry(options, policy))
    file = options.out or FILES[kind]
    if options.check:
        return output.check(text, file)
    if file == "-":
        return say(text)
    try:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{Path(file).parent}: cannot be made: {error.strerror}") from error
    output.write(text, file)
    return say(f"wrote {file}")


def generated(kind: str, policy: Policy, registry: str) -> str:
    """The text for a kind of registry. Raises PlannerError for a policy that does not hold, or cannot be said there."""
    if kind == "ghcr":
        return ghcr.note(policy, registry).rstrip("\n")
    if not check(policy, "sha256").holds:
        raise PlannerError("the policy does not hold, so nothing is generated\n  planner policy check tells why")
    if not zot.judged_by_token(policy):
        raise PlannerError("repositories: names none of github and gitlab, whose identity tokens a registry can judge")
    if kind == "zot":
        return json.dumps(zot.configuration(policy, registry, ROOT), indent=2)
    try:
        return json.dumps(google.terraform(policy, registry), indent=2)
    except google.Impossible as error:
        reasons = str(error).replace("\n", "\n  ")
        raise PlannerError(f"Artifact Registry cannot do what the policy says:\n  {reasons}") from error


def _registry(options: argparse.Namespace, policy: Policy) -> str:
    names = list(policy.registries)
    name = options.registry or (names[0] if len(names) == 1 else "")
    if name not in policy.registries:
        raise UsageError(f"--registry: name one of {', '.join(names) or 'the registries that the policy has not'}")
    return str(name)
