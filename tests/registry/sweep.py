"""Makes faults at the requests of something that is done again and again, and counts what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from planner.errors import PlannerError
from tests.registry.faults import Fault, Proxy

Pick = Callable[[int], Sequence[Fault]]
"""Which faults to try at the request of a number."""


def rotating(at: int) -> Sequence[Fault]:
    """One at every other request, so that all come in turn: enough for each run of the tests."""
    kinds = list(Fault)
    return (kinds[(at // 2 * 5 + at) % len(kinds)],) if at % 2 == at // 2 % 2 else ()


def gone(at: int) -> Sequence[Fault]:
    """What seems not to be there, at each request, and another one at every other."""
    return (Fault.NOT_FOUND, *rotating(at))


def every(_: int) -> Sequence[Fault]:
    """All of them."""
    return tuple(Fault)


@dataclass(frozen=True)
class Case:
    """One fault at one request, with a path in the registry and a folder of its own."""

    fault: Fault
    path: str
    folder: Path


@dataclass
class Tally:
    """How often each fault was made, and how often it was told as an error."""

    made: Counter[Fault] = field(default_factory=Counter)
    told: Counter[Fault] = field(default_factory=Counter)

    @contextmanager
    def trying(self, case: Case) -> Iterator[None]:
        self.made[case.fault] += 1
        try:
            yield
        except PlannerError:
            self.told[case.fault] += 1


def sweep(proxy: Proxy, folder: Path, pick: Pick, act: Callable[[], Any]) -> Iterator[Case]:
    """Arm one fault after the other.

    Every other fault lasts for four requests, so that no patience helps.
    """
    proxy.arm(None)
    act()
    for at in range(proxy.number):
        for fault in pick(at):
            proxy.arm(fault, at, 1 if at % 2 else 4)
            yield Case(fault, f"{at}-{fault.name.lower().replace('_', '-')}", folder / f"{at}-{fault.name}")
