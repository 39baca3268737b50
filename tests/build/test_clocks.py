"""What was built last counts, whatever clocks said: of this machine then, or of another one."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from planner.registry.client import HttpRegistry
from tests.build.family import BuildSpace
from tests.build.shared import clone, published_space
from tests.build.test_cutoff import TWO_STAGES
from tests.engine.engine import Engine
from tests.workspace import IDENTITY

CLIENT = HttpRegistry()
YEAR = 365 * 86_400.0
NEVER_THE_SAME = "FROM registry.example/fam/base\nCOPY tool.txt /\nRUN date +%s.%N > /tool\n"


@pytest.fixture
def space(tmp_path: Path, engine: Engine, prefix: str) -> BuildSpace:
    """The small family, of which tool comes out anew in each build, and a base that an edit may leave as it is."""
    return published_space(tmp_path / "a", engine, prefix, tool__Dockerfile=NEVER_THE_SAME, base__Dockerfile=TWO_STAGES)


def date_records(space: BuildSpace, seconds: float) -> None:
    """As if the clock had been wrong by so many seconds when all was built."""
    with sqlite3.connect(space.root / ".planner" / "records.sqlite") as database:
        database.execute("UPDATE records SET built_at = built_at + ?", (seconds,))


def prune(engine: Engine) -> None:
    assert engine.run("buildctl", "--addr", engine.address, "prune", "--all").returncode == 0


def test_what_was_built_again_counts_though_the_clock_was_ahead_before(space: BuildSpace, engine: Engine) -> None:
    first = space.build()
    date_records(space, YEAR)
    prune(engine)
    second = space.build("--all", "--push")
    assert second["tool"]["digest"] != first["tool"]["digest"]
    assert space.build()["tool"]["digest"] == second["tool"]["digest"]


def test_what_another_one_built_again_counts_where_parents_come_out_the_same(
    space: BuildSpace, engine: Engine, tmp_path: Path, prefix: str
) -> None:
    """A forced build of another runner, such as for security updates, is not undone by an older one from here."""
    first = space.build("--push")
    other = clone(space, tmp_path / "b")
    prune(engine)
    second = other.build("--all", "--push")
    assert second["tool"]["digest"] != first["tool"]["digest"]
    assert second["base"]["digest"] == first["base"]["digest"]
    space.write({"base.txt": "two\n"})
    third = space.build("--push")
    assert third["tool"]["outcome"] == "cut-off"
    assert CLIENT.digest_of(f"{prefix}/tool", "latest") == second["tool"]["digest"]
    assert third["tool"]["digest"] == second["tool"]["digest"]


AHEAD = """\
import sys, time
from planner.cli.start import main
now, wrong = time.time, float(sys.argv.pop(1))
time.time = lambda: now() + wrong
sys.exit(main())
"""


@pytest.mark.parametrize("wrong", [60 * 86_400.0, -3600.0])
@pytest.mark.parametrize("more", [(), ("--grace", "0")])
def test_a_clean_up_by_a_wrong_clock_removes_nothing(space: BuildSpace, wrong: float, more: tuple[str, ...]) -> None:
    """What is new would be old, and leases that others hold would have run out."""
    space.write({"base.txt": "longer\n"})
    unwanted = space.build("--push")
    space.git("checkout", "-q", "base.txt")
    space.build("--push")
    for apply in ((), ("--apply",)):
        argv = [
            sys.executable,
            "-c",
            AHEAD,
            str(wrong),
            "-C",
            os.fspath(space.root),
            "gc",
            "--wait",
            "0",
            *more,
            *apply,
        ]
        for _ in range(2):
            run = subprocess.run(argv, env={**os.environ, **IDENTITY}, capture_output=True, text=True, check=False)
            assert run.returncode == (1 if apply else 0), run.stdout
            assert "the clock of this machine is" in run.stderr, run.stdout
    stored = unwanted["tool"]
    assert CLIENT.digest_of(stored["repository"], stored["key"]) == stored["digest"]
