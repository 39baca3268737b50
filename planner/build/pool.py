"""Reads `--builder A,B=2` and finds the engine of each. Knows nothing of what is built."""

from __future__ import annotations

import atexit
import functools
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from planner.build.engine import Engine, find_engine
from planner.build.processes import Questions
from planner.errors import BuilderError, UsageError
from planner.model.build import Store

Found = TypeVar("Found")
MAX_BUILDERS = 64
_WEIGHT = re.compile(r"(?P<spec>.+)=(?P<weight>\d{1,3}(?:\.\d{1,3})?)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One builder of a pool. It takes `weight` times as many builds at once as one of weight 1."""

    engine: Engine
    weight: float = 1.0


def parse(text: str) -> list[tuple[str, float]]:
    """The builders of a command line with their weights; one of "" for no text. Raises UsageError."""
    found: list[tuple[str, float]] = []
    for part in text.split(","):
        match = _WEIGHT.fullmatch(part.strip())
        spec, weight = (match["spec"], float(match["weight"])) if match else (part.strip(), 1.0)
        if text and not spec:
            raise UsageError(f'--builder "{text}": a builder without a name')
        if not weight:
            raise UsageError(f'--builder "{part.strip()}": a weight is more than 0')
        if spec in dict(found):
            raise UsageError(f"--builder: {spec} is named twice; give it a weight: {spec}=2")
        found.append((spec, weight))
    if len(found) > MAX_BUILDERS:
        raise UsageError(f"--builder: {len(found)} builders, {MAX_BUILDERS} are allowed")
    return found


def find_pool(
    text: str,
    environment: Mapping[str, str],
    folder: Path,
    notes: Path | None = None,
    questions: Questions | None = None,
    *,
    push: bool,
    warn: Callable[[str], None],
) -> tuple[Member, ...]:
    """The engines that answer, of those that are named; `warn` is told of the others. For folders see `find_engine`.

    Raises BuilderError when none answers, UsageError for a text that cannot be read and for builders that could not
    read what the others build.
    """
    named = parse(text or environment.get("PLANNER_BUILDER", ""))
    if len(named) == 1:
        spec, weight = named[0]
        return (Member(engine=find_engine(spec, environment, folder, notes, questions), weight=weight),)
    looks = [
        _beside(functools.partial(find_engine, spec, environment, folder / f"b{n}", notes, questions))
        for n, (spec, _) in enumerate(named)
    ]
    found: list[Member] = []
    silent: list[BuilderError] = []
    for (_, weight), look in zip(named, looks, strict=True):
        try:
            found.append(Member(engine=look(), weight=weight))
        except BuilderError as error:
            silent.append(error)
    if not found:
        raise silent[0]
    for gone in silent:
        warn(f"{str(gone).partition(chr(10))[0]}: building without it")
    if not push and any(member.engine.store is Store.ENGINE for member in found):
        raise UsageError(
            "--builder: a Docker Engine keeps what it builds where no other builder can read it\n"
            "  name it alone, publish with --push, or name builders of other drivers: buildx:NAME"
        )
    return tuple(found)


def find_ahead(
    text: str, environment: Mapping[str, str], folder: Path, notes: Path, *, push: bool, warn: Callable[[str], None]
) -> Callable[[], tuple[Member, ...]]:
    """Begin `find_pool` beside whatever comes next; what is given waits for its end, and raises what it raises.

    Whoever is interrupted, here or elsewhere, leaves no question behind.
    """
    questions = Questions()
    atexit.register(questions.end)
    found = _beside(lambda: find_pool(text, environment, folder, notes, questions, push=push, warn=warn))

    def wait() -> tuple[Member, ...]:
        try:
            return found()
        finally:
            questions.end()
            atexit.unregister(questions.end)

    return wait


def _beside(work: Callable[[], Found]) -> Callable[[], Found]:
    """Begin something in a thread for which the end of the process does not wait, as it does for those of a pool."""
    future: Future[Found] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future.result
