"""Turns a plan into calls on builders, in parallel over the true graph, and tells what comes of them.

The threads in which builds run. Everything that is told to the listener is told from the caller's thread.

An interrupt is a note, never an exception: one that is raised between two lines of this loop would lose an image that
has begun, and the run would wait for it for ever.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from planner.model.build import BuildResult, Stored
from planner.model.image import ImageName
from planner.plan.durations import durations
from planner.ports import Passing, StepNews
from planner.schedule.fleet import Fleet
from planner.schedule.outcome import Failure, Outcome, Tried
from planner.schedule.priority import by_critical_path
from planner.schedule.states import Run
from planner.schedule.tries import Ended, Job, Tries

TICK = 0.1
"""Seconds without news after which a display is renewed."""


def execute(job: Job) -> Outcome:
    """Build everything that the plan builds. Failures are in the outcome; a bug in a build is raised."""
    return _Execution(job).run()


@dataclass(frozen=True)
class _Asked:
    """A builder that went away was asked whether it is back."""

    worker: str
    there: bool


class _Execution:
    """One run: the state machine, the pool of threads, and the queue through which threads tell their news."""

    def __init__(self, job: Job) -> None:
        self.job = job
        building = [image.name for image in job.plan.building]
        parents = {image.name: frozenset(image.parents) & set(building) for image in job.plan.building}
        self.before = {name: record for name in building if (record := job.records.latest(name)) is not None}
        recorded = {**job.seconds, **{name: record.seconds for name, record in self.before.items()}}
        seconds = durations(job.keys.made_by.loaded.graph, building, recorded).seconds
        self.state = Run(by_critical_path(building, parents, seconds), parents, keep_going=job.keep_going)
        self.fleet = Fleet(
            self.state,
            job.workers,
            replace(job.work, seconds=seconds),
            retries=job.retries,
            backoff=job.backoff,
            chance=random.random,
        )
        self.events: queue.Queue[Ended | StepNews | _Asked] = queue.Queue()
        self.cancels: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.tries = Tries(job, self.events.put, lambda: self.state.stopped or bool(self.interrupted), recorded)
        self.stored = dict(job.stored)
        self.results: dict[ImageName, BuildResult] = {}
        self.cut_off: dict[ImageName, Stored] = {}
        self.by_another: dict[ImageName, Stored] = {}
        self.failures: dict[ImageName, Failure] = {}
        self.retried: dict[ImageName, tuple[Tried, ...]] = {}
        self.interrupted = 0
        self.threads: list[threading.Thread] = []

    def run(self) -> Outcome:
        canceller = threading.Thread(target=self._cancel_when_asked, daemon=True)
        canceller.start()
        try:
            with self.job.interrupts(self._interrupt):
                self._run()
        finally:
            self.cancels.put(False)
            canceller.join()
        return self._outcome()

    def _run(self) -> None:
        try:
            while not self.state.over:
                self._step()
        except BaseException as error:
            self.state.stop()
            self._cancel()
            if not isinstance(error, KeyboardInterrupt):  # That one waits for nothing.
                for thread in self.threads:
                    thread.join()
            raise

    def _outcome(self) -> Outcome:
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
            built_on={name: self.fleet.at[name] for name in self.results},
            retried=self.retried,
            interrupted=self.interrupted,
        )

    def _interrupt(self, number: int) -> None:
        """In the middle of anything: takes no lock, and leaves the rest to the loop and to a thread.

        The loop may be held up by whoever does not read what the listener says; builds are cancelled all the same.
        """
        self.interrupted = self.interrupted or number
        self.cancels.put(True)

    def _cancel_when_asked(self) -> None:
        """In a thread of its own."""
        while self.cancels.get():
            self._cancel()

    def _cancel(self) -> None:
        for builder in self.job.builders.values():
            builder.cancel()

    def _step(self) -> None:
        if self.interrupted and not self.state.stopped:
            self.state.stop()
        now = time.monotonic()
        for placed in self.fleet.place(now):
            self.job.listener.begun(placed.image, placed.worker)
            failed = len(self.retried.get(placed.image, ()))
            self._beside(self._build, placed.image, placed.worker, dict(self.stored), failed)
        for worker in self.fleet.to_ask(now):
            self._beside(self._ask, worker)
        try:
            event = self.events.get(timeout=TICK)
        except queue.Empty:
            self.job.listener.tick()
            return
        match event:
            case StepNews():
                self.job.listener.news(event)
            case _Asked(worker=worker, there=there):
                self.fleet.answered(worker, there, time.monotonic())
            case Ended():
                self._ended(event)

    def _beside(self, work: Callable[..., None], *about: object) -> None:
        """In a thread for which the end of the process does not wait."""
        thread = threading.Thread(target=work, args=about, daemon=True)
        self.threads = [*(one for one in self.threads if one.is_alive()), thread]
        thread.start()

    def _build(self, name: ImageName, worker: str, stored: Mapping[ImageName, Stored], failed: int) -> None:
        """In a thread of its own."""
        self.events.put(self.tries.build(name, self.job.builders[worker], stored, failed))

    def _ask(self, worker: str) -> None:
        """In a thread of its own."""
        there = False
        try:
            there = self.job.builders[worker].answers()
        finally:
            self.events.put(_Asked(worker, there))

    def _ended(self, event: Ended) -> None:
        name = event.name
        if event.bug is not None:
            self.fleet.abandon(name)
            raise event.bug
        if event.reused is not None:
            self._reused(event, event.reused)
        elif event.result is not None:
            self.results[name] = event.result
            self.stored[name] = event.result.image
            self.fleet.succeed(name)
            self.job.listener.built(name, event.result)
        elif event.failure is not None:
            self._failed(name, event.failure, event.passing)
        else:
            self.state.stop()  # Whoever cancelled it: nothing that waits for it would ever start.
            self.fleet.abandon(name)

    def _reused(self, event: Ended, image: Stored) -> None:
        name = event.name
        self.stored[name] = image
        self.fleet.succeed(name, built=False)
        if event.by_another:
            self.by_another[name] = image
            self.job.listener.shared(name, image)
        else:
            self.cut_off[name] = image
            self.job.listener.cut_off(name, image)

    def _failed(self, name: ImageName, failure: Failure, passing: Passing | None) -> None:
        if passing is not None:
            retry = self.fleet.passing(name, time.monotonic(), away=passing is Passing.ENGINE)
            if retry is not None:
                tried = Tried(worker=retry.worker, reason=str(failure), seconds=retry.seconds)
                self.retried[name] = (*self.retried.get(name, ()), tried)
                self.job.listener.retried(name, failure, retry)
                return
        else:
            self.fleet.fail(name)
        self.failures[name] = failure
        blocked = tuple(other for other, by in self.state.blocked_by.items() if by == name)
        self.job.listener.failed(name, failure, blocked)
