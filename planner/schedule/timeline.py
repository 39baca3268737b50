"""Notes when each image and each of its steps began and ended, while it passes all news on to another listener."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from planner.model.image import ImageName
from planner.ports import StepNews, StepState

ENDED = (StepState.DONE, StepState.CACHED, StepState.FAILED)
MAX_STEPS = 10_000
"""Steps of one image that are noted."""


@dataclass(slots=True)
class Timed:
    """A stretch of time, in seconds since 1970; `end` is 0 while it goes on."""

    start: float
    end: float = 0.0
    cached: bool = False
    failed: bool = False


@dataclass(slots=True)
class ImageTimes(Timed):
    """An image's time, and its steps' by the engine's name for each."""

    steps: dict[str, Timed] = field(default_factory=dict)


class Timeline:
    """A listener of a run around another one. `images` are those that began, in that order; `close` tells the `end`."""

    def __init__(self, inner: Any, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._clock = clock
        self.start = self.end = clock()
        self.images: dict[ImageName, ImageTimes] = {}

    def __getattr__(self, name: str) -> Any:
        """What is told and not noted goes to the inner listener as it is."""
        return getattr(self._inner, name)

    def begun(self, name: ImageName, *more: object) -> None:
        """See Listener. An image that is tried again began when it was tried first."""
        self.images.setdefault(name, ImageTimes(self._clock()))
        self._inner.begun(name, *more)

    def news(self, news: StepNews) -> None:
        """See Listener."""
        image = self.images.get(news.image)
        if image is not None and news.state not in (StepState.LOG, StepState.WARNING):
            self._noted(image, news)
        self._inner.news(news)

    def _noted(self, image: ImageTimes, news: StepNews) -> None:
        now = self._clock()
        step = image.steps.get(news.step)
        if step is None:
            if len(image.steps) >= MAX_STEPS:
                return
            step = image.steps[news.step] = Timed(now)
        if news.state in ENDED:
            step.end = now
            step.cached = news.state is StepState.CACHED
            step.failed = news.state is StepState.FAILED

    def built(self, name: ImageName, *more: object) -> None:
        """See Listener."""
        self._ended(name)
        self._inner.built(name, *more)

    def shared(self, name: ImageName, *more: object) -> None:
        """See Listener."""
        self._ended(name)
        self._inner.shared(name, *more)

    def cut_off(self, name: ImageName, *more: object) -> None:
        """See Listener."""
        self._ended(name)
        self._inner.cut_off(name, *more)

    def failed(self, name: ImageName, *more: object) -> None:
        """See Listener."""
        self._ended(name, failed=True)
        self._inner.failed(name, *more)

    def _ended(self, name: ImageName, *, failed: bool = False) -> None:
        image = self.images.get(name)
        if image is not None:
            image.end, image.failed = self._clock(), failed

    def close(self) -> None:
        """End whatever a run that was broken off left going."""
        now = self.end = self._clock()
        for image in self.images.values():
            for one in (image, *image.steps.values()):
                one.end = one.end or image.end or now
