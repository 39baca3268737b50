"""Decides what stays of what nobody wants, as far as a budget of bytes goes: decisions in, decisions out.

Roots are never touched: where they alone are more than the budget, they stay, and that is told. What nobody wants is
weighed in whole groups (an image with its platforms, records and attachments), so that no part is ever taken from
something that stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from planner.model.frozen import dataclass, replace
from planner.plan.retention import DAY, Decision, Kind, linked, weights


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What came of a budget: `held` are the bytes that stay. Where it does not fit, only roots are left."""

    limit: int
    held: int

    @property
    def fits(self) -> bool:
        """Whether what stays is within the budget."""
        return self.held <= self.limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """What stays or goes together. `size` is what roots do not hold anyway (bytes).

    `age` is in seconds, `uses` counts the records of its images: each run that found one under new inputs wrote one.
    """

    decisions: tuple[Decision, ...]
    size: int
    age: float
    uses: int

    @property
    def burden(self) -> float:
        """Size x age x not reused: what is large, old and used by nobody again has the most."""
        return self.size * self.age / max(self.uses, 1)

    @property
    def told(self) -> str:
        """The same for people."""
        return f"{self.size} bytes x {self.age / DAY:.0f} days, recorded {self.uses} times"


def within(
    decisions: Sequence[Decision], limit: int, now: float, gone: Collection[str] = ()
) -> tuple[tuple[Decision, ...], Budget]:
    """Let what is dropped stay as long as all that stays is within `limit` bytes; the most burdensome goes first.

    `now` is in seconds since 1970. `gone` are digests that are in quarantine, which nothing brings back but a root. A
    larger limit never keeps less: from the least burdensome on, groups stay until the first one that does not fit.
    """
    stored: dict[str, int] = {}
    for one in decisions:
        if one.keep:
            stored.update(weights(one.manifest))
    held = sum(stored.values())
    changed: dict[tuple[str, str], Decision] = {}
    room = True
    for group in sorted(
        _groups(decisions, now, gone, frozenset(stored)), key=lambda one: (one.burden, one.size, _name(one))
    ):
        more = {name: size for one in group.decisions for name, size in weights(one.manifest).items()}
        added = sum(size for name, size in more.items() if name not in stored)
        room = room and held + added <= limit
        if room:
            held += added
            stored.update(more)
        why = "nobody wants it, and there is room" if room else f"no room within --max-bytes: {group.told}"
        for one in group.decisions:
            changed[_place(one)] = replace(one, keep=room, why=why)
    after = tuple(changed.get(_place(one), one) for one in decisions)
    return after, Budget(limit=limit, held=held)


def _place(one: Decision) -> tuple[str, str]:
    return one.manifest.repository, one.manifest.digest


def _name(group: Group) -> tuple[str, str]:
    return min(map(_place, group.decisions))


def _groups(
    decisions: Sequence[Decision], now: float, gone: Collection[str], rooted: Collection[str]
) -> Iterator[Group]:
    """The dropped manifests in groups; those with something in quarantine are left out, and stay dropped."""
    by_repository: dict[str, dict[str, Decision]] = {}
    for one in decisions:
        if not one.keep:
            by_repository.setdefault(one.manifest.repository, {})[one.manifest.digest] = one
    for dropped in by_repository.values():
        for digests in _connected(dropped):
            if digests.isdisjoint(gone):
                yield _weighed([dropped[digest] for digest in sorted(digests)], now, rooted)


def _connected(dropped: Mapping[str, Decision]) -> Iterator[set[str]]:
    neighbours: dict[str, set[str]] = {digest: set() for digest in dropped}
    for one, other in linked(decision.manifest for decision in dropped.values()):
        if other in dropped:
            neighbours[one].add(other)
            neighbours[other].add(one)
    seen: set[str] = set()
    for first in dropped:
        if first in seen:
            continue
        found, waiting = {first}, [first]
        while waiting:
            new = neighbours[waiting.pop()] - found
            found |= new
            waiting += new
        seen |= found
        yield found


def _weighed(group: Sequence[Decision], now: float, rooted: Collection[str]) -> Group:
    stored = {name: size for one in group for name, size in weights(one.manifest).items()}
    records = [one.manifest for one in group if one.manifest.kind is Kind.RECORD]
    at = max((one.manifest.at for one in group), default=0.0)
    return Group(
        decisions=tuple(group),
        size=sum(size for name, size in stored.items() if name not in rooted),
        age=max(now - at, 0.0),
        uses=len(records),
    )
