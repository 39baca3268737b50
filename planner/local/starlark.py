"""Evaluates Starlark files in a short-lived child process: limits hold whatever a file does. An Engine of the door.

What a child cannot survive (a lack of memory, nesting too deep) is told at the statement of the file that ends it,
found by evaluating shorter and shorter beginnings of the file.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from planner.errors import PlannerError
from planner.sources.doors.starlark import engine
from planner.sources.doors.starlark.engine import Call, Evaluated, Failure, Frame, Refused, Source, Stack, World
from planner.sources.doors.starlark.traceback import REFUSED, failure_of, plain, stack_of

if TYPE_CHECKING:
    import subprocess

TIMEOUT = 30.0
"""Seconds of the clock that one file may take, with all that it loads."""
CPU = 5
"""Seconds of processor time."""
PROBING = 15.0
"""Seconds within which the place of a crash is looked for."""
DEATHS = 2
"""Files that may end their process; those that follow are not evaluated."""
PROBE = 1
"""Seconds of processor time for one look."""
MAX_LINE = 128 << 20
"""Bytes of one answer of the child."""


class Died(Exception):
    """The child ended in the middle of an evaluation."""


class Starlark:
    """See Engine. Needs the package `starlark-pyo3`. `seconds` of processor time are for all files of a family."""

    def __init__(self, seconds: int = CPU) -> None:
        self.seconds = seconds

    def session(self, world: World, defines: Mapping[str, str]) -> engine.Session:
        """See Engine."""
        return _Session(world, defines, self.seconds)


class _Quiet:
    """A world that was asked before: what is printed again is not said again."""

    def __init__(self, world: World) -> None:
        self.world = world

    def load(self, label: str, chain: Sequence[str]) -> Source:
        return self.world.load(label, chain)

    def glob(self, package: str, patterns: Sequence[str], exclude: Sequence[str], *, empty: bool) -> Sequence[str]:
        return self.world.glob(package, patterns, exclude, empty=empty)

    def say(self, text: str, stack: Stack) -> None:
        pass


class _Session:
    def __init__(self, world: World, defines: Mapping[str, str], seconds: int) -> None:
        self.world = world
        self.defines = defines
        self.seconds = seconds
        self._child: _Child | None = None
        self._deaths = 0

    def evaluate(self, source: Source, package: str) -> Evaluated:
        if self._deaths >= DEATHS:
            what = "is not evaluated: files before it cannot be evaluated within all bounds"
            return Evaluated(calls=(), failure=Failure(what=what, file=source.file))
        if self._child is None:
            self._child = _Child(self.defines, self.seconds)
        try:
            return self._child.evaluate(self.world, source, package)
        except Died as died:
            self.close()
            self._deaths += 1
            return Evaluated(calls=(), failure=self._placed(source, package, str(died)))

    def _placed(self, source: Source, package: str, what: str) -> Failure:
        """The statement that ends a child: the last of the shortest beginning that does."""
        starts = _statements(source.text) or [0]
        lines = source.text.split("\n")
        alive, dead = 0, len(starts)
        deadline = time.monotonic() + PROBING
        while dead - alive > 1 and time.monotonic() < deadline:
            middle = (alive + dead) // 2
            begun = Source(file=source.file, text="\n".join(lines[: starts[middle]]) + "\n")
            if self._survives(begun, package):
                alive = middle
            else:
                dead = middle
        line = starts[alive] + 1
        hint = "a value, a loop or an expression there grows without end"
        return Failure(what=what, file=source.file, line=line, hint=hint)

    def _survives(self, source: Source, package: str) -> bool:
        child = _Child(self.defines, PROBE)
        try:
            child.evaluate(_Quiet(self.world), source, package)
        except Died:
            return False
        finally:
            child.close()
        return True

    def close(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None


def _statements(text: str) -> list[int]:
    """How many lines stand before each statement of the file itself, as indentation tells."""
    return [
        number
        for number, line in enumerate(text.split("\n"))
        if line and not line[0].isspace() and line[0] not in "#)]}\"'"
    ]


class _Child:
    """One process."""

    def __init__(self, defines: Mapping[str, str], seconds: int) -> None:
        import subprocess

        script = os.fspath(Path(__file__).with_name("starlark_child.py"))
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", script, _library(), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"RUST_BACKTRACE": "0", "LC_ALL": "C.UTF-8"},
        )
        self._questions, self._answers = cast(BinaryIO, self.process.stdin), cast(BinaryIO, self.process.stdout)
        self._buffer = bytearray()
        self._deadline = time.monotonic() + TIMEOUT
        try:
            self._write(dict(defines))
            self._read()
        except Died as died:
            hint = "is starlark-pyo3 installed, and no other package of the name starlark?"
            raise PlannerError(f"Starlark cannot be evaluated: its process ends at once\n  {hint}") from died

    def evaluate(self, world: World, source: Source, package: str) -> Evaluated:
        """Raises Died."""
        self._deadline = time.monotonic() + TIMEOUT
        self._write([source.file, source.text, package])
        while "calls" not in (said := self._read()):
            if "say" in said:
                world.say(said["say"], stack_of(said["stack"]))
            else:
                self._write(_answer(world, said))
        return _evaluated(said, source)

    def _write(self, document: Any) -> None:
        try:
            self._questions.write(json.dumps(document).encode() + b"\n")
            self._questions.flush()
        except OSError as error:
            raise Died(self._end()) from error

    def _read(self) -> Any:
        import select

        number = self._answers.fileno()
        ready = select.poll()
        ready.register(number, select.POLLIN)
        while (end := self._buffer.find(b"\n")) < 0:
            left = self._deadline - time.monotonic()
            if left <= 0 or not ready.poll(left * 1000):
                self.close()
                raise Died(f"evaluation takes more than {TIMEOUT:.0f} s")
            chunk = os.read(number, 1 << 20)
            if not chunk or len(self._buffer) > MAX_LINE:
                raise Died(self._end())
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return json.loads(line)

    def _end(self) -> str:
        """Why the process ended, as far as its status tells."""
        import signal

        status = self.process.wait(timeout=TIMEOUT)
        self.close()
        if status in (-signal.SIGXCPU, -signal.SIGKILL):
            return "evaluation takes too long"
        if status in (-signal.SIGSEGV, -signal.SIGBUS):
            return "is nested too deep to be evaluated"
        return "evaluation takes too much memory"

    def close(self) -> None:
        """End the process where it has not ended."""
        for stream in (self._questions, self._answers):
            with contextlib.suppress(OSError):
                stream.close()
        self.process.kill()
        self.process.wait()


def _library() -> str:
    """The folder that holds the package; importing it here would cost every command that needs no Starlark."""
    import importlib.util

    found = importlib.util.find_spec("starlark")
    if found is None or found.origin is None:
        raise PlannerError("images.star needs the package starlark-pyo3\n  pip install starlark-pyo3")
    return os.fspath(Path(found.origin).parent.parent)


def _answer(world: World, asked: Any) -> Any:
    try:
        if asked["ask"] == "load":
            found = world.load(asked["label"], asked["chain"])
            return {"value": {"file": found.file, "text": found.text}}
        patterns, exclude = asked["include"], asked["exclude"]
        return {"value": list(world.glob(asked["package"], patterns, exclude, empty=asked["empty"]))}
    except Refused as refused:
        return {"refused": [refused.what, refused.hint]}


def _evaluated(said: Any, source: Source) -> Evaluated:
    nowhere = (Frame(file=source.file, line=0, function="<module>"),)
    stacks = [stack_of(text) or nowhere for text in said["stacks"]]
    calls = tuple(
        Call(function=function, positional=tuple(positional), named=named, stack=stacks[stack])
        for function, positional, named, stack in said["calls"]
    )
    return Evaluated(calls=calls, failure=_failure(said["failure"], source))


def _failure(said: Any, source: Source) -> Failure | None:
    if said is None:
        return None
    chain = said["chain"]
    found = failure_of(said["text"], chain[-1] if chain else source.file)
    what, hint = found.what, ""
    if said["refused"] and (found.what.startswith(REFUSED) or found.what == "Evaluation cancelled"):
        what, hint = (plain(text) for text in said["refused"])
    if len(chain) > 1:
        hint = "\n  ".join(filter(None, [hint, f"loaded by {' → '.join(chain)}"]))
    return Failure(what=what, file=found.file, line=found.line, column=found.column, hint=hint, stack=found.stack)
