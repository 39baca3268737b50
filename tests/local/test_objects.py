"""A git that dies while it is asked: no object is missing for that, no file shorter, and no output of ours lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from planner.errors import GitError
from planner.local.objects import Objects
from planner.local.spawn import Conversation
from tests.workspace import Workspace


@pytest.fixture
def blob(tmp_path: Path) -> str:
    space = Workspace(tmp_path)
    space.write({"file": "content\n" * 100})
    space.commit()
    return space.git("rev-parse", "HEAD:file").strip()


class Script:
    """Stands in for git: answers once with these bytes, and ends."""

    def __init__(self, folder: Path, answer: bytes) -> None:
        (folder / "answer").write_bytes(answer)
        self.argv = ["sh", "-c", f"read line; cat {folder}/answer"]


def test_one_that_dies_between_two_questions_is_started_again(
    tmp_path: Path, blob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it has ended was asked just before."""
    objects = Objects(tmp_path)
    assert objects.read(blob, "blob", 1 << 20)
    first = objects._git
    assert first is not None
    os.kill(first._pid, signal.SIGKILL)
    os.waitid(os.P_PID, first._pid, os.WEXITED | os.WNOWAIT)
    real = Conversation.has_ended
    monkeypatch.setattr(Conversation, "has_ended", lambda self: self is not first and real(self))
    assert objects.read(blob, "blob", 1 << 20) == b"content\n" * 100
    objects.close()


@pytest.mark.parametrize("cut", [0, 10, 100])
def test_one_that_dies_in_its_answer_is_told(
    tmp_path: Path, blob: str, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    whole = f"{blob} blob 800\n".encode() + b"content\n" * 100 + b"\n"
    script = Script(tmp_path, whole[:cut])
    monkeypatch.setattr("planner.local.spawn.git_argv", lambda *_: script.argv)
    with pytest.raises(GitError, match="git ended before it had answered"):
        Objects(tmp_path).read(blob, "blob", 1 << 20)


def test_one_that_always_dies_is_told(tmp_path: Path, blob: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.local.spawn.git_argv", lambda *_: ["sh", "-c", "exec <&-; sleep 0.2"])
    objects = Objects(tmp_path)
    with pytest.raises(GitError, match="git ended"):
        for _ in range(3):
            objects.read(blob, "blob", 1 << 20)
