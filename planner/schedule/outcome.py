"""How a run ended, image by image: records only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.errors import PlannerError
from planner.model.build import BuildResult, Stored
from planner.model.image import ImageName
from planner.ports import BuildFailed
from planner.schedule.states import State

Failure = BuildFailed | PlannerError


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A try that failed in a way that may pass: on which builder, why, and how long was waited before the next one."""

    worker: str
    reason: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How each image of a run ended, and what was built.

    `cut_off` holds the images that were reused while it went on, since their parents came out byte-equal; `unchanged`
    names those that were built and came out as they were. `by_another` holds what another run built meanwhile.
    `built_on` names the builder of what was built, `retried` holds the tries before the last one. `interrupted` is the
    number of the signal that asked for the end, 0 for none.
    """

    states: Mapping[ImageName, State]
    results: Mapping[ImageName, BuildResult] = field(default_factory=dict)
    cut_off: Mapping[ImageName, Stored] = field(default_factory=dict)
    by_another: Mapping[ImageName, Stored] = field(default_factory=dict)
    unchanged: frozenset[ImageName] = frozenset()
    failures: Mapping[ImageName, Failure] = field(default_factory=dict)
    blocked_by: Mapping[ImageName, ImageName] = field(default_factory=dict)
    built_on: Mapping[ImageName, str] = field(default_factory=dict)
    retried: Mapping[ImageName, tuple[Tried, ...]] = field(default_factory=dict)
    interrupted: int = 0
