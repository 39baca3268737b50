"""Turns the blocks of functions that Bake files define into records; and answers the few that ask for the world."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from planner.model.frozen import dataclass
from planner.sources.doors.bake.body import Block, Setting
from planner.sources.doors.bake.functions.times import from_seconds, parsed_time, rfc3339
from planner.sources.doors.bake.trouble import Volatile, Wrong
from planner.sources.doors.bake.types import name_of, names_of
from planner.sources.doors.bake.values import Value


@dataclass(frozen=True, slots=True)
class UserFunction:
    """A function that a file defines."""

    parameters: tuple[str, ...]
    rest: str
    result: Setting

    def bound(self, name: str, values: Sequence[Value]) -> dict[str, Value]:
        """The parameters with these values. Raises Wrong where their number does not fit."""
        given, needed = len(values), len(self.parameters)
        if given < needed or (given > needed and not self.rest):
            raise Wrong(f"{name}() needs {needed} argument{'' if needed == 1 else 's'}, not {given}")
        names = dict(zip(self.parameters, values, strict=False))
        if self.rest:
            names[self.rest] = tuple(values[needed:])
        return names


def user_function(name: str, block: Block) -> UserFunction:
    """The function of a block. Raises Wrong for one that lacks something."""
    settings = block.body.settings
    for needed in ("params", "result"):
        if needed not in settings:
            raise block.wrong(f"function {name} needs {needed}")
    rest = settings.get("variadic_params")
    try:
        return UserFunction(
            parameters=names_of(settings["params"].node),
            rest=name_of(rest.node) if rest is not None else "",
            result=settings["result"],
        )
    except Wrong as error:
        raise error.placed(block.source, block.at) from None


def from_world(name: str, environment: Mapping[str, str]) -> Value:
    """What `homedir` and `timestamp` give, as the environment says. Raises Volatile for a time that it does not say."""
    if name == "homedir":
        return environment.get("HOME", "/")
    now = environment.get("PLANNER_NOW", "")
    if now:
        return rfc3339(parsed_time(now))
    epoch = environment.get("SOURCE_DATE_EPOCH", "")
    if re.fullmatch(r"\d{1,11}", epoch):
        return rfc3339(from_seconds(int(epoch)))
    hint = "set PLANNER_NOW to the time that it stands for, as 2026-01-31T12:00:00Z"
    raise Volatile("timestamp() gives something else each time, so that no plan would hold", hint=hint)
