"""`planner doctor`: checks what plans and builds rely on, and says what to do. Changes nothing."""

from __future__ import annotations

import argparse
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from planner.build import checkup as build_checkup
from planner.cli import arguments as shared
from planner.cli.asides import palette
from planner.cli.clone import not_checked_out
from planner.cli.family import folder_of, load_family
from planner.cli.plan import state_of
from planner.digest.traps import traps
from planner.errors import DefinitionError, PlannerError
from planner.explain.findings import findings_json, findings_text
from planner.explain.text import counted
from planner.local import checkup as local_checkup
from planner.local.git_tree import worktree
from planner.model.finding import Finding, Severity
from planner.model.graph import Unresolved
from planner.registry import checkup as registry_checkup
from planner.sources.loaded import LoadedFamily

EXAMPLE = "planner doctor --format json"
LONGEST = 30.0
"""Seconds that all checks may take together."""
MANY = 20
"""So many findings of one kind are shown, and then their number."""

Check = Callable[[], Iterator[Finding]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("--builder", default="", metavar="ENGINE", help="as of planner build")
    shared.state(parser)
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Print the findings; 1 when one of them is an error."""
    folder, environment = folder_of(options), dict(os.environ)
    checks: dict[str, Check] = {
        "git": lambda: local_checkup.git(folder),
        "state": lambda: local_checkup.state(state_of(options).root),
        "buildx": lambda: build_checkup.builder(options.builder, environment),
        "Docker Engine": lambda: build_checkup.engine(environment),
        "graph": lambda: _graph(options),
    }
    findings = ran(checks, LONGEST)
    print(findings_json(findings) if options.format == "json" else findings_text(findings, palette()))
    return int(any(finding.severity is Severity.ERROR for finding in findings))


def ran(checks: Mapping[str, Check], seconds: float) -> list[Finding]:
    """The findings of all checks, in their order. A check that takes longer than all may is a finding itself."""
    answers: queue.SimpleQueue[tuple[str, list[Finding]]] = queue.SimpleQueue()

    def one(name: str, check: Check) -> None:
        try:
            answers.put((name, list(check())))
        except PlannerError as error:
            answers.put((name, [Finding(check=name, severity=Severity.ERROR, what=str(error))]))
        except Exception as error:  # A machine that is not in order is what this is for.
            what = str(error) or type(error).__name__
            answers.put((name, [Finding(check=name, severity=Severity.ERROR, what=what)]))

    for name, check in checks.items():
        # Daemons: one that hangs must not keep the command from ending.
        threading.Thread(target=one, args=(name, check), daemon=True).start()
    found: dict[str, list[Finding]] = {}
    end = time.monotonic() + seconds
    while len(found) < len(checks):
        try:
            name, findings = answers.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        found[name] = findings
    late = f"did not answer within {seconds:.0f} s"
    return [
        finding
        for name in checks
        for finding in found.get(
            name, [Finding(check=name, severity=Severity.ERROR, what=late, advice="try it by hand")]
        )
    ]


def _graph(options: argparse.Namespace) -> Iterator[Finding]:
    """The family: mistakes, what it leaves open, traps in its contexts, and its registry."""
    tree = worktree(folder_of(options))
    try:
        loaded = load_family(options, tree)
    except DefinitionError as error:
        yield from _few([Finding(check="graph", severity=Severity.ERROR, what=str(one)) for one in error.mistakes])
        return
    yield from _few(list(_open(loaded)) or [_sound(loaded)])
    yield from _few(list(traps(loaded, tree, tree.ignored)))
    yield from _few(list(not_checked_out(options, loaded, tree)))
    if loaded.family.registry:
        yield from registry_checkup.registry(loaded.family.registry.partition("/")[0])


def _open(loaded: LoadedFamily) -> Iterator[Finding]:
    for name in loaded.graph.order:
        for use in loaded.graph.nodes[name].unresolved:
            reason, hint = (use.origin.reason, use.origin.hint) if isinstance(use.origin, Unresolved) else ("", "")
            what = f"{use.span}: {use.role} {use.reference}: {reason}"
            yield Finding(check="graph", severity=Severity.ERROR, what=what, advice=hint)


def _sound(loaded: LoadedFamily) -> Finding:
    edges = sum(len(node.parents) for node in loaded.graph.nodes.values())
    size = f"{counted(len(loaded.graph.nodes), 'image')}, {counted(edges, 'edge')}"
    what = f"{size}, every reference told ({Path(loaded.family.file).name})"
    return Finding(check="graph", severity=Severity.OK, what=what)


def _few(findings: list[Finding]) -> Iterator[Finding]:
    yield from findings[:MANY]
    if len(findings) > MANY:
        last = findings[-1]
        yield Finding(check=last.check, severity=last.severity, what=f"and {len(findings) - MANY} more of these")
