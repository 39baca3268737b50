"""`planner pool`: the remote builders of a pool.yaml: lists them, checks that they answer, and drains them."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from planner.build import drained
from planner.build.remote_look import Look, look
from planner.build.remotes import Pool, open_pool
from planner.cli import arguments as shared
from planner.cli.asides import palette
from planner.errors import UsageError
from planner.explain.text import printable
from planner.sources.pool_file import Remote
from planner.system.threads import Threads

EXAMPLE = "planner pool check --days 30"
AT_ONCE = 16
DAYS = 14


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument(
        "action", choices=("list", "check", "drain"), metavar="ACTION", help="list, check or drain; names follow it"
    )
    # With a default, argparse does not say that some are required.
    parser.add_argument("names", nargs="*", default=[], metavar="NAME", help="only these builders [list, check: all]")
    parser.add_argument("--pool", default="", metavar="FILE", help="the pool [$PLANNER_POOL, else pool.yaml here]")
    parser.add_argument("--undo", action="store_true", help="drain: let them build again")
    what = f"check: exit with 1 when a certificate is valid for less [{DAYS}]"
    parser.add_argument("--days", type=_days, default=DAYS, metavar="N", help=what)
    shared.formats(parser, "text", "json", "builder")


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) > 10_000:
        raise argparse.ArgumentTypeError("is a number of days")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """List, check or drain builders."""
    shared.refuse_foreign(
        options, arguments, options.action, {"undo": "drain", "days": "check", "format": "list or check"}
    )
    if options.format == "builder" and options.action == "check":
        raise UsageError("--format builder is for list, and check would check nothing")
    pool = open_pool(options.pool, os.environ)
    chosen = tuple(pool.member(name) for name in options.names) or pool.members
    if options.action == "drain":
        return _drain(options, chosen)
    if options.format == "builder":
        print(",".join(f"pool:{one.name}={one.weight:g}" for one in chosen if one.name not in pool.drained))
        return 0
    looks = _looks(pool, chosen)
    failing = [one for one in looks if one.error or one.days_left < options.days]
    if options.format == "json":
        print(json.dumps({"version": 1, "builders": [_document(one) for one in looks]}, indent=2))
    else:
        for one in looks:
            print(_told(one, options.days if options.action == "check" else 0))
    return int(options.action == "check" and bool(failing))


def _drain(options: argparse.Namespace, chosen: tuple[Remote, ...]) -> int:
    """Raises UsageError without names: nobody drains a whole pool by leaving out a word."""
    if not options.names:
        raise UsageError("planner pool drain takes the names of builders")
    for one in chosen:
        (drained.fill if options.undo else drained.drain)(os.environ, one.spec)
        print(f"{one.name}: {'builds again' if options.undo else 'takes no new builds; what runs there goes on'}")
    return 0


def _looks(pool: Pool, chosen: tuple[Remote, ...]) -> list[Look]:
    with tempfile.TemporaryDirectory(prefix="planner-pool-") as folder, Threads(AT_ONCE) as threads:
        return list(threads.map(lambda one: look(pool, one, os.environ, Path(folder, one.name)), chosen))


def _document(one: Look) -> dict[str, object]:
    return {
        "name": one.remote.name,
        "address": one.remote.address,
        "weight": one.remote.weight,
        "drained": one.drained or None,
        "answers": not one.error,
        "error": one.error or None,
        "buildkit": one.version or None,
        "platforms": list(one.platforms),
        "disk_bytes": one.disk,
        "certificates": [
            {"what": cert.what, "days_left": round(cert.days_left, 1), "until": cert.until} for cert in one.certificates
        ],
    }


def _told(one: Look, days: int) -> str:
    """A builder for people, with what is wrong of it."""
    paint = palette().paint
    state = paint("fails", "31") if one.error else paint("drained", "33") if one.drained else paint("ok", "32")
    lines = [f"{one.remote.name}  {one.remote.address}  {state}"]
    if one.version:
        disk = "" if one.disk is None else f", {one.disk / 1e9:.2f} GB of layers"
        lines.append(f"  BuildKit {printable(one.version)}, {printable(', '.join(one.platforms))}{disk}")
    for cert in one.certificates:
        near = cert.days_left < days
        text = f"  {cert.what}: valid for {cert.days_left:.0f} days, until {cert.until}"
        lines.append(paint(text, "33") if near else text)
    if not one.remote.ca:
        lines.append("  spoken to in the clear: whoever reaches it may use it")
    if one.drained:
        lines.append(f"  drained since {one.drained}")
    lines += [f"  {printable(line)}" for line in one.error.splitlines()]
    return "\n".join(lines)
