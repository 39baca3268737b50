"""A git that dies while it is asked: no object is missing for that, no file shorter, and no output of ours lost."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.errors import GitError
from planner.local import spawn
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


@pytest.fixture
def partial(tmp_path: Path) -> Iterator[Workspace]:
    """A clone without old files, whose server takes connections and says nothing."""
    full, place = Workspace(tmp_path / "full"), tmp_path / "clone"
    for text in ("one\n", "two\n"):
        full.write({"file": text, "other": text})
        full.commit()
    full.git("config", "uploadpack.allowFilter", "true")
    full.git("clone", "--quiet", "--filter=blob:none", f"file://{full.root}", os.fspath(place))
    clone = Workspace(place, init=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        clone.git("remote", "set-url", "origin", f"http://127.0.0.1:{server.getsockname()[1]}/full")
        yield clone


def test_a_server_that_falls_silent_is_not_waited_for_without_end(
    partial: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spawn, "FETCHING", 0.5)
    oids = [partial.git("rev-parse", f"HEAD~1:{name}").strip() for name in ("file", "other")]
    began = time.monotonic()
    with pytest.raises(GitError, match=r"no object for 0 s\n  git fetches objects that a clone lacks"):
        Objects(partial.root).read(oids[0], "blob", 100)
    with pytest.raises(GitError, match="no object for"):  # Once for all, not once for each.
        Objects(partial.root).read_ahead(oids)
    assert time.monotonic() - began < 10


def test_git_itself_gives_up_a_web_server_that_falls_silent(
    partial: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows how much comes, and so does not take a slow one for it."""
    monkeypatch.setattr(spawn, "OURS", (*spawn.OURS, "http.lowSpeedTime=1"))
    oid = partial.git("rev-parse", "HEAD~1:file").strip()
    with pytest.raises(GitError, match="where the clone lacks objects, git fetch tells what is wrong"):
        Objects(partial.root).read(oid, "blob", 100)
