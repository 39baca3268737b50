"""Turns a plan into calls on a Builder, in parallel over the true graph, and writes a record for each image built.

The threads in which builds run. Everything that is told to the listener is told from the caller's thread.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from planner.digest import written
from planner.digest.key import Keys, resolved_key
from planner.errors import PlannerError, RegistryError
from planner.model.build import BuildRequest, BuildResult, Record, Stored
from planner.model.image import ImageName
from planner.plan.baseline import lister
from planner.plan.durations import durations
from planner.plan.reasons import Code
from planner.plan.rebuild import Plan
from planner.ports import BuildCancelled, Builder, BuildFailed, Leases, Records, StepNews, StepState
from planner.schedule.outcome import Failure, Outcome
from planner.schedule.priority import by_critical_path
from planner.schedule.requests import request_of
from planner.schedule.resources import Amounts
from planner.schedule.states import Run


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
    holds: Callable[[Stored], bool] = lambda _: True
    leases: Leases | None = None
    registry: str = ""
    slots: int = 1
    keep_going: bool = False
    needs: Mapping[ImageName, Amounts] = field(default_factory=dict)
    capacity: Amounts = field(default_factory=dict)


@dataclass(frozen=True)
class _Ended:
    name: ImageName
    result: BuildResult | None = None
    reused: Stored | None = None
    by_another: bool = False
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
        self.before = {name: record for name in building if (record := job.records.latest(name)) is not None}
        recorded = {name: record.seconds for name, record in self.before.items()}
        seconds = durations(job.keys.made_by.loaded.graph, building, recorded).seconds
        order = by_critical_path(building, parents, seconds)
        self.state = Run(order, parents, keep_going=job.keep_going, needs=job.needs, capacity=job.capacity)
        self.cuttable = _cuttable(job)
        self.events: queue.Queue[_Ended | StepNews] = queue.Queue()
        self.stored = dict(job.stored)
        self.results: dict[ImageName, BuildResult] = {}
        self.cut_off: dict[ImageName, Stored] = {}
        self.by_another: dict[ImageName, Stored] = {}
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
            cut_off=self.cut_off,
            by_another=self.by_another,
            unchanged=frozenset(
                name
                for name, result in self.results.items()
                if name in self.before and self.before[name].stored.digest == result.image.digest
            ),
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
        """In a thread of the pool: reuse or build one image, and write its record."""
        try:
            request = request_of(self.job.keys, name, stored, registry=self.job.registry)
            resolved = resolved_key(self.job.keys, name, {one: image.digest for one, image in stored.items()})
            reused = self._reused(name, resolved, request)
            if reused is not None:
                self.events.put(_Ended(name, reused=reused))
                return
            self._leased(name, resolved, request)
        except BuildCancelled:
            self.events.put(_Ended(name))
        except (BuildFailed, PlannerError) as failure:
            self.events.put(_Ended(name, failure=failure))
        except BaseException as bug:
            self.events.put(_Ended(name, bug=bug))

    def _leased(self, name: ImageName, resolved: str, request: BuildRequest) -> None:
        """Build under a lease where there are any, or take what another run built meanwhile."""
        lease = None
        if self.job.leases is not None and name in self.cuttable:

            def tell(text: str) -> None:
                self.events.put(StepNews(image=name, step=text, state=StepState.STARTED))

            lease = self.job.leases.take(name, self.job.keys.keys[name], tell, lambda: self.state.stopped)
        if isinstance(lease, Record):
            self.job.builder.name(request, lease.stored)
            self.job.records.add(lease)
            self.events.put(_Ended(name, reused=lease.stored, by_another=True))
            return
        try:
            result = self.job.builder.build(request, self.events.put)
            self.job.records.add(self._record(name, resolved, result))
        finally:
            if lease is not None:
                lease.release()
        self.events.put(_Ended(name, result=result))

    def _reused(self, name: ImageName, resolved: str, request: BuildRequest) -> Stored | None:
        """Early cutoff: the image that these very inputs gave before, recorded under the new key too.

        Never for an image that somebody asked for or that reads what may change unseen. Where the registry fails, the
        image is built.
        """
        if name not in self.cuttable:
            return None
        platforms = self.job.keys.made_by.loaded.graph.nodes[name].image.platforms
        for record in self.job.records.find_resolved(name, platforms, resolved):
            try:
                if self.job.holds(record.stored):
                    self.job.builder.name(request, record.stored)
                    result = BuildResult(image=record.stored, seconds=record.seconds, steps=record.steps)
                    self.job.records.add(self._record(name, resolved, result))
                    return record.stored
            except RegistryError:
                continue
        return None

    def _ended(self, event: _Ended) -> None:
        name = event.name
        if event.bug is not None:
            self.state.abandon(name)
            raise event.bug
        if event.reused is not None:
            self.stored[name] = event.reused
            self.state.succeed(name)
            if event.by_another:
                self.by_another[name] = event.reused
                self.job.listener.shared(name, event.reused)
            else:
                self.cut_off[name] = event.reused
                self.job.listener.cut_off(name, event.reused)
        elif event.result is not None:
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

    def _record(self, name: ImageName, resolved: str, result: BuildResult) -> Record:
        keys = self.job.keys
        return Record(
            image=name,
            platforms=keys.made_by.loaded.graph.nodes[name].image.platforms,
            key=keys.keys[name],
            resolved_key=resolved,
            stored=result.image,
            built_at=self.job.clock(),
            seconds=result.seconds,
            manifests=written.write(keys.manifests[name], lambda manifest, item: lister(keys, manifest)(item)),
            steps=result.steps,
        )


def _cuttable(job: Job) -> frozenset[ImageName]:
    """The images of a plan that need not be built where their parents come out as they were."""
    return frozenset(
        image.name
        for image in job.plan.building
        if not any(reason.code is Code.FORCED for reason in image.reasons)
        and not any(manifest.unsure for manifest in job.keys.manifests[image.name])
    )
