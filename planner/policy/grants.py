"""Turns what a client asks of a registry into the part of it that a run's level grants, by the policy's own paths.

The scopes are those of distribution's token specification (`repository:NAME:ACTIONS`). What is malformed is granted
nothing, never repaired: a name that is not in its normal form is no name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from planner.model.names import is_repository
from planner.policy.levels import Level, Run, level_of
from planner.policy.policy import Policy, ScopeRule, filled
from planner.policy.scopes import ACCESS, PR, Scope

PULL, PUSH, DELETE = "pull", "push", "delete"
_ACTIONS = re.compile(r"[a-z*]+(?:,[a-z*]+)*", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One scope that was asked for: a repository and what to do there."""

    name: str
    actions: tuple[str, ...]


def asked(text: str) -> Asked | None:
    """Read one scope; None for one that is no repository's, or not in normal form."""
    kind, _, rest = text.partition(":")
    name, _, actions = rest.rpartition(":")
    if kind != "repository" or not is_repository(name) or not _ACTIONS.fullmatch(actions):
        return None
    return Asked(name=name, actions=tuple(dict.fromkeys(actions.split(","))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """What is granted of one repository; `actions` may be empty."""

    name: str
    actions: tuple[str, ...]


def granted(policy: Policy, run: Run, wanted: Iterable[Asked]) -> tuple[Grant, ...]:
    """The part of what is wanted that this run may have, merged by repository, in the order of asking."""
    found: dict[str, set[str]] = {}
    for one in wanted:
        allowed = {action for action in one.actions if _is_allowed(policy, run, one.name, action)}
        found.setdefault(one.name, set()).update(allowed)
    return tuple(Grant(name=name, actions=tuple(sorted(actions))) for name, actions in found.items())


def _is_allowed(policy: Policy, run: Run, name: str, action: str) -> bool:
    level = level_of(run)
    if action == PULL:
        return any(level in rule.read and _holds(rule, run, name) for rule in _readable(policy, level))
    if action in (PUSH, DELETE):
        # Whoever may write a scope may clean it: what can be replaced there can as well be taken away.
        kind = ACCESS[level].write
        rule = policy.scopes.get(kind) if kind is not None else None
        return rule is not None and level in rule.write and _holds(rule, run, name)
    return False


def _readable(policy: Policy, level: Level) -> Iterable[ScopeRule]:
    return (policy.scopes[kind] for kind in ACCESS[level].reads if kind in policy.scopes)


def _holds(rule: ScopeRule, run: Run, name: str) -> bool:
    """Whether a repository is in a scope, as this run sees it. A scope's path itself is no repository of it."""
    if rule.kind == PR and not run.number:
        return False
    scope = Scope(kind=rule.kind, number=run.number if rule.kind == PR else 0)
    return any(name.startswith(f"{filled(path, scope)}/") for path in rule.paths)
