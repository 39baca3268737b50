"""Ctrl-C at any moment of a run ends it: nothing that has begun is waited for in vain, whatever the loop was doing."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from planner.cli.interrupts import heard
from planner.errors import BuilderAway
from planner.local.records import SqliteRecords
from planner.model.build import BuildRequest, BuildResult, Stored
from planner.model.image import ImageName
from planner.plan.rebuild import plan as make_plan
from planner.ports import BuildCancelled, StepNews, StepState
from planner.schedule.outcome import Outcome
from planner.schedule.run import execute
from planner.schedule.states import State
from planner.schedule.tries import Job
from planner.schedule.workers import Worker
from tests.schedule.test_ended import image_of, keys

PATIENCE = 100
"""Ticks without news after which a run is taken to hang."""


class Engine:
    """Builds at once, or with `slow` until it is cancelled. `news` are told in each build."""

    def __init__(self, *, slow: bool = False) -> None:
        self.slow = slow
        self.cancels = 0
        self.ended = threading.Event()
        self.killed = threading.Event()

    def build(self, request: BuildRequest, tell: Callable[[StepNews], None]) -> BuildResult:
        tell(StepNews(image=request.image, step="[1/1] RUN true", state=StepState.STARTED))
        if self.slow:
            assert self.ended.wait(60)
            raise BuildCancelled
        return BuildResult(image=image_of(request), seconds=1.0)

    def cancel(self) -> None:
        self.cancels += 1
        self.ended.set()
        if self.cancels > 1:
            self.killed.set()

    def name(self, request: BuildRequest, image: Stored) -> None:
        """Nothing is tagged here."""


class Listener:
    """Calls `then` when it is told something for the first time."""

    def __init__(self, call: str, then: Callable[[], object]) -> None:
        self.call = call
        self.then = then
        self.called = False
        self.ticks = 0

    def __getattr__(self, call: str) -> Callable[..., None]:
        def told(*_: object) -> None:
            if call == self.call and not self.called:
                self.called = True
                self.then()

        return told

    def tick(self) -> None:
        self.ticks += 1
        assert self.ticks < PATIENCE, "the run hangs"


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqliteRecords]:
    with closing(SqliteRecords(tmp_path / "r")) as found:
        yield found


def ran(records: SqliteRecords, engine: Engine, listener: Listener, **more: Engine) -> Outcome:
    now = keys("one")
    graph = now.made_by.loaded.graph
    job = Job(
        plan=make_plan(graph, now, {}, against="", wanted=graph.order),
        keys=now,
        stored={},
        builders={**more, "one": engine},  # type: ignore[dict-item] -- what is not called is not there
        workers=tuple(Worker(name=name, slots=2) for name in (*more, "one")),
        records=records,
        listener=listener,
        clock=lambda: 1.0,
        interrupts=heard,
    )
    before = signal.getsignal(signal.SIGINT)
    try:
        return execute(job)
    finally:
        assert signal.getsignal(signal.SIGINT) is before


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("call", ["begun", "news", "built"])
def test_an_interrupt_while_something_is_told_ends_the_run(records: SqliteRecords, call: str) -> None:
    engine = Engine(slow=call == "begun")
    outcome = ran(records, engine, Listener(call, interrupt))
    assert outcome.interrupted
    assert engine.cancels == 1
    assert outcome.states[ImageName("top")] is State.SKIPPED
    assert State.RUNNING not in outcome.states.values()


def test_what_ended_before_the_interrupt_is_kept(records: SqliteRecords) -> None:
    outcome = ran(records, Engine(), Listener("built", interrupt))
    assert set(outcome.results) == {ImageName("base")}
    assert records.latest(ImageName("base")) is not None


def test_builds_are_cancelled_while_nobody_reads_what_is_told(records: SqliteRecords) -> None:
    """A listener that writes into a pipe which nobody empties does not hold them up; a second interrupt kills them."""
    engine = Engine(slow=True)

    def blocked() -> None:
        interrupt()
        assert engine.ended.wait(60)
        interrupt()
        assert engine.killed.wait(60)

    assert ran(records, engine, Listener("news", blocked)).interrupted
    assert engine.cancels == 2


def test_a_third_interrupt_waits_for_nothing(records: SqliteRecords) -> None:
    def thrice() -> None:
        for _ in range(3):
            interrupt()

    with pytest.raises(KeyboardInterrupt):
        ran(records, Engine(slow=True), Listener("news", thrice))


def test_nor_for_a_build_that_does_not_end(records: SqliteRecords) -> None:
    """As one that knocks at a builder which is gone, or waits for a registry."""

    class Deaf(Engine):
        def cancel(self) -> None:
            self.cancels += 1

    engine = Deaf(slow=True)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            ran(records, engine, Listener("news", lambda: [interrupt() for _ in range(3)]))
        assert time.monotonic() - began < 30
    finally:
        engine.ended.set()


def test_the_end_waits_for_no_builder_that_is_asked_whether_it_is_back(records: SqliteRecords) -> None:
    asked, forever = threading.Event(), threading.Event()

    class Gone(Engine):
        def build(self, request: BuildRequest, tell: Callable[[StepNews], None]) -> BuildResult:
            raise BuilderAway("gone")

        def answers(self) -> bool:
            asked.set()
            forever.wait(60)
            return False

    class Slow(Engine):
        def build(self, request: BuildRequest, tell: Callable[[StepNews], None]) -> BuildResult:
            assert asked.wait(60)
            return super().build(request, tell)

    began = time.monotonic()
    try:
        outcome = ran(records, Slow(), Listener("", interrupt), two=Gone())
        assert len(outcome.results) == 2
        assert time.monotonic() - began < 30
    finally:
        forever.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_requests_to_end_are_heard_too(records: SqliteRecords, number: signal.Signals) -> None:
    outcome = ran(records, Engine(slow=True), Listener("news", lambda: signal.raise_signal(number)))
    assert outcome.interrupted == number
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_builder_that_somebody_else_cancels_ends_the_run(records: SqliteRecords) -> None:
    """As the relay's time limit does, and nobody interrupts it: what stands on the image is not waited for."""
    engine = Engine(slow=True)
    outcome = ran(records, engine, Listener("news", engine.cancel))
    assert not outcome.interrupted
    assert set(outcome.states.values()) == {State.SKIPPED}


def test_who_ignores_interrupts_goes_on_to_ignore_them(records: SqliteRecords) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        outcome = ran(records, Engine(), Listener("begun", interrupt))
    finally:
        signal.signal(signal.SIGINT, before)
    assert not outcome.interrupted
    assert len(outcome.results) == 2


def test_a_thread_other_than_the_first_hears_of_none(records: SqliteRecords) -> None:
    """Only the first thread of a process may take signals; a run in another one is a run all the same."""
    found: list[Outcome] = []
    thread = threading.Thread(target=lambda: found.append(ran(records, Engine(), Listener("", interrupt))))
    thread.start()
    thread.join(60)
    assert len(found[0].results) == 2
