"""`planner watch`: renews the plan on screen whenever a file changes, and with --build builds what it names."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from planner.cli import arguments as shared
from planner.cli import interrupts
from planner.cli.asides import palette
from planner.cli.family import chosen, folder_of, keys_in
from planner.cli.plan import against_records
from planner.cli.since import baseline_at
from planner.digest.key import Keys, Known
from planner.digest.retold import Retold
from planner.errors import PlannerError
from planner.explain.causes import plan_text
from planner.local.git_tree import WorkTree, worktree
from planner.local.revisions import commit_at
from planner.plan.rebuild import Plan
from planner.plan.rebuild import plan as make_plan

EXAMPLE = "planner watch --since origin/main"
DEBOUNCE = 60
"""Milliseconds without a further change after which the plan is renewed."""
IDLE = 100
"""Milliseconds after which a watch without changes looks round, for the first time and for an interrupt."""
LOOK = 1.0
"""Seconds after which git is asked again where the revision stands that is compared with."""
PATIENCE = 5.0
"""Seconds that a build has to end after a second interrupt."""
TERMINATED = 128 + signal.SIGTERM
HEAD = ("HEAD", "logs/HEAD")
"""What of git's own folder tells that another commit is checked out."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("--since", metavar="REV", help="compare with a git revision [local records]")
    parser.add_argument("--build", action="store_true", help="build what the plan names, after each change")
    shared.allow(parser)
    shared.state(parser)
    shared.images(parser)
    parser.set_defaults(all=False, push=False)


def run(options: argparse.Namespace) -> int:
    """Show the plan until somebody interrupts; a family that is wrong is said, and watched on."""
    from watchfiles import watch

    folder = folder_of(options).resolve()
    wanted = functools.partial(_counts, folder)
    keys, shown = None, False
    # Nothing is shown before the folder is watched, so that no edit falls between the two.
    changes = watch(
        folder,
        watch_filter=wanted,
        debounce=DEBOUNCE,
        step=20,
        rust_timeout=IDLE,
        yield_on_timeout=True,
        raise_interrupt=True,
    )
    compared = _Compared(folder, options.since or "")
    with interrupts.remembered() as interrupted, contextlib.suppress(KeyboardInterrupt):
        for changed in changes:
            if interrupted():
                break
            if changed or not shown or compared.moved():
                keys, shown = _renew(options, keys, interrupted), True
    print(file=sys.stderr)
    return 0 if interrupted() != signal.SIGTERM else TERMINATED


class _Compared:
    """The revision that the plan is compared with. A fetch moves it, and no file below the folder: git is asked."""

    def __init__(self, folder: Path, revision: str) -> None:
        self.folder = folder
        self.revision = revision
        self.asked = time.monotonic()
        self.commit = commit_at(folder, revision) if revision else ""

    def moved(self) -> bool:
        """Whether it names another commit than when this was asked last, and answered."""
        if not self.revision or time.monotonic() < self.asked + LOOK:
            return False
        self.asked = time.monotonic()
        before, self.commit = self.commit, commit_at(self.folder, self.revision)
        return before != self.commit


def _counts(folder: Path, _: object, path: str) -> bool:
    """Whether a change of this path may move the plan: not what git and the planner write for themselves."""
    inside = Path(path).relative_to(folder).parts if path.startswith(f"{folder}{os.sep}") else (path,)
    if ".planner" in inside:
        return False
    return ".git" not in inside or "/".join(inside[inside.index(".git") + 1 :]) in HEAD


def _renew(options: argparse.Namespace, before: Keys | None, interrupted: Callable[[], int]) -> Keys | None:
    """Plan again, thinking only of what the change can reach; gives the keys for the next time.

    Raises PlannerError for images and a revision that are not there at the start: no edit would be waited for.
    """
    began = time.monotonic()
    now = None
    try:
        tree = worktree(folder_of(options))
        known = Known(facts=before.facts, agrees=Retold(tree).agrees) if before is not None else None
        now = keys_in(options, tree, known)
        plan = _plan(options, tree, now)
    except PlannerError as error:
        if before is None and now is not None:
            raise
        _show(f"{error}\n\nwatching {folder_of(options)}")
        return before
    took = (time.monotonic() - began) * 1000
    _show(f"{plan_text(plan, palette())}\n\nwatching {folder_of(options)}, planned at {_clock()} in {took:.0f} ms")
    if options.build and plan.building:
        _build(options, interrupted)
    return now


def _plan(options: argparse.Namespace, tree: WorkTree, now: Keys) -> Plan:
    if not options.since:
        return against_records(options, now)
    graph = now.made_by.loaded.graph
    then = baseline_at(options, tree, now, options.since)
    return make_plan(graph, now, then, against=options.since, wanted=chosen(options.images, graph))


def _build(options: argparse.Namespace, interrupted: Callable[[], int]) -> None:
    """Build in a process of its own, which shows its own progress and says what failed."""
    files = options.files if options.file_named else []
    words = ["-C", options.folder, *(word for file in files for word in ("-f", file))]
    words += [word for entry in options.var for word in ("--var", entry)]
    words += [word for text in options.set for word in ("--set", text)]
    words += ["--via-buildx"] if options.via_buildx else []
    words += [word for name in options.profile for word in ("--profile", name)]
    words += [word for file in options.env_file for word in ("--env-file", file)]
    words += ["build", *(word for text in options.allow for word in ("--allow", text))]
    words += [*(["--state", options.state] if options.state else []), *options.images]
    _wait_for(subprocess.Popen([sys.executable, "-P", "-m", "planner.cli.start", *words]), interrupted)


def _wait_for(build: subprocess.Popen[bytes], interrupted: Callable[[], int]) -> None:
    """Raises KeyboardInterrupt once the build has ended, where there was one meanwhile.

    A terminal interrupts the build as well, which ends in its own time: at a second interrupt it kills what it started,
    and has `PATIENCE` left; a third one waits for nothing. Of SIGTERM nobody but us tells the build.
    """
    interrupts = 0
    while build.returncode is None:
        try:
            build.wait(None if interrupts < 2 else PATIENCE)
        except KeyboardInterrupt:
            interrupts += 1
            if interrupted() == signal.SIGTERM:
                build.terminate()
            if interrupts > 2:
                build.kill()
        except subprocess.TimeoutExpired:
            build.kill()
    if interrupts:
        raise KeyboardInterrupt


def _show(text: str) -> None:
    if sys.stdout.isatty():
        print("\x1b[2J\x1b[H", end="")
    print(text, flush=True)


def _clock() -> str:
    return time.strftime("%H:%M:%S")
