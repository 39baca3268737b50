"""What a command loads: nothing that it does not use, since loading takes longer than git does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workspace import IDENTITY, Workspace

PLAN = ("plan", "--since", "HEAD")
FAMILY = {"images.yaml": "version: 1\nimages:\n  one: {context: one}\n", "one/Dockerfile": "FROM scratch\nCOPY src /\n"}
FORBIDDEN = ("networkx", "docker", "yaml", "argparse", "dataclasses", "subprocess", "planner.sources", "planner.digest")
READERS = ("networkx", "docker", "yaml", "subprocess", "difflib", "planner.sources.dockerfile.", "planner.model.build")


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write({**FAMILY, "one/src": "a\n"})
    workspace.commit()
    return workspace


def told(space: Workspace, question: str, *arguments: str) -> tuple[str, str]:
    """What a command says, and the value of `question` after it, of a run that has loaded nothing ahead of its need."""
    code = (
        "import sys; from planner.cli import ahead; ahead.load = lambda *_: None;"
        "from planner.cli.start import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print({question}, file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=space.root,
        env={**os.environ, **IDENTITY},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout, run.stderr.splitlines()[-1]


def loaded(names: tuple[str, ...]) -> str:
    return f"[name for name in sys.modules if name.startswith({names})]"


@pytest.mark.parametrize("arguments", [("--version",), PLAN, ("key",)], ids=["version", "plan", "key"])
def test_what_is_known_already_loads_next_to_nothing(space: Workspace, arguments: tuple[str, ...]) -> None:
    for _ in range(2):
        said, found = told(space, loaded(FORBIDDEN), *arguments)
    assert said
    assert found == "[]"


def test_a_plan_from_kept_facts_loads_no_reader_and_all_that_is_loaded_ahead(space: Workspace) -> None:
    told(space, "0", *PLAN)
    space.write({"one/src": "edited\n"})
    said, found = told(space, loaded(READERS), *PLAN)
    assert "src changed" in said
    assert found == "[]"
    space.write({"one/src": "edited again\n"})
    said, found = told(space, "[name for name in ahead.MODULES if name not in sys.modules]", *PLAN)
    assert "src changed" in said
    assert found == "[]"


def test_help_loads_no_heavy_package(space: Workspace) -> None:
    said, found = told(space, loaded(("networkx", "docker.", "yaml", "rich")), "--help")
    assert "planner" in said
    assert found == "[]"
