"""A git that takes too long is given up, also where a program that it started holds its pipes open."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.errors import GitError
from planner.local import converting, process, spawn
from tests.workspace import Workspace

SLOW = ("-c", "filter.slow.clean=sleep 20; cat")


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    made = Workspace(tmp_path)
    made.write({".gitattributes": "*.slow filter=slow\n", "a.slow": "x\n"})
    for module in (process, spawn, converting):
        monkeypatch.setattr(module, "TIMEOUT", 0.5, raising=False)
    return made


def heard(space: Workspace) -> bytes:
    return process.ask(space.root, *SLOW, "hash-object", "--path=a.slow", "a.slow")


def fed(space: Workspace) -> bytes:
    return converting._fed(str(space.root), b"a.slow\n", *SLOW, "hash-object", "--stdin-paths")


@pytest.mark.parametrize("ask", [heard, fed])
def test_a_git_whose_filter_hangs(space: Workspace, ask: Callable[[Workspace], bytes]) -> None:
    began = time.monotonic()
    with pytest.raises(GitError, match="did not answer within"):
        ask(space)
    assert time.monotonic() - began < 10


def test_a_spawned_git_whose_filter_hangs(space: Workspace) -> None:
    began = time.monotonic()
    asked = spawn.Asked(str(space.root), [*SLOW, "hash-object", "--path=a.slow", "a.slow"])
    assert asked.answer()[0] == -9
    assert time.monotonic() - began < 10
