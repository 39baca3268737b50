"""Proves of a policy that nothing an untrusted run can write reaches a trusted one, over every run that there can be.

The model: a run reads resources and writes resources; what reads something tainted taints all that it writes. Whoever
is not trusted taints from the start. Looks for the shortest way from such a run to a trusted one, or from one pull
request to another, and knows nothing of how a registry enforces what the policy says of it.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from planner.policy.cache_refs import weak_keys
from planner.policy.levels import TRUSTING, Actor, Event, Level, Origin, RefKind, Run, Runner, level_of
from planner.policy.policy import Backend, Isolation, Policy, ScopeRule, filled
from planner.policy.scopes import MAIN, PR, Scope, github_write_of
from planner.policy.signing import mistaken

NUMBERS = (0, 1, 2)
"""No pull request, one, and another: more of them would add nothing, since all are treated alike, but for those whose
number stands in another scope's path."""
_NUMBER = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
BESIDE_IMAGES = ("image", "record", "lease")
"""What stands in the repositories of images."""
IN_GIT = ("pin", "lock")
DEFAULT_BRANCH_EVENTS = (Event.PULL_REQUEST_TARGET, Event.COMMENT, Event.OTHER_RUN)
"""Events that outsiders can cause and that run in the context of the default branch, with its GitHub cache."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Resource:
    """Something that one run can write and another one read: its kind, where it is, and the path there."""

    kind: str
    place: str
    path: str

    def __str__(self) -> str:
        return f"{self.kind} at {self.place}/{self.path}" if self.path else f"{self.kind} {self.place}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ability:
    """What a run can do: runs with the same ability are one in the model."""

    level: Level
    number: int
    reads: frozenset[Resource]
    writes: frozenset[Resource]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """A way that should not be: the run it begins with, then what is written, and who reads it, in turn."""

    runs: tuple[Run, ...]
    through: tuple[Resource, ...]
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """The result: how many runs and resources were looked at, and the shortest chain of each kind that was found."""

    runs: int
    abilities: int
    resources: int
    pairs: int
    chains: tuple[Chain, ...]
    refusals: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.chains and not self.refusals


def all_runs(numbers: Sequence[int] = NUMBERS) -> Iterable[Run]:
    """Every run that the words of the model can say."""
    for event, ref, origin, actor, runner, number in itertools.product(Event, RefKind, Origin, Actor, Runner, numbers):
        yield Run(event=event, ref=ref, origin=origin, actor=actor, runner=runner, number=number)


def _is_usual(run: Run) -> bool:
    """Whether such a run happens; the model asks of all others too, but tells of this one."""
    return (run.number > 0) == (run.ref is RefKind.PULL) == (run.event is Event.PULL_REQUEST)


def check(policy: Policy, algorithm: str) -> Proof:
    """Look at every run and every resource. `algorithm` is that of the family's keys."""
    numbers = _numbers(policy)
    resources = _resources(policy, numbers)
    abilities: dict[Ability, Run] = {}
    count = 0
    for run in all_runs(numbers):
        count += 1
        ability = _ability(policy, run, resources)
        if ability not in abilities or (_is_usual(run) and not _is_usual(abilities[ability])):
            abilities[ability] = run
    chains = [_shortest(abilities, Level.RELEASE), _shortest(abilities, Level.TRUSTED), _crossing(abilities)]
    return Proof(
        runs=count,
        abilities=len(abilities),
        resources=len(resources),
        pairs=count * len(resources) * 2,
        chains=tuple(chain for chain in chains if chain is not None),
        refusals=tuple(_refusals(policy, algorithm)),
    )


def _numbers(policy: Policy) -> Sequence[int]:
    """The pull requests to look at: the path of the scope `pr` with one of these may be another scope's."""
    paths = [path for rule in policy.scopes.values() if rule.kind != PR for path in rule.paths]
    named = {int(part) for path in paths for part in path.split("/") if _NUMBER.fullmatch(part)}
    return (*NUMBERS, *sorted(named.difference(NUMBERS)))


def _resources(policy: Policy, numbers: Sequence[int]) -> frozenset[Resource]:
    found: set[Resource] = set()
    for rule in policy.scopes.values():
        for number in numbers[1:] if rule.kind == PR else numbers[:1]:
            found |= _of_scope(rule, Scope(kind=rule.kind, number=number))
    for builder in policy.builders:
        if not builder.ephemeral:
            found.add(Resource(kind="builder", place=builder.name, path=""))
    return frozenset(found) | {Resource(kind=kind, place="git", path=MAIN) for kind in IN_GIT}


def _of_scope(rule: ScopeRule, scope: Scope) -> set[Resource]:
    found = {Resource(kind=kind, place=rule.registry, path=filled(rule.images, scope)) for kind in BESIDE_IMAGES}
    match rule.backend:
        case Backend.GITHUB:
            found.add(Resource(kind="layer cache", place="GitHub's cache", path=str(scope)))
        case Backend.LOCAL:
            pass  # a folder of the runner itself; a builder that is shared stands for it
        case Backend.REGISTRY | Backend.S3:
            place = rule.registry if rule.backend is Backend.REGISTRY else "s3"
            found.add(Resource(kind="layer cache", place=place, path=filled(rule.cache, scope)))
    return found


