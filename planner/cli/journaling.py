"""Passes what happens in a run on to a display, and writes it into the journal of the state folder."""

from __future__ import annotations

import time
from collections.abc import Collection

from planner.cli.asides import warn
from planner.errors import PlannerError, UsageError
from planner.explain.text import printable
from planner.local.journal import Journal, PastRun
from planner.model.build import BuildResult, Stored
from planner.model.image import ImageName
from planner.ports import StepNews
from planner.schedule.listener import Listener
from planner.schedule.outcome import Failure
from planner.schedule.workers import Retry


class Journaling:
    """See Listener."""

    def __init__(self, listener: Listener, journal: Journal) -> None:
        self.listener = listener
        self.journal = journal

    def begun(self, name: ImageName, worker: str) -> None:
        """See Listener."""
        self.journal.write("started", image=name, builder=worker)
        self.listener.begun(name, worker)

    def retried(self, name: ImageName, failure: Failure, retry: Retry) -> None:
        """See Listener."""
        told = {"number": retry.number, "of": retry.of, "seconds": round(retry.seconds, 3)}
        self.journal.write("retry", image=name, builder=retry.worker, reason=str(failure), **told)
        self.listener.retried(name, failure, retry)

    def news(self, news: StepNews) -> None:
        """See Listener."""
        self.listener.news(news)

    def built(self, name: ImageName, result: BuildResult) -> None:
        """See Listener."""
        self.journal.write("built", image=name, digest=result.image.digest, seconds=round(result.seconds, 3))
        self.listener.built(name, result)

    def shared(self, name: ImageName, image: Stored) -> None:
        """See Listener."""
        self.journal.write("reused", image=name, digest=image.digest)
        self.listener.shared(name, image)

    def cut_off(self, name: ImageName, image: Stored) -> None:
        """See Listener."""
        self.journal.write("reused", image=name, digest=image.digest)
        self.listener.cut_off(name, image)

    def failed(self, name: ImageName, failure: Failure, blocked: tuple[ImageName, ...]) -> None:
        """See Listener."""
        self.journal.write("failed", image=name, reason=str(failure))
        self.listener.failed(name, failure, blocked)

    def tick(self) -> None:
        """See Listener."""
        self.listener.tick()


def tell_of_the_last(past: list[PastRun]) -> None:
    """Say that the last run was killed, how far it came, and what it was at."""
    if not past or past[-1].ended or not past[-1].unfinished:
        return
    last = past[-1]
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(last.at))
    at_work = f", and was building {printable(', '.join(last.broken_off[:8]))}" if last.broken_off else ""
    warn(f"the run of {when} broke off: it had finished {len(last.finished)} of {len(last.images)}{at_work}")


def taken_up(past: list[PastRun], images: list[str], there: Collection[str]) -> tuple[list[str], bool]:
    """What `--resume` builds: the images that the last run wanted and did not get, and whether whatever was built.

    Those that are no longer `there` are left out, and said. Raises PlannerError where nothing is left, UsageError where
    images are named too.
    """
    if images:
        raise UsageError("--resume builds what the last run did not get to: name no images")
    left = past[-1].unfinished if past else ()
    wanted = [name for name in left if name in there]
    if gone := [name for name in left if name not in there]:
        warn(f"left out, since the graph has them no more: {', '.join(gone)}")
    if not wanted:
        raise PlannerError("nothing to resume: the last run got to all that it wanted")
    return wanted, past[-1].everything
