"""What is known of builders and of the images that they share: records only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.model.image import ImageName
from planner.schedule.resources import Amounts


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A builder: how many builds at once it takes, and what it has.

    `native` are the platforms of its processor, `emulated` those that it runs more slowly; without either it takes all.
    """

    name: str
    slots: int = 1
    native: frozenset[str] = frozenset()
    emulated: frozenset[str] = frozenset()
    capacity: Amounts = field(default_factory=dict)

    def rank(self, platforms: tuple[str, ...]) -> int | None:
        """How well it suits: 0 natively, 1 with emulation, None not at all."""
        if not self.native and not self.emulated:
            return 0
        asked = frozenset(platforms)
        if asked <= self.native:
            return 0
        return 1 if asked <= self.native | self.emulated else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is known of images before a run. Seconds; what is not named takes none, needs nothing, runs anywhere.

    `seconds` is what a build takes, `fetch` what it takes to bring a built parent's layers to a builder that has not
    got them. `reads` names for each image the parents that it reads, also those that are not built in the run;
    `homes` the builders that have an image's layers already.
    """

    seconds: Mapping[ImageName, float] = field(default_factory=dict)
    fetch: Mapping[ImageName, float] = field(default_factory=dict)
    reads: Mapping[ImageName, frozenset[ImageName]] = field(default_factory=dict)
    homes: Mapping[ImageName, frozenset[str]] = field(default_factory=dict)
    needs: Mapping[ImageName, Amounts] = field(default_factory=dict)
    platforms: Mapping[ImageName, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """An image that starts now, on a builder."""

    image: ImageName
    worker: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """A build that is tried once more. `number` counts retries from 1; 0 is a move off a builder that went away."""

    number: int
    of: int
    seconds: float
    worker: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Seconds between tries: doubling from `first`, never above `longest`, spread by half to either side.

    The spread keeps builds that failed together from asking together again.
    """

    first: float = 2.0
    longest: float = 60.0

    def pause(self, number: int, chance: float) -> float:
        """Before retry `number` (from 1); `chance` is drawn from 0 to 1."""
        return min(self.first * 2.0 ** (number - 1), self.longest) * (0.5 + chance)