def _ability(policy: Policy, run: Run, resources: frozenset[Resource]) -> Ability:
    level = level_of(run)
    reads: set[Resource] = set()
    writes: set[Resource] = set()
    for rule in policy.scopes.values():
        if rule.kind == PR and not run.number:
            continue
        scope = Scope(kind=rule.kind, number=run.number if rule.kind == PR else 0)
        if level in rule.read:
            reads |= _of_scope(rule, scope)
        if level in rule.write:
            writes |= _reach(policy, rule, scope, resources)
        if rule.kind == PR and policy.relay is not None:
            writes |= _reach(policy, rule, scope, resources, relayed=True)
    writes |= _unheld(policy, resources) | _github(policy, run, resources) | _s3(policy, level, resources)
    for builder in policy.builders:
        if level in builder.levels and not builder.ephemeral:
            shared = Resource(kind="builder", place=builder.name, path="")
            reads.add(shared)
            writes.add(shared)
    git = {Resource(kind=kind, place="git", path=MAIN) for kind in IN_GIT}
    reads |= git
    if level in TRUSTING or not policy.reviewed:
        writes |= git
    return Ability(level=level, number=run.number, reads=frozenset(reads), writes=frozenset(writes))


def _reach(
    policy: Policy, rule: ScopeRule, scope: Scope, resources: frozenset[Resource], *, relayed: bool = False
) -> set[Resource]:
    """Everything that a credential for a scope can write: its paths and all below, their repositories, or the registry.

    What is `relayed` for a run, somebody else writes who has the credential and chooses the path.

    Who reads a path reads all below it too, so what is written below counts as well.
    """
    paths = tuple(filled(path, scope) for path in rule.paths)
    isolation = Isolation.PATH if relayed else policy.registries[rule.registry].isolation
    if isolation is Isolation.REPOSITORY:
        paths = tuple("/".join(path.split("/")[:2]) for path in paths)
    whole = isolation in (Isolation.REGISTRY, Isolation.NONE)
    return {
        one
        for one in resources
        if one.place == rule.registry and (whole or any(_meet(one.path, path) for path in paths))
    }


def _meet(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _unheld(policy: Policy, resources: frozenset[Resource]) -> set[Resource]:
    """What anybody can write, since its registry keeps nobody out."""
    open_ones = {one.name for one in policy.registries.values() if one.isolation is Isolation.NONE}
    return {one for one in resources if one.place in open_ones}


def _s3(policy: Policy, level: Level, resources: frozenset[Resource]) -> set[Resource]:
    """A bucket's credential is taken to write all of the bucket."""
    writers = {level for rule in policy.scopes.values() if rule.backend is Backend.S3 for level in rule.write}
    return {one for one in resources if one.place == "s3"} if level in writers else set()


def _github(policy: Policy, run: Run, resources: frozenset[Resource]) -> set[Resource]:
    """GitHub decides by the ref of a run, whatever the policy says; see `github_write_of`."""
    written = github_write_of(run)
    names = {str(written)} if written is not None else set()
    if run.event in DEFAULT_BRANCH_EVENTS and not policy.guarded:
        names.add(MAIN)
    return {one for one in resources if one.place == "GitHub's cache" and one.path in names}


def _shortest(abilities: Mapping[Ability, Run], victim: Level) -> Chain | None:
    """The shortest way from a run that is not trusted to one of a level that is."""
    sources = [one for one in abilities if one.level not in TRUSTING]
    return _way(abilities, sources, lambda one: one.level is victim, f"reaches a run of level {victim}")


def _crossing(abilities: Mapping[Ability, Run]) -> Chain | None:
    """The shortest way from one pull request to another; trusted runs have been asked about before."""
    sources = [one for one in abilities if one.level not in TRUSTING and one.number != 2]
    rest = {one: run for one, run in abilities.items() if one.level not in TRUSTING}
    return _way(rest, sources, lambda one: one.level is Level.PR and one.number == 2, "reaches another pull request")


def _way(
    abilities: Mapping[Ability, Run], sources: list[Ability], is_victim: Callable[[Ability], bool], what: str
) -> Chain | None:
    """Breadth first, so that the first way found is a shortest one; sorted, so that it is always the same one."""
    came: dict[Ability, tuple[Ability, Resource] | None] = dict.fromkeys(sources)
    waiting = deque(sources)
    while waiting:
        at = waiting.popleft()
        for resource in sorted(at.writes):
            for other in abilities:
                if other in came or resource not in other.reads:
                    continue
                came[other] = (at, resource)
                if is_victim(other):
                    return _told(abilities, came, other, what)
                waiting.append(other)
    return None


def _told(
    abilities: Mapping[Ability, Run],
    came: Mapping[Ability, tuple[Ability, Resource] | None],
    last: Ability,
    what: str,
) -> Chain:
    runs, through = [abilities[last]], []
    at = came[last]
    while at is not None:
        before, resource = at
        runs.append(abilities[before])
        through.append(resource)
        at = came[before]
    return Chain(runs=tuple(reversed(runs)), through=tuple(reversed(through)), what=what)


def _refusals(policy: Policy, algorithm: str) -> Iterable[str]:
    """What is refused whatever the chains say."""
    if refused := weak_keys(policy, algorithm):
        yield refused
    for kind in (MAIN, PR):
        if kind not in policy.scopes:
            yield f"there is no scope {kind}"
    if policy.relay is not None and (policy.signing is None or PR not in policy.signing.required):
        yield "relay: whoever pulls must be able to tell what the relay built: signing: {require: [main, release, pr]}"
    if policy.signing is not None:
        yield from mistaken(policy.signing, {kind: rule.write for kind, rule in policy.scopes.items()})
