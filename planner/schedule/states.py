"""The state of a run as a pure machine: what may start next, and what a success or a failure does to the rest."""

from __future__ import annotations

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

    def startable(self, slots: int) -> list[ImageName]:
        """The images to start now with this many free slots, the preferred ones first."""
        if self.stopped:
            return []
        ready = [name for name in self.order if self.states[name] is State.WAITING and self._is_ready(name)]
        return ready[: max(slots, 0)]

    def _is_ready(self, name: ImageName) -> bool:
        return all(self.states[parent] is State.DONE for parent in self.parents[name])

    def start(self, name: ImageName) -> None:
        """An image begins to build."""
        self._expect(name, State.WAITING)
        self.states[name] = State.RUNNING

    def succeed(self, name: ImageName) -> None:
        """An image is built and stored."""
        self._expect(name, State.RUNNING)
        self.states[name] = State.DONE

    def fail(self, name: ImageName) -> None:
        """An image failed: what stands on it is blocked."""
        self._expect(name, State.RUNNING)
        self.states[name] = State.FAILED
        for other in self.order:
            if self.states[other] is State.WAITING and name in self._ancestors(other):
                self.states[other] = State.BLOCKED
                self.blocked_by[other] = name
        if not self.keep_going:
            self.stop()

    def stop(self) -> None:
        """Start nothing more; what runs may end."""
        self.stopped = True
        for name, state in self.states.items():
            if state is State.WAITING:
                self.states[name] = State.SKIPPED

    def abandon(self, name: ImageName) -> None:
        """A running image was ended because the whole run ends."""
        self._expect(name, State.RUNNING)
        self.states[name] = State.SKIPPED

    @property
    def running(self) -> list[ImageName]:
        """The images that build now."""
        return [name for name in self.order if self.states[name] is State.RUNNING]

    @property
    def over(self) -> bool:
        """Whether nothing runs and nothing will start."""
        return not any(state in (State.RUNNING, State.WAITING) for state in self.states.values())

    def _ancestors(self, name: ImageName) -> set[ImageName]:
        found: set[ImageName] = set()
        waiting = list(self.parents[name])
        while waiting:
            parent = waiting.pop()
            if parent not in found:
                found.add(parent)
                waiting.extend(self.parents[parent])
        return found

    def _expect(self, name: ImageName, state: State) -> None:
        if self.states[name] is not state:
            raise AssertionError(f"{name} is {self.states[name]}, not {state}")
