"""Resolves targets: inheritance, overrides, and what contexts link to.

Follows `bake.ReadTargets` of buildx v0.36.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.errors import one_of
from planner.model.frozen import dataclass, replace
from planner.model.image import Span
from planner.sources.doors.bake.config import Config, Group
from planner.sources.doors.bake.fields import merged, normal
from planner.sources.doors.bake.overrides import laid_over, read_overrides
from planner.sources.doors.bake.target import Target, made
from planner.sources.doors.bake.trouble import TooMuch, Wrong
from planner.sources.doors.bake.values import Value
from planner.sources.go_match import BadPattern, matches


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """What Bake would build for some names, and the groups among them."""

    targets: tuple[Target, ...]
    groups: tuple[Group, ...] = ()


class Resolver:
    """Resolves the targets of one configuration."""

    def __init__(self, config: Config, sets: Sequence[str], environment: Mapping[str, str]) -> None:
        self.config = config
        self.environment = environment
        self.overrides = read_overrides(sets, list(config.targets), environment)

    def members(self, name: str) -> tuple[list[str], list[str]]:
        """The targets that a name stands for, and the groups on the way."""
        targets, groups = self._members(name, {})
        return list(dict.fromkeys(targets)), list(dict.fromkeys(groups))

    def _members(self, name: str, visited: dict[str, tuple[list[str], list[str]]]) -> tuple[list[str], list[str]]:
        if name in visited:
            return visited[name]
        group = self.config.groups.get(name)
        if group is None:
            return [name], []
        visited[name] = ([], [])
        targets: list[str] = []
        groups = [name]
        for member in group.targets:
            inner, more = self._members(member, visited)
            targets.extend(dict.fromkeys(inner or [member]))
            groups.extend(dict.fromkeys(more))
        visited[name] = (targets, groups)
        return visited[name]

    def fields(self, name: str) -> dict[str, Value]:
        """The attributes of a target over those that it inherits. Raises Wrong."""
        return self._fields(name, {}, name) or {}

    def _fields(self, name: str, visited: dict[str, dict[str, Value] | None], by: str) -> dict[str, Value] | None:
        if name in visited:
            return visited[name]
        visited[name] = None
        own = self.config.targets.get(name)
        if own is None:
            hint = one_of(name, list(self.config.targets))
            span = self.config.spans.get(by)
            raise NoTarget(f'there is no target "{name}"', hint, span)
        below: dict[str, Value] = {}
        for parent in own.get("inherits") or ():
            inherited = self._fields(parent, visited, name)
            if inherited is not None:
                below = merged(below, inherited)
        found = merged(below, own)
        if name in self.overrides:
            found = laid_over(found, self.overrides[name])
        visited[name] = normal(found)
        return visited[name]

    def target(self, name: str) -> Target:
        """A target as Bake would build it. Raises Wrong."""
        fields = self.fields(name)
        epoch = self.environment.get("SOURCE_DATE_EPOCH", "")
        if epoch and "SOURCE_DATE_EPOCH" not in (fields.get("args") or {}):
            fields = merged(fields, {"args": {"SOURCE_DATE_EPOCH": epoch}})
        found = made(name, self.config.spans[name], fields, self.config.unknown.get(name, ()))
        if "-" in (found.context, found.dockerfile):
            raise NoTarget(f"target {name}: Bake reads nothing from standard input", "", found.span)
        return found

    def resolved(self, names: Sequence[str]) -> Resolved:
        """What Bake would build for these names, with what that links to. Raises Wrong."""
        try:
            return self._resolved(names)
        except RecursionError as error:
            raise TooMuch("targets inherit from one another, or link to one another, too deep") from error

    def _resolved(self, names: Sequence[str]) -> Resolved:
        wanted = list(dict.fromkeys(each for name in names for each in self._matching(name.replace(".", "_"))))
        targets: dict[str, Target] = {}
        groups: dict[str, Group] = {}
        for name in wanted:
            members, on_the_way = self.members(name)
            targets.update({member: self.target(member) for member in members if member not in targets})
            groups.update({group: self.config.groups[group] for group in on_the_way})
        if wanted != ["default"] or "default" not in groups:
            before = groups.get("default", Group(name="default", targets=()))
            more = [name for name in wanted if name != "default" or "default" not in groups]
            groups["default"] = replace(before, targets=tuple(dict.fromkeys((*before.targets, *more))))
        groups["default"] = replace(groups["default"], targets=tuple(sorted(groups["default"].targets)))
        for name in list(targets):
            self._link(name, targets, ())
        return Resolved(targets=tuple(targets.values()), groups=tuple(groups.values()))

    def _matching(self, name: str) -> list[str]:
        if not set(name) & set("*?[]"):
            return [name]
        try:
            found = [each for each in (*self.config.groups, *self.config.targets) if matches(name, each)]
        except BadPattern:
            found = []
        if not found:
            raise Wrong(f"no target matches {name}")
        return found

    def _link(self, name: str, targets: dict[str, Target], visited: tuple[str, ...]) -> None:
        """Add the targets that a target's contexts name, and check that they go together."""
        visited = (*visited, name)
        for _, value in targets[name].contexts:
            if not value.startswith("target:"):
                continue
            other = value.removeprefix("target:")
            if other in visited:
                raise NoTarget(f"targets need one another, {' → '.join([*visited, other])}", "", targets[name].span)
            if other not in targets:
                if other not in self.config.targets:
                    hint = one_of(other, list(self.config.targets))
                    raise NoTarget(f'target {name}: there is no target "{other}"', hint, targets[name].span)
                targets[other] = replace(self.target(other), outputs=((("type", "cacheonly"),),))
            self._link(other, targets, visited)
            mine, its = targets[name], targets[other]
            entitlements = tuple(dict.fromkeys((*mine.entitlements, *its.entitlements)))
            if len(mine.platforms) > 1 and len(its.platforms) > 1 and not set(mine.platforms) <= set(its.platforms):
                lacking = ", ".join(sorted(set(mine.platforms) - set(its.platforms)))
                raise NoTarget(f"target {other} lacks platforms of {name}: {lacking}", "", mine.span)
            if entitlements != mine.entitlements:
                lent = (*mine.lent, *(one for one in entitlements if one not in mine.entitlements))
                targets[name] = replace(mine, entitlements=entitlements, lent=lent)


class NoTarget(Wrong):
    """A name that no target has, with the place of the block that names it."""

    def __init__(self, what: str, hint: str, span: Span | None) -> None:
        super().__init__(what, hint=hint)
        self.span = span
