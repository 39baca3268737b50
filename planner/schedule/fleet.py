"""Places the images of a run on builders, as a pure machine that is told the time: who builds what now, what is tried
again after a failure that may pass, and what happens to the work of a builder that went away.

A child goes to the builder that has its parents' layers, unless waiting for it costs more than bringing them elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from planner.model.image import ImageName
from planner.schedule.resources import EXCLUSIVE, Amounts, lacking
from planner.schedule.states import Run
from planner.schedule.workers import Backoff, Placement, Retry, Work, Worker

LOOK_AHEAD = 256
"""Images that wait for a builder of their choice, or for resources, past which no other one is looked at.

Those that need the same of builders of the same platforms count once, where no builder has it.
"""
REST = 5.0
"""Seconds after which a builder that went away is asked whether it is back; doubling up to `LONGEST_REST`."""
LONGEST_REST = 60.0


class _Seat:
    """A builder with what it builds now, and since when."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.running: dict[ImageName, float] = {}
        self.used: dict[str, float] = {}
        self.rest = 0.0
        self.ask_at = 0.0
        self.asked = False

    @property
    def free(self) -> int:
        return self.worker.slots - len(self.running)

    @property
    def away(self) -> bool:
        return self.rest > 0


class _Pass:
    """What one look at all waiting images has promised so far: queues, resources that are awaited, closed builders.

    `hopeless` are the needs that no builder can meet now.
    """

    def __init__(self) -> None:
        self.hopeless: set[tuple[object, ...]] = set()
        self.queued: dict[str, float] = {}
        self.awaited: dict[str, set[str]] = {}
        self.closed: set[str] = set()


