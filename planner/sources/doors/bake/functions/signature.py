"""What a function of Bake's standard library is: its parameters with their types, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from planner.model.frozen import dataclass
from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import ANY, Type, Value, convert


@dataclass(frozen=True, slots=True)
class Function:
    """`types` are those of its parameters, `rest` that of all further ones; `nulls` lets those of any type be null."""

    run: Callable[..., Value]
    types: Sequence[Type] = ()
    rest: Type | None = None
    nulls: bool = False

    def __call__(self, arguments: Sequence[Value]) -> Value:
        """What it gives. Raises Wrong."""
        given, needed = len(arguments), len(self.types)
        if given < needed or (given > needed and self.rest is None):
            more = "at least " if self.rest is not None else ""
            raise Wrong(f"needs {more}{needed} argument{'' if needed == 1 else 's'}, not {given}")
        converted = []
        for number, argument in enumerate(arguments):
            kind = self.types[number] if number < needed else self.rest
            if argument is None and not (self.nulls and kind == ANY):
                raise Wrong(f"argument {number + 1} is null")
            try:
                converted.append(convert(argument, kind))
            except Wrong as error:
                raise Wrong(f"argument {number + 1}: {error.what}") from error
        return self.run(*converted)
