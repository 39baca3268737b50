"""Several builders under one run, on a simulated clock: random families, builders, failures and losses of builders."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.model.image import ImageName
from planner.schedule.fleet import Fleet
from planner.schedule.states import Run, State
from planner.schedule.workers import Backoff, Work, Worker
from tests.schedule.test_states import Graph, graphs

AMD, ARM = "linux/amd64", "linux/arm64"
CPU = 4.0
STEP = 1.0


@st.composite
def fleets(draw: st.DrawFn) -> list[Worker]:
    """One to four builders, of which the first takes every platform."""
    count = draw(st.integers(1, 4))
    found = [Worker(name="b0", slots=draw(st.integers(1, 3)), native=frozenset({AMD, ARM}), capacity={"cpu": CPU})]
    for number in range(1, count):
        native = draw(st.sampled_from([AMD, ARM]))
        emulated = frozenset({AMD, ARM} - {native}) if draw(st.booleans()) else frozenset()
        slots = draw(st.integers(1, 3))
        found.append(
            Worker(
                name=f"b{number}",
                slots=slots,
                native=frozenset({native}),
                emulated=emulated,
                capacity={"cpu": draw(st.sampled_from([1.0, CPU]))},
            )
        )
    return found


def work_of(graph: Graph, data: st.DataObject) -> Work:
    return Work(
        seconds={name: data.draw(st.floats(0.5, 50)) for name in graph},
        fetch={name: data.draw(st.floats(0, 20)) for name in graph},
        reads=graph,
        needs={name: {"cpu": data.draw(st.sampled_from([1.0, 2.0, CPU]))} for name in graph},
        platforms={name: data.draw(st.sampled_from([(AMD,), (ARM,), (AMD, ARM)])) for name in graph},
    )


@dataclass
class Simulation:
    """A world with a clock: builders that go and come back, builds that end, or fail and may pass."""

    run: Run
    fleet: Fleet
    workers: list[Worker]
    work: Work
    data: st.DataObject
    failing: float = 0.0
    losses: list[tuple[float, str, float]] = field(default_factory=list)
    clock: float = 0.0
    built: Counter[ImageName] = field(default_factory=Counter)
    tried: Counter[ImageName] = field(default_factory=Counter)
    started_on: dict[ImageName, str] = field(default_factory=dict)

    def down(self, worker: str, at: float) -> bool:
        return any(name == worker and begin <= at < end for begin, name, end in self.losses)

    def check(self) -> None:
        """No builder is asked for more than it has, and none for a platform that it has not."""
        there = {worker.name: worker for worker in self.workers}
        on: dict[str, list[ImageName]] = {}
        for name in self.run.running:
            on.setdefault(self.fleet.at[name], []).append(name)
        for where, names in on.items():
            assert len(names) <= there[where].slots
            assert sum(self.work.needs[name]["cpu"] for name in names) <= there[where].capacity["cpu"]
            assert all(there[where].rank(self.work.platforms[name]) is not None for name in names)

    def play(self) -> None:
        """To the end, or fail when nothing happens for long."""
        ends: list[tuple[float, int, ImageName, str, str]] = []
        turn = 0
        while not self.run.over:
            for placed in self.fleet.place(self.clock):
                name = placed.image
                assert all(self.run.states[parent] is State.DONE for parent in self.run.parents[name])
                self.tried[name] += 1
                self.started_on[name] = placed.worker
                turn += 1
                heapq.heappush(ends, self._end(name, placed.worker, turn))
            self.check()
            for worker in self.fleet.to_ask(self.clock):
                self.fleet.answered(worker, not self.down(worker, self.clock), self.clock)
            if not ends or ends[0][0] > self.clock + STEP:
                self.clock += STEP if not ends else min(1.0, ends[0][0] - self.clock)
                assert self.clock < 20_000, "the run does not end"
                continue
            self.clock, _, name, worker, how = heapq.heappop(ends)
            if how == "built":
                self.built[name] += 1
                self.fleet.succeed(name)
            else:
                self.fleet.passing(name, self.clock, away=how == "away")
            self.check()

    def _end(self, name: ImageName, worker: str, turn: int) -> tuple[float, int, ImageName, str, str]:
        end = self.clock + self.work.seconds[name]
        lost = [max(begin, self.clock) for begin, where, till in self.losses if where == worker and till > self.clock]
        if lost and min(lost) <= end:
            return min(lost) + 0.01, turn, name, worker, "away"
        fails = self.failing and self.data.draw(st.floats(0, 1)) < self.failing
        return end, turn, name, worker, "network" if fails else "built"


def simulation(graph: Graph, workers: list[Worker], data: st.DataObject, retries: int, keep_going: bool) -> Simulation:
    work = work_of(graph, data)
    run = Run(list(graph), graph, keep_going=keep_going)
    fleet = Fleet(run, workers, work, retries=retries, backoff=Backoff(first=1.0, longest=4.0))
    return Simulation(run, fleet, workers, work, data)


@settings(deadline=None, max_examples=50)
@given(graphs(), fleets(), st.data())
def test_every_image_is_built_once_by_a_builder_that_has_room(
    graph: Graph, workers: list[Worker], data: st.DataObject
) -> None:
    world = simulation(graph, workers, data, 0, False)
    world.play()
    assert world.built == dict.fromkeys(graph, 1)
    assert set(world.run.states.values()) == {State.DONE}
    natives = {worker.name: worker.native for worker in workers}
    for name, where in world.started_on.items():
        assert set(world.work.platforms[name]) <= natives[where], "a native builder is there for every image"


@settings(deadline=None, max_examples=50)
@given(graphs(), fleets(), st.data())
def test_what_a_builder_that_dies_had_is_moved_and_nothing_is_lost(
    graph: Graph, workers: list[Worker], data: st.DataObject
) -> None:
    """All builders but the first die for good, at any time; not one retry is needed for that."""
    world = simulation(graph, workers, data, 0, False)
    world.losses = [(data.draw(st.floats(0, 60)), worker.name, 1e9) for worker in workers[1:]]
    world.play()
    assert world.built == dict.fromkeys(graph, 1)
    assert set(world.run.states.values()) == {State.DONE}
    for name, tries in world.tried.items():
        assert tries <= len(workers), f"{name} moves once off each builder at most"


@settings(deadline=None, max_examples=50)
@given(graphs(), fleets(), st.integers(0, 3), st.booleans(), st.data())
def test_tries_are_bounded_whatever_fails(
    graph: Graph, workers: list[Worker], retries: int, keep_going: bool, data: st.DataObject
) -> None:
    world = simulation(graph, workers, data, retries, keep_going)
    world.failing = data.draw(st.sampled_from([0.0, 0.3, 1.0]))
    world.losses = [
        (begin, worker.name, begin + data.draw(st.floats(1, 100)))
        for worker in workers
        if data.draw(st.booleans())
        for begin in [data.draw(st.floats(0, 60))]
    ]
    world.play()
    for name, state in world.run.states.items():
        assert state in (State.DONE, State.FAILED, State.BLOCKED, State.SKIPPED)
        assert world.built[name] == (1 if state is State.DONE else 0)
        assert world.tried[name] <= 1 + retries + len(workers)
        if state is State.FAILED and keep_going:
            assert world.tried[name] > retries
