"""Reads the arguments of one call as the fields of a graph file are read; mistakes carry the calls that led there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from planner.errors import Mistake, one_of
from planner.model.image import Doubt, Span
from planner.sources.doors.starlark.engine import Call, Stack, Value
from planner.sources.doors.starlark.traceback import plain, shown

SELECT = "//select"
DEFAULTS = ("//conditions:default", "default")


class CallDesk:
    """See Desk. A node is a plain value; where it is written is where the call is.

    With `literal`, a `$` of a text stands for itself: what is made of it fills in no variables.
    """

    def __init__(
        self, call: Call, line: Callable[[str, int], str], mistakes: list[Mistake], *, literal: bool = False
    ) -> None:
        self.call = call
        self.undeclared = "name an axis of the matrix, or write $$ for a dollar"
        self.doubts: list[Doubt] = []
        self._line = line
        self._mistakes = mistakes
        self._literal = literal

    @property
    def place(self) -> Span:
        """The line of the package that called."""
        outermost = self.call.stack[0]
        return Span(file=outermost.file, line=outermost.line)

    @property
    def stack(self) -> tuple[Span, ...]:
        """The calls of a macro, the outermost first; none for a call that stands in the package itself."""
        frames = self.call.stack if len(self.call.stack) > 1 else ()
        return tuple(Span(file=frame.file, line=frame.line) for frame in frames)

    def span(self, node: Value) -> Span:
        """See Desk."""
        return self.place

    def wrong(self, node: Value, what: str, hint: str = "") -> None:
        """See Desk."""
        self._mistakes.append(mistake(self.call.stack, what, hint, self._line))

    def fields(self, node: Value, path: str, known: Sequence[str] = ()) -> dict[str, tuple[Value, Value]]:
        """See Desk."""
        if not isinstance(node, Mapping):
            self.wrong(node, f"{path}: must be a mapping of names to values, not {_kind(node)}")
            return {}
        found: dict[str, tuple[Value, Value]] = {}
        for name, value in node.items():
            if not isinstance(name, str):
                self.wrong(node, f"{path}: {_kind(name)} is no name")
            elif known and name not in known:
                hint = one_of(name, known) or f"known here: {', '.join(known)}"
                self.wrong(node, f'{path}: unknown argument "{plain(name)}"', hint)
            else:
                found[name] = (name, value)
        return found

    def items(self, node: Value, path: str) -> tuple[Value, ...]:
        """See Desk."""
        if isinstance(node, list):
            return tuple(node)
        if isinstance(node, Mapping):
            self.wrong(node, f"{path}: must be a list, not {_kind(node)}")
            return ()
        return (node,)

    def text(self, node: Value, path: str) -> str | None:
        """See Desk. A number with a point is refused: 3.10 would be 3.1."""
        if isinstance(node, bool):
            return "true" if node else "false"
        if isinstance(node, int):
            return str(node)
        if not isinstance(node, str):
            hint = f'write "{node}"' if isinstance(node, float) else ""
            self.wrong(node, f"{path}: must be text, not {_kind(node)}", hint)
            return None
        if "\0" in node:
            self.wrong(node, f"{path}: holds a NUL character")
            return None
        return node.replace("$", "$$") if self._literal else node


def mistake(stack: Stack, what: str, hint: str, line: Callable[[str, int], str]) -> Mistake:
    """A mistake at the line of the package that called, with the calls below it."""
    place = stack[0]
    calls = shown(stack) if len(stack) > 1 else ""
    return Mistake(
        file=place.file,
        line=place.line,
        what=plain(what),
        hint="\n  ".join(filter(None, [plain(hint), calls])),
        source_line=line(place.file, place.line),
    )


def _kind(value: Value) -> str:
    if value is None:
        return "None"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else f'"{plain(str(value))[:80]}"'


class Undecided(Exception):
    """A select that has no one answer."""


def selected(value: Value, platforms: Sequence[str], defines: Mapping[str, str]) -> Value:
    """The value with the branch of each `select` in its place. Raises Undecided."""
    if isinstance(value, list):
        return [selected(one, platforms, defines) for one in value]
    if not isinstance(value, Mapping):
        return value
    if SELECT in value:
        branches = value[SELECT]
        return selected(branches[_branch(list(branches), platforms, defines)], platforms, defines)
    return {name: selected(one, platforms, defines) for name, one in value.items()}


def _branch(conditions: Sequence[str], platforms: Sequence[str], defines: Mapping[str, str]) -> str:
    chosen = {_chosen(conditions, platform, defines) for platform in platforms}
    if len(chosen) > 1:
        raise Undecided(f"select chooses differently for {' and '.join(platforms)}: declare an image for each of them")
    return chosen.pop()


def _chosen(conditions: Sequence[str], platform: str, defines: Mapping[str, str]) -> str:
    for condition in conditions:
        name, equals, wanted = str(condition).partition("=")
        if equals and defines.get(name) == wanted:
            return condition
        if not equals and condition == platform:
            return condition
    for condition in DEFAULTS:
        if condition in conditions:
            return condition
    known = ", ".join(plain(str(condition)) for condition in conditions)
    raise Undecided(f'select: no condition of {known} holds; add "{DEFAULTS[0]}"')
