"""Decides whose scopes may be cleaned and what belongs to them: policy, level and numbers in, repositories out.

Nothing of main or of a release is ever named here, whatever a policy, a webhook or a registry says.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from planner.model.names import is_repository
from planner.policy.levels import Judged
from planner.policy.policy import NUMBER, Backend, Policy, ScopeRule, filled
from planner.policy.scopes import PR, Scope, write_of


class Refused(ValueError):
    """Something that must not be cleaned, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Belonging:
    """A repository (its path, without the host) and the number of the pull request in whose scope it is."""

    number: int
    path: str


def rule_of(policy: Policy) -> ScopeRule:
    """The scope of pull requests. Raises Refused where there is none, or where it cannot be told from another's."""
    rule = policy.scopes.get(PR)
    if rule is None:
        raise Refused("the policy has no scope pr, so there is nothing to clean")
    for path in _paths(rule):
        for other in policy.scopes.values():
            if other.kind != PR and any(_overlap(path, foreign) for foreign in other.paths):
                raise Refused(f"scope pr is at {path}, which is not apart from scope {other.kind}: nothing is removed")
    return rule


def _paths(rule: ScopeRule) -> tuple[str, ...]:
    """The paths that are in a registry: a layer cache in another backend is not cleaned here."""
    return tuple(dict.fromkeys([rule.images, *([rule.cache] if rule.backend is Backend.REGISTRY else [])]))


def _overlap(ours: str, theirs: str) -> bool:
    """Whether some pull request's path is the other one, or lies above or below it."""
    pattern = re.escape(ours).replace(re.escape(NUMBER), "[1-9][0-9]*")
    mine, parts = ours.split("/"), theirs.split("/")
    shorter = min(len(mine), len(parts))
    head = "/".join(parts[:shorter])
    return re.fullmatch("/".join(pattern.split("/")[:shorter]), head) is not None


def belonging(policy: Policy, path: str) -> Belonging | None:
    """The pull request to whose scope a repository's path belongs; None for main's, a release's and others'."""
    if not is_repository(path):
        return None
    for place in _paths(rule_of(policy)):
        pattern = re.escape(place).replace(re.escape(NUMBER), "(?P<number>[1-9][0-9]{0,9})")
        found = re.fullmatch(rf"{pattern}/[^/].*", path)
        if found is not None:
            return Belonging(number=int(found["number"]), path=path)
    return None


def named(policy: Policy, number: int, images: Iterable[str]) -> tuple[str, ...]:
    """The paths of these images in the scope of a pull request, for registries that do not list their repositories."""
    scope = Scope(kind=PR, number=number)
    places = [filled(place, scope) for place in _paths(rule_of(policy))]
    return tuple(f"{place}/{image}" for place in places for image in sorted(set(images)))


def expect_own(policy: Policy, path: str, numbers: Collection[int]) -> None:
    """Raise Refused unless a repository is in the scope of one of these pull requests. Asked before each removal."""
    found = belonging(policy, path)
    if found is None or found.number not in numbers:
        raise Refused(f"{path} is not in the scope of a pull request that is cleaned: nothing of it is removed")


def refusal(policy: Policy, judged: Judged, scope: Scope) -> str:
    """Why a run may remove nothing in a scope, "" where it may: whoever may not write there may not delete there."""
    own = write_of(judged.run)
    if own is not None and (own.kind not in policy.scopes or judged.level not in policy.scopes[own.kind].write):
        own = None
    if own == scope:
        return ""
    may = f"may remove things in {own} alone" if own is not None else "may remove nothing"
    return f"{scope}: a run of level {judged.level} {may} ({judged.why})"
