"""Turns evaluated blocks into groups and targets with their own attributes: matrices unfolded, files merged."""

from __future__ import annotations

import itertools
import re

from planner.model.frozen import dataclass, field
from planner.model.image import Span
from planner.sources.doors.bake.body import Block
from planner.sources.doors.bake.fields import FIELDS, NAMING, Fields, merged
from planner.sources.doors.bake.reading import Made, Reading
from planner.sources.doors.bake.syntax import Scope
from planner.sources.doors.bake.trouble import TooMuch, Wrong
from planner.sources.doors.bake.values import Value, elements, named, text

NAME = re.compile(r"[a-zA-Z0-9_-]+")
MAX_TARGETS = 20_000
MAX_COMBINATIONS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A group: its name, and the targets and groups in it. One that a matrix makes is `implied`."""

    name: str
    targets: tuple[str, ...]
    description: str = ""
    implied: bool = False


@dataclass(kw_only=True, slots=True)
class Config:
    """All groups and targets of a reading, targets with their own attributes only."""

    groups: dict[str, Group] = field(default_factory=dict)
    targets: dict[str, Fields] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    unknown: dict[str, list[tuple[str, Span]]] = field(default_factory=dict)


def configured(reading: Reading, before: Config | None = None) -> Config:
    """Evaluate every block. `before` is what files of another kind define; mistakes stay with the reading."""
    config = before or Config()
    labels: dict[tuple[str, str], list[str]] = {}
    of_block: list[list[Made]] = []
    found: dict[str, dict[str, list[Made]]] = {kind: {} for kind in reading.named}
    count = 0
    for block in reading.blocks:
        several: list[Made] = []
        reading.attempt(lambda block=block, several=several: several.extend(_made(block, reading)))  # type: ignore[misc]
        count += len(several)
        if count > MAX_TARGETS:
            reading.note(TooMuch(f"there are more than {MAX_TARGETS} targets", block.at, "", block.source))
            return config
        for one in several:
            found[block.kind].setdefault(one.name, []).append(one)
            labels.setdefault((block.kind, block.labels[0]), []).append(one.name)
        of_block.append(several)
    reading.named = found
    for several in of_block:
        for one in several:
            reading.attempt(lambda one=one: _take(config, reading, one))  # type: ignore[misc]
    for (_, label), names in labels.items():
        different = tuple(dict.fromkeys(names))
        if different != (label,):
            config.groups.setdefault(label, Group(name=label, targets=different, implied=True))
    return config


def _made(block: Block, reading: Reading) -> list[Made]:
    """What a block makes: one for each combination of its matrix."""
    settings = block.body.settings
    label = block.labels[0]
    _checked(label, block)
    if block.kind == "group" and (wrong := next((name for name in NAMING if name in settings), "")):
        raise settings[wrong].wrong(f"{wrong} is for targets, not for groups")
    scopes = [reading.scope]
    if "matrix" in settings:
        value = settings["matrix"].value(reading.scope)
        try:
            scopes = [reading.scope.within(axes) for axes in _combinations(value)]
        except Wrong as error:
            raise error.placed(block.source, settings["matrix"].at) from None
    elif "name" in settings:
        raise settings["name"].wrong("name needs a matrix")
    found: dict[str, Made] = {}
    for scope in scopes:
        name = _name(block, scope) if "name" in settings else label
        if name in found:
            hint = "give the matrix a name that holds every axis"
            raise settings["matrix"].wrong(f'the matrix makes two targets "{name}"', hint)
        found[name] = Made(name, block, scope)
    return list(found.values())


def _name(block: Block, scope: Scope) -> str:
    setting = block.body.settings["name"]
    try:
        name = text(setting.value(scope))
    except Wrong as error:
        raise error.placed(setting.source, setting.at) from None
    _checked(name, block)
    return name


def _checked(name: str, block: Block) -> None:
    if not NAME.fullmatch(name):
        raise block.wrong(f'"{name[:60]}" is no name', "use letters, digits, _ and -")


def _combinations(value: Value) -> list[dict[str, Value]]:
    """The values of the axes; the last axis changes slowest, as in Bake."""
    if not isinstance(value, dict):
        raise Wrong(f"matrix: must be a map of lists, not {named(value)}")
    axes = sorted(value.items())
    count = 1
    lists: list[list[Value]] = []
    for name, items in axes:
        if not isinstance(items, tuple | dict):
            raise Wrong(f"matrix.{name}: must be a list, not {'null' if items is None else named(items)}")
        lists.append([item for _, item in elements(items)])
        count *= len(lists[-1])
        if count > MAX_COMBINATIONS:
            raise TooMuch(f"matrix: makes more than {MAX_COMBINATIONS} targets")
    names = [name for name, _ in reversed(axes)]
    return [dict(zip(names, one, strict=True)) for one in itertools.product(*reversed(lists))]


def _take(config: Config, reading: Reading, one: Made) -> None:
    known = FIELDS[one.block.kind]
    fields: dict[str, Value] = {}
    errors: list[Wrong] = []
    for name in one.block.body.settings:
        if name in known:
            try:
                fields[name] = reading.setting(one, name)
            except TooMuch:
                raise
            except Wrong as error:
                errors.append(error)
    for each in errors:
        reading.note(each)
    if one.block.kind == "group":
        if "targets" not in fields:
            raise one.block.wrong(f"group {one.name} needs targets")
        targets = tuple(dict.fromkeys(fields["targets"] or ()))
        config.groups[one.name] = Group(name=one.name, targets=targets, description=fields.get("description") or "")
        return
    config.targets[one.name] = merged(config.targets.get(one.name, {}), fields)
    config.spans.setdefault(one.name, one.block.source.span(one.block.at))
    unknown = config.unknown.setdefault(one.name, [])
    body = one.block.body
    unknown.extend(
        (setting.name, setting.source.span(setting.at))
        for setting in body.settings.values()
        if setting.name not in known and setting.name not in NAMING
    )
    unknown.extend((inner.kind, inner.source.span(inner.at)) for inner in body.blocks)
