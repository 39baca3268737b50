"""Starts git and reads its answer with nothing but what Python has loaded anyway: `subprocess` costs more than git."""

from __future__ import annotations

import io
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, BinaryIO

TIMEOUT = 120.0
"""Seconds that one question to git may take."""

FETCHING = 300.0
"""Seconds without a word from a git that is asked for objects, and that may have to fetch one from a server."""

CHUNK = 1 << 16


OTHERWISE = frozenset({"GIT_CONFIG", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"})
"""Variables that git does without: `git config` alone would read other settings, and paths would not be names."""


def environment() -> dict[str, str]:
    """The caller's environment, with what makes git's answers the same everywhere.

    Objects that a partial clone lacks may be fetched (`GIT_NO_LAZY_FETCH` is not set): of a revision most are missing.
    """
    kept = {name: value for name, value in os.environ.items() if name not in OTHERWISE}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
    }


OURS = (
    "core.quotePath=false",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
)
"""Settings in the place of a user's and a repository's own: git itself gives up a web server that falls silent."""


def git_argv(*arguments: str) -> list[str]:
    """A git command line that runs no hook and no file system monitor, and believes none.

    Two more programs can be named by a repository's own configuration. Git's status runs a filter
    (`filter.NAME.clean`), for files that attributes give it and whose times have changed: without it git cannot tell
    whether they did. And in a partial clone git runs what fetches an object that is missing.
    """
    return ["git", *(word for setting in OURS for word in ("-c", setting)), *arguments]


class Asked:
    """One question to git that is under way. What git says on its error output is thrown away.

    But where it `hears`: then that is `said` once it has answered.
    """

    def __init__(self, folder: str, arguments: Sequence[str], *, hears: bool = False) -> None:
        argv = git_argv("-C", folder, *arguments)
        self.said = b""
        self._output, write = os.pipe()
        self._errors, complain = os.pipe() if hears else (-1, -1)
        silent = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
        actions = (
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, write, 1),
            (os.POSIX_SPAWN_DUP2, complain, 2) if hears else silent,
        )
        try:
            self._pid = os.posix_spawnp(argv[0], argv, environment(), file_actions=actions)
        except OSError:
            for handle in (self._output, self._errors)[: 1 + hears]:
                os.close(handle)
            raise
        finally:
            for handle in (write, complain)[: 1 + hears]:
                os.close(handle)

    def has_answered(self, *, within: int = 0) -> bool:
        """Whether git has begun to answer or has ended, after so many milliseconds at most."""
        import select

        ready = select.poll()
        ready.register(self._output, select.POLLIN)
        return bool(ready.poll(within))

    def threads(self) -> int:
        """How many threads git uses now, 0 where the system does not tell."""
        try:
            with open(f"/proc/{self._pid}/stat", "rb") as stream:
                told = stream.read(4096).rpartition(b") ")[2].split()
        except OSError:
            return 0
        return int(told[17]) if len(told) > 17 else 0

    def answer(self) -> tuple[int, bytes]:
        """Wait for the end: git's exit status and its output. A git that takes too long is killed: status -9."""
        import select

        chunks: list[bytes] = []
        complaints: list[bytes] = []
        ready = select.poll()
        for handle in (self._output, self._errors):
            if handle >= 0:
                ready.register(handle, select.POLLIN)
        is_over = False
        while not is_over:
            there = ready.poll(TIMEOUT * 1000)
            if not there:
                os.kill(self._pid, 9)
                break  # What it started may hold the pipe for ever.
            for handle, _ in there:
                chunk = os.read(handle, CHUNK)
                if handle == self._output:
                    chunks.append(chunk)
                    is_over = not chunk
                elif chunk:
                    complaints.append(chunk)
                else:
                    ready.unregister(handle)
        os.close(self._output)
        _, status = os.waitpid(self._pid, 0)
        if self._errors >= 0:
            self.said = b"".join([*complaints, *_rest(self._errors)])
        return os.waitstatus_to_exitcode(status), b"".join(chunks)


def _rest(handle: int) -> list[bytes]:
    """What is left in a pipe, which is closed. Nobody waits for who else may hold its other end: git has ended."""
    os.set_blocking(handle, False)
    chunks: list[bytes] = []
    try:
        while not chunks or chunks[-1]:
            chunks.append(os.read(handle, CHUNK))
    except BlockingIOError:
        pass
    os.close(handle)
    return chunks


_left: list[int] = []
"""Gits that were left alone and end by themselves; the next one that starts takes note of their end."""


def _note_ends() -> None:
    for pid in _left.copy():
        try:
            ended = os.waitpid(pid, os.WNOHANG)[0] != 0
        except ChildProcessError:  # Somebody else has noted it.
            ended = True
        if ended:
            _left.remove(pid)


class _Answers(io.FileIO):
    """Git's answers as they come. A git that is silent for too long is killed, and GitSilent raised."""

    def __init__(self, handle: int) -> None:
        import select

        super().__init__(handle)
        self.pid = 0
        self._ready = select.poll()
        self._ready.register(handle, select.POLLIN)

    def readinto(self, buffer: Any) -> int | None:
        if not self._ready.poll(FETCHING * 1000):
            from planner.errors import GitSilent

            os.kill(self.pid, 9)
            why = "git fetches objects that a clone lacks: git fetch tells whether the server answers"
            raise GitSilent(f"git gave no object for {FETCHING:.0f} s\n  {why}")
        return super().readinto(buffer)


class Conversation:
    """A git that is asked one thing after the other: `ask` takes questions, `hear` gives its answers."""

    def __init__(self, folder: str, arguments: Sequence[str]) -> None:
        _note_ends()
        argv = git_argv("-C", folder, *arguments)
        read_question, write_question = os.pipe()
        read_answer, write_answer = os.pipe()
        actions = (
            (os.POSIX_SPAWN_DUP2, read_question, 0),
            (os.POSIX_SPAWN_DUP2, write_answer, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        )
        self.ask: BinaryIO = os.fdopen(write_question, "wb")
        answers = _Answers(read_answer)
        self.hear: BinaryIO = io.BufferedReader(answers, CHUNK)
        self._ended = False
        try:
            self._pid = answers.pid = os.posix_spawnp(argv[0], argv, environment(), file_actions=actions)
        except OSError:
            self._ended = True
            self.close()
            raise
        finally:
            os.close(read_question)
            os.close(write_answer)

    def has_ended(self) -> bool:
        """Whether git is gone."""
        if not self._ended:
            self._ended = os.waitpid(self._pid, os.WNOHANG)[0] != 0
        return self._ended

    def close(self) -> None:
        """Ask nothing more and wait for the end."""
        for pipe in (self.ask, self.hear):
            try:
                pipe.close()
            except BrokenPipeError:  # It had ended before.
                continue
        if not self._ended:
            os.waitpid(self._pid, 0)
            self._ended = True

    def __del__(self, left: list[int] = _left) -> None:
        """Nobody will ask any more: git ends with its pipes, and is not waited for."""
        if not getattr(self, "_ended", True):
            left.append(self._pid)
