"""The state of a run as a pure machine: what may start next, and what a success or a failure does to the rest.

Costs of a step do not grow with the run: what is ready is kept, never searched for. Where images build is decided by
`planner.schedule.fleet`.
"""

from __future__ import annotations

import bisect
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planner.model.image import ImageName


class State(enum.StrEnum):
    """Where one image of a run stands. `BLOCKED` waits for a parent that failed, `SKIPPED` was never started."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    SKIPPED = "skipped"


@dataclass
class Run:
    """One run over the images to build, in the order in which they are preferred when several may start.

    `parents` names for each image those that are built in the same run. With `keep_going` a failure stops only what
    stands on it; without, nothing new starts after the first failure, and what runs may end.
    """

    order: Sequence[ImageName]
    parents: Mapping[ImageName, frozenset[ImageName]]
    keep_going: bool = False
    states: dict[ImageName, State] = field(default_factory=dict)
    blocked_by: dict[ImageName, ImageName] = field(default_factory=dict)
    stopped: bool = False

    def __post_init__(self) -> None:
        self.states = dict.fromkeys(self.order, State.WAITING)
        self._place = {name: index for index, name in enumerate(self.order)}
        self._missing = {name: len(self.parents[name]) for name in self.order}
        self._children: dict[ImageName, list[ImageName]] = {name: [] for name in self.order}
        for name in self.order:
            for parent in self.parents[name]:
                self._children[parent].append(name)
        self._ready = [index for index, name in enumerate(self.order) if not self._missing[name]]
        self._running: set[ImageName] = set()
        self._waiting = len(self.order)

    def startable(self, limit: int | None = None) -> list[ImageName]:
        """The images that wait for nothing but room, the preferred ones first; with a limit so many of them."""
        return [] if self.stopped else [self.order[index] for index in self._ready[:limit]]

    def start(self, name: ImageName) -> None:
        """An image begins to build."""
        self._expect(name, State.WAITING)
        self.states[name] = State.RUNNING
        self._waiting -= 1
        self._running.add(name)
        del self._ready[bisect.bisect_left(self._ready, self._place[name])]

    def succeed(self, name: ImageName) -> None:
        """An image is built and stored."""
        self._end(name, State.DONE)
        for child in self._children[name]:
            self._missing[child] -= 1
            if not self._missing[child] and self.states[child] is State.WAITING:
                bisect.insort(self._ready, self._place[child])

    def fail(self, name: ImageName) -> None:
        """An image failed: what stands on it is blocked."""
        self._end(name, State.FAILED)
        above = list(self._children[name])
        blocked: list[ImageName] = []
        while above:
            other = above.pop()
            if self.states[other] is State.WAITING:
                self.states[other] = State.BLOCKED
                blocked.append(other)
                above.extend(self._children[other])
        self._waiting -= len(blocked)
        self.blocked_by.update((other, name) for other in sorted(blocked, key=self._place.__getitem__))
        if not self.keep_going:
            self.stop()

    def again(self, name: ImageName) -> None:
        """A running image did not come out, and is to be built once more."""
        self._end(name, State.WAITING)
        self._waiting += 1
        bisect.insort(self._ready, self._place[name])

    def stop(self) -> None:
        """Start nothing more; what runs may end."""
        self.stopped = True
        for name, state in self.states.items():
            if state is State.WAITING:
                self.states[name] = State.SKIPPED
        self._waiting = 0

    def abandon(self, name: ImageName) -> None:
        """A running image was ended because the whole run ends."""
        self._end(name, State.SKIPPED)

    @property
    def running(self) -> list[ImageName]:
        """The images that build now."""
        return sorted(self._running, key=self._place.__getitem__)

    @property
    def over(self) -> bool:
        """Whether nothing runs and nothing will start."""
        return not self._running and not self._waiting

    def _end(self, name: ImageName, state: State) -> None:
        self._expect(name, State.RUNNING)
        self.states[name] = state
        self._running.discard(name)

    def _expect(self, name: ImageName, state: State) -> None:
        if self.states[name] is not state:
            raise AssertionError(f"{name} is {self.states[name]}, not {state}")
