"""Who is told what happens during a run, one call for each thing."""

from __future__ import annotations

from typing import Protocol

from planner.model.build import BuildResult, Stored
from planner.model.image import ImageName
from planner.ports import StepNews
from planner.schedule.outcome import Failure
from planner.schedule.workers import Retry


class Listener(Protocol):
    """Is told what happens during a run, always from the thread that runs it."""

    def begun(self, name: ImageName, worker: str) -> None:
        """An image begins to build on a builder."""
        ...

    def retried(self, name: ImageName, failure: Failure, retry: Retry) -> None:
        """An image failed in a way that may pass, and will be tried again."""
        ...

    def news(self, news: StepNews) -> None:
        """Something happened inside a build."""
        ...

    def built(self, name: ImageName, result: BuildResult) -> None:
        """An image is built, stored and recorded."""
        ...

    def shared(self, name: ImageName, image: Stored) -> None:
        """An image need not be built: another run, for which this one waited, has built it."""
        ...

    def cut_off(self, name: ImageName, image: Stored) -> None:
        """An image need not be built: its parents came out as they were when it was built before."""
        ...

    def failed(self, name: ImageName, failure: Failure, blocked: tuple[ImageName, ...]) -> None:
        """An image failed; `blocked` names what will not be built because of it."""
        ...

    def tick(self) -> None:
        """Time passed without news."""
        ...
