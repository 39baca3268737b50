"""Turns a plan into calls on a Builder, in parallel over the true graph, and writes a record for each image built.

The only threads of the planner. Everything that is told to the listener is told from the caller's thread.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from planner.digest import written
from planner.digest.hashing import Hasher
from planner.digest.key import Keys
from planner.errors import PlannerError
from planner.model.build import BuildResult, Record, Stored
from planner.model.image import ImageName
from planner.plan.baseline import lister
from planner.plan.rebuild import Plan
from planner.ports import BuildCancelled, Builder, BuildFailed, Records, StepNews
from planner.schedule.priority import by_critical_path
from planner.schedule.requests import request_of
from planner.schedule.states import Run, State

Failure = BuildFailed | PlannerError


class Listener(Protocol):
    """Is told what happens during a run, always from the thread that runs it."""

    def begun(self, name: ImageName) -> None:
        """An image begins to build."""
        ...

    def news(self, news: StepNews) -> None:
        """Something happened inside a build."""
        ...

    def built(self, name: ImageName, result: BuildResult) -> None:
        """An image is built, stored and recorded."""
        ...

    def failed(self, name: ImageName, failure: Failure, blocked: tuple[ImageName, ...]) -> None:
        """An image failed; `blocked` names what will not be built because of it."""
        ...

    def tick(self) -> None:
        """Time passed without news."""
        ...


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a run needs: the plan, the keys behind it, where reused parents are kept, and the edge's parts."""

    plan: Plan
    keys: Keys
    stored: Mapping[ImageName, Stored]
    builder: Builder
    records: Records
    listener: Listener
    clock: Callable[[], float]
    registry: str = ""
    slots: int = 1
    keep_going: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How each image of a run ended, and what was built."""

    states: Mapping[ImageName, State]
    results: Mapping[ImageName, BuildResult] = field(default_factory=dict)
    failures: Mapping[ImageName, Failure] = field(default_factory=dict)
    blocked_by: Mapping[ImageName, ImageName] = field(default_factory=dict)
    interrupted: bool = False


@dataclass(frozen=True)
class _Ended:
    name: ImageName
    result: BuildResult | None = None
    failure: Failure | None = None
    bug: BaseException | None = None


TICK = 0.1
"""Seconds without news after which a display is renewed."""


def execute(job: Job) -> Outcome:
    """Build everything that the plan builds. Failures are in the outcome; a bug in a build is raised."""
    return _Execution(job).run()


class _Execution:
    """One run: the state machine, the pool of threads, and the queue through which threads tell their news."""

    def __init__(self, job: Job) -> None:
        self.job = job
        building = [image.name for image in job.plan.building]
        parents = {image.name: frozenset(image.parents) & set(building) for image in job.plan.building}
        self.state = Run(_order(job, building, parents), parents, keep_going=job.keep_going)
        self.events: queue.Queue[_Ended | StepNews] = queue.Queue()
        self.stored = dict(job.stored)
        self.results: dict[ImageName, BuildResult] = {}
        self.failures: dict[ImageName, Failure] = {}
        self.interrupted = False

    def run(self) -> Outcome:
        with ThreadPoolExecutor(max_workers=max(self.job.slots, 1)) as pool:
            while not self.state.over:
                try:
                    self._step(pool)
                except KeyboardInterrupt:
                    self.interrupted = True
                    self._end_all()
                except BaseException:
                    self._end_all()
                    raise
        return Outcome(
            states=dict(self.state.states),
            results=self.results,
            failures=self.failures,
            blocked_by=self.state.blocked_by,
            interrupted=self.interrupted,
        )

    def _end_all(self) -> None:
        self.state.stop()
        self.job.builder.cancel()

    def _step(self, pool: ThreadPoolExecutor) -> None:
        for name in self.state.startable(self.job.slots - len(self.state.running)):
            self.state.start(name)
            self.job.listener.begun(name)
            pool.submit(self._build, name, dict(self.stored))
        try:
            event = self.events.get(timeout=TICK)
        except queue.Empty:
            self.job.listener.tick()
            return
        if isinstance(event, StepNews):
            self.job.listener.news(event)
        else:
            self._ended(event)

    def _build(self, name: ImageName, stored: Mapping[ImageName, Stored]) -> None:
        """In a thread of the pool: build one image and write its record."""
        try:
            request = request_of(self.job.keys, name, stored, registry=self.job.registry)
            result = self.job.builder.build(request, self.events.put)
            self.job.records.add(self._record(name, stored, result))
            self.events.put(_Ended(name, result=result))
        except BuildCancelled:
            self.events.put(_Ended(name))
        except (BuildFailed, PlannerError) as failure:
            self.events.put(_Ended(name, failure=failure))
        except BaseException as bug:
            self.events.put(_Ended(name, bug=bug))

    def _ended(self, event: _Ended) -> None:
        name = event.name
        if event.bug is not None:
            self.state.abandon(name)
            raise event.bug
        if event.result is not None:
            self.results[name] = event.result
            self.stored[name] = event.result.image
            self.state.succeed(name)
            self.job.listener.built(name, event.result)
        elif event.failure is not None:
            self.failures[name] = event.failure
            self.state.fail(name)
            blocked = tuple(other for other, by in self.state.blocked_by.items() if by == name)
            self.job.listener.failed(name, event.failure, blocked)
        else:
            self.state.abandon(name)

    def _record(self, name: ImageName, stored: Mapping[ImageName, Stored], result: BuildResult) -> Record:
        keys = self.job.keys
        manifests = keys.manifests[name]
        node = keys.made_by.loaded.graph.nodes[name]
        digests = [f"{parent}@{stored[parent].digest}" for parent in node.parents]
        hasher = Hasher(keys.made_by.loaded.family.algorithm)
        return Record(
            image=name,
            platforms=node.image.platforms,
            key=keys.keys[name],
            resolved_key=hasher.key([keys.keys[name], *digests]),
            stored=result.image,
            built_at=self.job.clock(),
            seconds=result.seconds,
            manifests=written.write(manifests, lambda manifest, item: lister(keys, manifest)(item)),
            steps=result.steps,
        )


def _order(job: Job, building: list[ImageName], parents: Mapping[ImageName, frozenset[ImageName]]) -> list[ImageName]:
    seconds: dict[ImageName, float] = {}
    for name in building:
        latest = job.records.latest(name)
        if latest is not None:
            seconds[name] = latest.seconds
    return by_critical_path(building, parents, seconds)
