"""What docs/query.md shows is what the commands print."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.workspace import Workspace

CHECKOUT = Path(__file__).parents[2]
SHOWN = [
    entry.partition("\n")
    for block in re.findall(r"```console\n(.*?)```", (CHECKOUT / "docs/query.md").read_text(), re.DOTALL)
    for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
]


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    shutil.copytree(CHECKOUT / "graphs/benchmark-suite", tmp_path / "suite")
    workspace = Workspace(tmp_path / "suite")
    workspace.commit()
    return workspace


@pytest.mark.parametrize(("command", "printed"), [(one[0], one[2]) for one in SHOWN], ids=[one[0] for one in SHOWN])
def test_the_page_shows_what_is_printed(space: Workspace, command: str, printed: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "planner"
    run = space.planner(*arguments)
    assert run.stdout + run.stderr == printed


def test_every_function_is_on_the_page() -> None:
    from planner.query.functions import FUNCTIONS

    text = (CHECKOUT / "docs/query.md").read_text()
    assert [name for name in FUNCTIONS if f"`{name}(" not in text] == []
