"""`gc --apply` again and again beside a real `build --push` of what the clean-up's clone has never heard of."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from planner.registry.client import HttpRegistry
from planner.registry.whole import whole
from tests.build.family import BuildSpace
from tests.build.shared import clone, published_space
from tests.build.sound import NAMES, expect_sound
from tests.engine.engine import Engine
from tests.registry.faults import Proxy
from tests.registry.stocked import key_of, stock
from tests.workspace import IDENTITY

CLIENT = HttpRegistry()
DAY = 86_400.0
AN_HOUR = "0.0417"
"""In days: short, and longer than this build."""
WITHOUT_LATEST = """\
import planner.cli.gc_roots, planner.plan.retention
planner.plan.retention.LATEST = {}
planner.plan.retention._is_ours = lambda tag: True
"""
WITHOUT_LEASES = "planner.cli.gc_roots.LONGEST = 0.0\n"
RUN = "from planner.cli.start import main\nmain()\n"
PLANNER = ("-m", "planner.cli.start")
HEEDLESS = ("-c", WITHOUT_LATEST + WITHOUT_LEASES + RUN)
"""A clean-up that heeds neither leases nor `latest`."""


def clean_up(space: BuildSpace, grace: str, code: tuple[str, ...], *more: str) -> CompletedProcess[str]:
    options = ("--apply", "--wait", "0", "--grace", grace, "--ref", "main", "--last", "1", *more)
    command = [sys.executable, *code, "-C", os.fspath(space.root), "gc", *options]
    return subprocess.run(command, env={**os.environ, **IDENTITY}, capture_output=True, text=True, check=False)


@contextmanager
def cleaning(
    space: BuildSpace, grace: str, code: tuple[str, ...], against: str
) -> Iterator[list[CompletedProcess[str]]]:
    """Clean-ups that delete at once what they put away, one after the other, for as long as this is open."""
    over, runs = threading.Event(), list[CompletedProcess[str]]()

    def clean() -> None:
        while not over.is_set():
            runs.append(clean_up(space, grace, code, "--against", against))

    thread = threading.Thread(target=clean)
    thread.start()
    try:
        yield runs
    finally:
        over.set()
        thread.join()


def build_beside(
    root: Path, engine: Engine, proxy: Proxy, behind: str, grace: str, code: tuple[str, ...] = PLANNER
) -> tuple[BuildSpace, CompletedProcess[str]]:
    """Build an edit beside clean-ups that do not know it; gives its workspace, and how the build ended.

    No image gets the tag of its key before a whole clean-up has ended that began when it was asked for. What is
    published on main stays in any case, and what is old and wanted by nobody goes in any case.
    """
    main = published_space(root / "main", engine, behind)
    live = {name: image["digest"] for name, image in main.build("--push").items() if name}
    old = {name: stock(CLIENT, f"{behind}/{name}", key_of(1), at=time.time() - 90 * DAY) for name in NAMES}
    edit = clone(main, root / "edit")
    edit.write({"base.txt": "two\n"})
    with cleaning(main, grace, code, f"{proxy.upstream}/{behind.partition('/')[2]}") as runs:

        def wait(_: int, line: str) -> None:
            if line.startswith("PUT ") and "/manifests/x3-" in line:
                wanted, until = ended_well(runs) + 2, time.monotonic() + 60
                while ended_well(runs) < wanted and time.monotonic() < until:
                    time.sleep(0.05)

        proxy.on_request = wait
        ended = edit.planner("build", "--push", "--format", "json", **engine.environment)
        proxy.on_request = None
        assert ended_well(runs) >= 2, "as good as no clean-up was beside the build"
    for run in runs:
        assert run.returncode == 0 or "nothing is removed" in run.stderr, run.stderr
    for name in NAMES:
        whole(CLIENT, f"{behind}/{name}", live[name])
        assert CLIENT.digest_of(f"{behind}/{name}", old[name]) is None
    return edit, ended


def ended_well(runs: Sequence[CompletedProcess[str]]) -> int:
    return sum(run.returncode == 0 for run in runs)


def lost(space: BuildSpace, behind: str) -> set[str]:
    """The images whose keys name nothing."""
    return {name for name, key in space.keys().items() if CLIENT.digest_of(f"{behind}/{name}", key) is None}


@pytest.mark.parametrize("grace", [AN_HOUR, "0"])
def test_nothing_of_a_running_build_goes(tmp_path: Path, engine: Engine, proxy: Proxy, behind: str, grace: str) -> None:
    edit, ended = build_beside(tmp_path, engine, proxy, behind, grace)
    assert ended.returncode == 0, ended.stderr
    assert lost(edit, behind) == set()
    expect_sound(behind)
    edit.commit()
    other = clone(edit, tmp_path / "other").build("--push")
    assert {image["outcome"] for name, image in other.items() if name} == {"reused"}


def test_a_clean_up_that_heeds_nothing_does_harm_and_the_next_build_mends_it(
    tmp_path: Path, engine: Engine, proxy: Proxy, behind: str
) -> None:
    edit, ended = build_beside(tmp_path, engine, proxy, behind, "0", HEEDLESS)
    assert "Traceback" not in ended.stderr
    assert lost(edit, behind), "else the test above could not fail"
    images = edit.build("--push")
    for name in NAMES:
        whole(CLIENT, f"{behind}/{name}", images[name]["digest"])
    expect_sound(behind)


@pytest.mark.parametrize(
    ("grace", "code", "goes"),
    [
        ("0", WITHOUT_LATEST + RUN, False),
        (AN_HOUR, WITHOUT_LATEST + WITHOUT_LEASES + RUN, False),
        ("0", WITHOUT_LATEST + WITHOUT_LEASES + RUN, True),
    ],
    ids=["a lease", "a grace time", "neither"],
)
def test_each_alone_keeps_what_was_just_recorded(
    tmp_path: Path, engine: Engine, proxy: Proxy, behind: str, grace: str, code: str, goes: bool
) -> None:
    """Clean-ups in the moment in which an image is recorded and its lease is about to be given up, without `latest`."""
    gone: list[bool] = []
    path = behind.partition("/")[2]
    main = published_space(tmp_path / "main", engine, behind)
    main.build("--push")
    edit = clone(main, tmp_path / "edit")
    edit.write({"base.txt": "two\n"})
    key = edit.keys()["base"]

    def clean(_: int, line: str) -> None:
        if line.startswith(f"DELETE /v2/{path}/base/") and not gone:
            assert CLIENT.digest_of(f"{proxy.upstream}/{path}/base", f"rec-{key}") is not None
            for _ in range(2):
                run = clean_up(main, grace, ("-c", code), "--against", f"{proxy.upstream}/{path}")
                assert run.returncode == 0, run.stderr
            gone.append(CLIENT.digest_of(f"{proxy.upstream}/{path}/base", key) is None)

    proxy.on_request = clean
    ended = edit.planner("build", "base", "--push", "--lease", "3600", **engine.environment)
    proxy.on_request = None
    assert ended.returncode == 0, ended.stderr
    assert gone == [goes]


def test_what_a_clean_up_put_away_is_named_again_when_it_is_reused(tmp_path: Path, engine: Engine, behind: str) -> None:
    main = published_space(tmp_path / "main", engine, behind)
    main.build("--push")
    edit = clone(main, tmp_path / "edit")
    edit.write({"base.txt": "two\n"})
    edit.build("--push")
    main.write({"base.txt": "three\n"})
    main.build("--push")  # What `latest` named until now, nothing names but the keys of the edit.
    put_away = main.planner("gc", "--apply", "--wait", "30", "--grace", "0", "--ref", "main", "--last", "1")
    assert put_away.returncode == 0, put_away.stderr
    assert "app" in lost(edit, behind), "else there is nothing to name again"
    again = edit.planner("build", "--push", **engine.environment)
    assert again.returncode == 0, again.stderr
    assert "a clean-up had put away" in again.stderr
    assert lost(edit, behind) == set()
    expect_sound(behind)
    edit.commit()
    other = clone(edit, tmp_path / "other").build("--push")
    assert {image["outcome"] for name, image in other.items() if name} == {"reused"}
