"""What the Starlark door needs of whoever evaluates: calls with their stacks, or one failure. Knows no evaluator.

Whoever evaluates asks a `World` for every byte it reads, and gives the calls of our own functions as plain values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from planner.model.frozen import dataclass

Value = Any
"""A Starlark value as JSON has it: None, bool, int, float, str, list, dict."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One call: where it is written, and in which function."""

    file: str
    line: int
    function: str


Stack = tuple[Frame, ...]
"""Calls, the outermost first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A call of one of our functions."""

    function: str
    positional: tuple[Value, ...]
    named: Mapping[str, Value]
    stack: Stack


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What ended an evaluation. `stack` leads to the place; `line` is 0 where only the file is known."""

    what: str
    file: str
    line: int = 0
    column: int = 0
    hint: str = ""
    stack: Stack = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluated:
    """What a file called, in order, and what ended it early, if anything did."""

    calls: tuple[Call, ...]
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A file to evaluate: its path in the workspace, and its text."""

    file: str
    text: str


class Refused(Exception):
    """What a file asks for cannot be given; told at the place where it asks, or at a line of the file itself."""

    def __init__(self, what: str, hint: str = "", line: int = 0) -> None:
        self.what = what
        self.hint = hint
        self.line = line
        super().__init__(what)


class World(Protocol):
    """All that an evaluation may ask for."""

    def load(self, label: str, chain: Sequence[str]) -> Source:
        """What `load` names in the last file of a chain of files that load each other. Raises Refused."""
        ...

    def glob(self, package: str, patterns: Sequence[str], exclude: Sequence[str], *, empty: bool) -> Sequence[str]:
        """The files of a package that match, relative to it, sorted. Raises Refused."""
        ...

    def say(self, text: str, stack: Stack) -> None:
        """What a file prints."""
        ...


class Session(Protocol):
    """One evaluation after another over one world; files that were loaded once are loaded."""

    def evaluate(self, source: Source, package: str) -> Evaluated:
        """Evaluate one package's file within all bounds."""
        ...

    def close(self) -> None:
        """End it; nothing is left behind."""
        ...


class Engine(Protocol):
    """Whoever evaluates."""

    def session(self, world: World, defines: Mapping[str, str]) -> Session:
        """Begin evaluating. `defines` is what `define(NAME)` answers. Raises PlannerError where it cannot."""
        ...
