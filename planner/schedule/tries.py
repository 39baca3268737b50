"""Builds one image in a thread: reuses what the same inputs gave before, else builds under a lease, and records it.

Knows nothing of other images, of builders' choice or of retries: it answers with what came of one try.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from planner.digest import written
from planner.digest.key import Keys, resolved_key
from planner.errors import BuilderAway, PlannerError, RegistryAway, RegistryError
from planner.model.build import BuildRequest, BuildResult, Record, Stored
from planner.model.image import ImageName
from planner.plan.baseline import lister
from planner.plan.reasons import Code
from planner.plan.rebuild import Plan, not_by_key
from planner.ports import BuildCancelled, Builder, BuildFailed, Leases, Passing, Records, StepNews, StepState
from planner.schedule.listener import Listener
from planner.schedule.outcome import Failure
from planner.schedule.requests import request_of
from planner.schedule.workers import Backoff, Work, Worker


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a run needs: the plan, the keys behind it, where reused parents are kept, and the edge's parts.

    `builders` are the engines by the name of their worker, `seconds` what images of the family took last, also those
    that are not built. `anew` are images of which no record of their key says anything, for reasons that the plan does
    not hold, as `not_by_key` tells those that it holds. Failures that may pass are retried `retries` times. While
    what `interrupts` gives is entered, an interrupt calls what it was given, with its signal's number.
    """

    plan: Plan
    keys: Keys
    stored: Mapping[ImageName, Stored]
    builders: Mapping[str, Builder]
    workers: tuple[Worker, ...]
    records: Records
    listener: Listener
    clock: Callable[[], float]
    holds: Callable[[Stored], bool] = lambda _: True
    leases: Leases | None = None
    registry: str = ""
    keep_going: bool = False
    work: Work = field(default_factory=Work)
    seconds: Mapping[ImageName, float] = field(default_factory=dict)
    anew: frozenset[ImageName] = frozenset()
    retries: int = 0
    backoff: Backoff = field(default_factory=Backoff)
    interrupts: Callable[[Callable[[int], None]], AbstractContextManager[None]] = lambda _: nullcontext()


@dataclass(frozen=True)
class Ended:
    """What came of one try. `passing` says why a failure may not come again; nothing at all: it was cancelled."""

    name: ImageName
    result: BuildResult | None = None
    reused: Stored | None = None
    by_another: bool = False
    failure: Failure | None = None
    bug: BaseException | None = None

    @property
    def passing(self) -> Passing | None:
        """Why the failure may not come again, None where it would."""
        match self.failure:
            case BuildFailed(passing=passing):
                return passing
            case RegistryAway():
                return Passing.NETWORK
            case BuilderAway():
                return Passing.ENGINE
        return None


class Tries:
    """Tries to build images of one job. Called from several threads; `tell` takes news from all of them."""

    def __init__(
        self,
        job: Job,
        tell: Callable[[StepNews], None],
        ending: Callable[[], bool],
        before: Mapping[ImageName, float],
    ) -> None:
        """`before` is what images took when they were built last, in seconds."""
        self.job = job
        self.tell = tell
        self.ending = ending
        self.before = before
        self.cuttable = _cuttable(job)
        self.shared = self.cuttable - not_by_key(job.plan, job.keys) - job.anew

    def build(self, name: ImageName, builder: Builder, stored: Mapping[ImageName, Stored], failed: int = 0) -> Ended:
        """Reuse or build one image, and write its record. `stored` says where its parents are.

        `failed` tries came before this one.
        """
        try:
            request = request_of(self.job.keys, name, stored, registry=self.job.registry)
            resolved = resolved_key(self.job.keys, name, {one: image.digest for one, image in stored.items()})
            reused = self._reused(name, resolved, request, builder)
            if reused is not None:
                return reused
            return self._leased(name, resolved, request, builder, failed)
        except BuildCancelled:
            return Ended(name)
        except (BuildFailed, PlannerError) as failure:
            return Ended(name, failure=failure)
        except BaseException as bug:
            return Ended(name, bug=bug)

    def _leased(self, name: ImageName, resolved: str, request: BuildRequest, builder: Builder, failed: int) -> Ended:
        """Build under a lease where there are any, or take what another run built meanwhile.

        Not where the key does not say what the image is: its record may be of before, or of another run's parents.
        """
        lease = None
        if self.job.leases is not None and name in self.shared:

            def tell(text: str) -> None:
                self.tell(StepNews(image=name, step=text, state=StepState.STARTED))

            lease = self.job.leases.take(name, self.job.keys.keys[name], tell, self.ending)
        if isinstance(lease, Record):
            return self._taken(lease, request, builder)
        try:
            result = builder.build(request, self.tell)
            self.job.records.add(self._record(name, resolved, result, failed))
        finally:
            if lease is not None:
                lease.release()
        return Ended(name, result=result)

    def _taken(self, record: Record, request: BuildRequest, builder: Builder) -> Ended:
        """What another run built of the same key since the plan was made."""
        builder.name(request, record.stored)
        if not record.manifests:
            # Its layer could not be read; the key is the same, and so is what stands behind it.
            record = replace(record, manifests=self._manifests(record.image))
        self.job.records.add(record)
        return Ended(record.image, reused=record.stored, by_another=True)

    def _reused(self, name: ImageName, resolved: str, request: BuildRequest, builder: Builder) -> Ended | None:
        """The image that these very inputs gave before: under this key in another run, or under the key of parents that
        came out as they were (early cutoff), which is recorded under the new key too.

        Never for an image that somebody asked for or that reads what may change unseen. Where the registry fails, the
        image is built.
        """
        if name not in self.cuttable:
            return None
        platforms = self.job.keys.made_by.loaded.graph.nodes[name].image.platforms
        for record in self.job.records.find_resolved(name, platforms, resolved):
            try:
                if self.job.holds(record.stored):
                    if record.key == request.key:
                        return self._taken(record, request, builder)
                    builder.name(request, record.stored)
                    result = BuildResult(image=record.stored, seconds=record.seconds, steps=record.steps)
                    self.job.records.add(self._record(name, resolved, result))
                    return Ended(name, reused=record.stored)
            except RegistryError:
                continue
        return None

    def _record(self, name: ImageName, resolved: str, result: BuildResult, failed: int = 0) -> Record:
        keys = self.job.keys
        return Record(
            image=name,
            platforms=keys.made_by.loaded.graph.nodes[name].image.platforms,
            key=keys.keys[name],
            resolved_key=resolved,
            stored=result.image,
            built_at=self.job.clock(),
            # What all came from cache says nothing of what the image takes where it must be built.
            seconds=max(result.seconds, self.before.get(name, 0.0)) if result.cached else result.seconds,
            manifests=self._manifests(name),
            steps=result.steps,
            retries=failed,
        )

    def _manifests(self, name: ImageName) -> str:
        keys = self.job.keys
        return written.write(keys.manifests[name], lambda manifest, item: lister(keys, manifest)(item))


def _cuttable(job: Job) -> frozenset[ImageName]:
    """The images of a plan that need not be built where their parents come out as they were."""
    return frozenset(
        image.name
        for image in job.plan.building
        if not any(reason.code is Code.FORCED for reason in image.reasons)
        and not any(manifest.unsure for manifest in job.keys.manifests[image.name])
    )
