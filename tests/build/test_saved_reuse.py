"""What a saved plan reuses must be there when it is applied, and be published where that is asked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from planner.local.state import State
from tests.build.family import Family
from tests.build.shared import published_space
from tests.engine.engine import Engine
from tests.workspace import IDENTITY


def test_what_a_saved_plan_reuses_is_published(tmp_path: Path, engine: Engine) -> None:
    """The plan was made against local records, so that the registry has none of its images."""
    prefix = f"{engine.registry.address}/saved-reuse"
    space = published_space(tmp_path / "a", engine, prefix)
    built = space.build()
    plan = os.fspath(tmp_path / "plan.json")
    assert space.planner("plan", "--out", plan).returncode == 0
    space.build("--push", "--plan", plan)
    for name in ("base", "tool", "app", "side"):
        tags = engine.registry.tags(f"saved-reuse/{name}")
        assert built[name]["key"] in tags, f"{name}: told to be there, and is not: {tags}"


def test_what_a_saved_plan_reuses_and_is_gone_is_built(family: Family, tmp_path: Path) -> None:
    space = family()
    space.build()
    plan = os.fspath(tmp_path / "plan.json")
    assert space.planner("plan", "--out", plan).returncode == 0
    shutil.rmtree(space.root / ".planner/store")
    assert space.outcomes("--plan", plan) == dict.fromkeys(("base", "tool", "app", "side"), "built")
    assert space.outcomes("--plan", plan) == dict.fromkeys(("base", "tool", "app", "side"), "reused")


def test_a_parent_that_a_saved_plan_reuses_and_is_gone_is_built(family: Family, tmp_path: Path) -> None:
    """At least, what is said does not advise to leave out an option that was not given."""
    space = family()
    space.build("base")
    plan = os.fspath(tmp_path / "plan.json")
    assert space.planner("plan", "--out", plan).returncode == 0
    shutil.rmtree(space.root / ".planner/store")
    run = space.planner("build", "--offline", "--plan", plan, **space.engine.environment)
    assert "--only" not in run.stderr
    assert run.returncode == 0, run.stderr


def test_a_run_that_waited_asks_again_where_it_may_push(tmp_path: Path, engine: Engine) -> None:
    """What it is pushed to may be another registry by then, or none."""
    space = published_space(tmp_path / "a", engine, f"{engine.registry.address}/waited")
    graph = (space.root / "images.yaml").read_text()
    with State(space.root / ".planner").locked(wait=True, tell=print):
        waits = subprocess.Popen(
            [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), "build", "--push", "base"],
            env={**os.environ, **IDENTITY, **engine.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert waits.stderr is not None
        while "waiting" not in (line := waits.stderr.readline()):
            assert line, "it ended before it waited"
        space.write({"images.yaml": re.sub(r"registry: .*\n", "", graph)})
    _, err = waits.communicate(timeout=60)
    assert (waits.returncode, "--push needs to know where to" in err) == (1, True), err