class Fleet:
    """The builders of one run. Every image of `run` starts and ends through it."""

    def __init__(
        self,
        run: Run,
        workers: Sequence[Worker],
        work: Work | None = None,
        *,
        retries: int = 0,
        backoff: Backoff | None = None,
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        """`chance` draws numbers from 0 to 1. Each image must suit one of the workers at least."""
        self.run = run
        self.work = work or Work()
        self.retries = retries
        self.backoff = backoff or Backoff()
        self.chance = chance
        self.at: dict[ImageName, str] = {}
        self.tries: dict[ImageName, int] = {}
        self._seats = {worker.name: _Seat(worker) for worker in workers}
        self._homes = {name: set(found) for name, found in self.work.homes.items()}
        self._not_before: dict[ImageName, float] = {}
        self._left: dict[ImageName, set[str]] = {}
        self._reserved: dict[ImageName, str] = {}

    def place(self, now: float) -> list[Placement]:
        """Start what can start now, the preferred images first, and say where. `now` is in seconds and never falls.

        An image for which a resource is lacking is passed over by those that take nothing of it, so that large ones
        are not starved by small ones.
        """
        room = sum(max(seat.free, 0) for seat in self._seats.values())
        placed: list[Placement] = []
        look = _Pass()
        passed_over = 0
        # No more are looked at than can be placed, passed over, or wait for their time or for what others wait for.
        most = None if self.work.needs else room + LOOK_AHEAD + len(self._not_before) + 1
        for name in self.run.startable(most) if room else ():
            if self._not_before.get(name, 0.0) > now or (look.hopeless and self._alike(name) in look.hopeless):
                continue
            seat = self._choice(name, now, look)
            if seat is None:
                passed_over += 1
                if not any(self._can_start(name, seat, look) for seat in self._suited(name)):
                    look.hopeless.add(self._alike(name))
            else:
                self._start(name, seat, now)
                placed.append(Placement(image=name, worker=seat.worker.name))
                room -= 1
            if not room or passed_over > LOOK_AHEAD:
                break
        return placed

    def _alike(self, name: ImageName) -> tuple[object, ...]:
        """What decides where an image can start, whichever image it is."""
        return (*self.work.platforms.get(name, ()), None, *self.work.needs.get(name, {}).items())

    def _start(self, name: ImageName, seat: _Seat, now: float) -> None:
        self.run.start(name)
        self.at[name] = seat.worker.name
        self._reserved.pop(name, None)
        self._not_before.pop(name, None)
        seat.running[name] = now
        for resource, amount in self.work.needs.get(name, {}).items():
            seat.used[resource] = seat.used.get(resource, 0.0) + amount

    def _choice(self, name: ImageName, now: float, look: _Pass) -> _Seat | None:
        """The builder that an image starts on now; None where it waits, be it for a better one."""
        seats = self._suited(name)
        if not seats:
            return None
        if len(seats) == 1:
            best = seats[0]
        else:
            costs = [self._cost(name, seat, now, look) for seat in seats]
            best = seats[min(range(len(seats)), key=lambda index: (costs[index], index))]
        if self._can_start(name, best, look):
            return best
        taken = self.work.seconds.get(name, 0.0) / best.worker.slots
        look.queued[best.worker.name] = look.queued.get(best.worker.name, 0.0) + taken
        if need := self.work.needs.get(name):
            self._reserve(name, need, best, seats, look)
        return None

    def _reserve(self, name: ImageName, need: Amounts, best: _Seat, suited: list[_Seat], look: _Pass) -> None:
        """Keep later images from taking what this one waits for, on one builder that stays the same while it is there.

        Also while all its slots are taken: what takes the next one would keep this one waiting.
        """
        seat = self._seats[self._reserved.get(name, best.worker.name)]
        if seat not in suited:
            seat = best
        self._reserved[name] = seat.worker.name
        if need.get(EXCLUSIVE):
            look.closed.add(seat.worker.name)
        short = lacking(need, seat.worker.capacity, seat.used)
        look.awaited.setdefault(seat.worker.name, set()).update(short)

    def _suited(self, name: ImageName) -> list[_Seat]:
        """The builders that an image may go to: those that suit it best and are there.

        Where none is there, those that went away: a build there tells whether they are back, and is counted.
        """
        platforms = self.work.platforms.get(name, ())
        need = self.work.needs.get(name, {})
        ranked = [(seat.worker.rank(platforms), seat) for seat in self._seats.values()]
        able = [
            (rank, seat) for rank, seat in ranked if rank is not None and not lacking(need, seat.worker.capacity, {})
        ]
        here = [one for one in able if not one[1].away] or able
        best = min((rank for rank, _ in here), default=0)
        return [seat for rank, seat in here if rank == best]

    def _can_start(self, name: ImageName, seat: _Seat, look: _Pass) -> bool:
        if seat.free < 1 or seat.worker.name in look.closed or seat.used.get(EXCLUSIVE):
            return False
        need = self.work.needs.get(name)
        if not need:
            return True
        if need.get(EXCLUSIVE) and seat.running:
            return False
        awaited = look.awaited.get(seat.worker.name, set())
        return awaited.isdisjoint(need) and not lacking(need, seat.worker.capacity, seat.used)

    def _cost(self, name: ImageName, seat: _Seat, now: float, look: _Pass) -> tuple[float, float]:
        """Seconds until the build could really begin on a builder, and how full that is, to tell equals apart."""
        where = seat.worker.name
        wait = 0.0 if self._can_start(name, seat, look) else _until_free(seat, self.work.seconds, now)
        reads = self.work.reads.get(name, frozenset())
        fetch = sum(self.work.fetch.get(one, 0.0) for one in reads if where not in self._homes.get(one, ()))
        return wait + look.queued.get(where, 0.0) + fetch, len(seat.running) / seat.worker.slots

    def succeed(self, name: ImageName, *, built: bool = True) -> None:
        """An image is there. If it was built, its layers and those of its parents are where it was built."""
        seat = self._leave(name)
        if built:
            seat.rest = 0.0
            for one in (name, *self.work.reads.get(name, ())):
                self._homes.setdefault(one, set()).add(seat.worker.name)
        self.run.succeed(name)

    def fail(self, name: ImageName) -> None:
        """An image failed for good."""
        self._leave(name)
        self.run.fail(name)

    def abandon(self, name: ImageName) -> None:
        """A running image was ended because the whole run ends."""
        self._leave(name)
        self.run.abandon(name)

    def passing(self, name: ImageName, now: float, *, away: bool) -> Retry | None:
        """An image failed in a way that may pass. Gives what is done about it; None where it has failed for good.

        `away` says that the builder itself is gone. Its images move to others at once, each at most once off one
        builder; every other try is counted.
        """
        where = self.at[name]
        if away:
            self._lose(where, now)
        if self.run.stopped:
            self.fail(name)
            return None
        left = self._left.setdefault(name, set())
        if away and where not in left and any(not seat.away for seat in self._suited(name)):
            left.add(where)
            self._leave(name)
            self.run.again(name)
            return Retry(number=0, of=self.retries, seconds=0.0, worker=where)
        number = self.tries.get(name, 0) + 1
        if number > self.retries:
            self.fail(name)
            return None
        self.tries[name] = number
        seconds = self.backoff.pause(number, self.chance())
        self._not_before[name] = now + seconds
        self._leave(name)
        self.run.again(name)
        return Retry(number=number, of=self.retries, seconds=seconds, worker=where)

    def _lose(self, where: str, now: float) -> None:
        seat = self._seats[where]
        if not seat.away:
            seat.rest, seat.ask_at, seat.asked = REST, now + REST, False

    def to_ask(self, now: float) -> list[str]:
        """The builders that went away long enough ago to be asked whether they are back; each is named once."""
        found = [seat for seat in self._seats.values() if seat.away and not seat.asked and seat.ask_at <= now]
        for seat in found:
            seat.asked = True
        return [seat.worker.name for seat in found]

    def answered(self, where: str, there: bool, now: float) -> None:
        """A builder that went away was asked."""
        seat = self._seats[where]
        seat.asked = False
        seat.rest = 0.0 if there else min(seat.rest * 2 or REST, LONGEST_REST)
        seat.ask_at = now + seat.rest

    def _leave(self, name: ImageName) -> _Seat:
        seat = self._seats[self.at[name]]
        del seat.running[name]
        for resource, amount in self.work.needs.get(name, {}).items():
            seat.used[resource] -= amount
        return seat


def _until_free(seat: _Seat, seconds: Mapping[ImageName, float], now: float) -> float:
    """Seconds until something ends on a builder. What takes longer than it should is taken to run as long again."""
    left = [
        (end - now) if (end := since + seconds.get(name, 0.0)) > now else (now - since)
        for name, since in seat.running.items()
    ]
    return min(left, default=0.0)
