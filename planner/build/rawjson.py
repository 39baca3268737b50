"""Turns the lines that buildx prints with `--progress=rawjson` into news, steps with their times, and the failure.

The lines are BuildKit's `SolveStatus` (client/graph.go, v0.32.2), one JSON document each, mixed with the plain lines
of an error at the end. A vertex is told several times; the last word counts.
"""

from __future__ import annotations

import base64
import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from planner.build.transient import passing
from planner.build.untold import why_untold
from planner.model.build import StepTime
from planner.model.image import ImageName, Pairs
from planner.ports import BuildFailed, Passing, StepNews, StepState

TAIL = 20
"""Lines of output kept for the step that fails."""
LONGEST_LINE = 1 << 14
"""Characters of output after which a line is told, whether it has ended or not: progress bars may never end one."""
MAX_PLAIN = 200
CONNECTION = "[internal] waiting for connection"
"""The step of buildx that waits for its engine; it only fails where the engine does not answer."""
_STEP = re.compile(r"\[(?:[^\]]* )?\d+/\d+\] ")
_CACHE = re.compile(r"(?:\[[^\]]*\] )?(?:importing cache manifest|exporting cache)")
_SOURCE = re.compile(r"^(?P<file>.+):(?P<line>\d{1,9})$")
_ERROR = re.compile(r"^(?:ERROR|error): (?:failed to build: )?(?:failed to solve: )?(?P<text>.*)$")


@dataclass
class _Vertex:
    name: str
    started: str = ""
    completed: str = ""
    cached: bool = False
    error: str = ""
    told: set[StepState] = field(default_factory=set)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))
    unfinished: str = ""

    @property
    def counts(self) -> bool:
        """Whether people call it a step: `[2/4] RUN …`, not what BuildKit does around it."""
        return _STEP.match(self.name) is not None

    @property
    def is_cache(self) -> bool:
        """Whether it reads or writes a layer cache, without which a build succeeds just as well."""
        return _CACHE.match(self.name) is not None


class Reading:
    """Reads the output of one build, line by line."""

    def __init__(self, image: ImageName, untold: Pairs = ()) -> None:
        """`untold` are the stages over a base whose triggers are not known: see `planner.build.untold`."""
        self.image = image
        self.untold = untold
        self.forbidden: BuildFailed | None = None
        self.vertexes: dict[str, _Vertex] = {}
        self.plain: deque[str] = deque(maxlen=MAX_PLAIN)

    def line(self, line: str) -> Iterator[StepNews]:
        """The news in one line; a line that is no JSON is kept for the failure."""
        document = _document(line)
        if document is None:
            if line.strip():
                self.plain.append(line.rstrip())
            return
        for vertex in _list(document, "vertexes"):
            yield from self._vertex(vertex)
        for log in _list(document, "logs"):
            yield from self._log(log)

    def _vertex(self, told: dict[str, Any]) -> Iterator[StepNews]:
        key = str(told.get("digest", ""))
        name = _text(told.get("name", ""))
        if key not in self.vertexes and (why := why_untold(name, self.untold)):
            self.forbidden = self.forbidden or BuildFailed(step=name, message=why)
        vertex = self.vertexes.setdefault(key, _Vertex(name=name))
        vertex.started = str(told.get("started") or vertex.started)
        # BuildKit tells a vertex that is resolved and later run twice; a start without an end opens it again.
        vertex.completed = str(told.get("completed") or "")
        # What came from an imported cache is told once as cached, and once more while its layer is fetched.
        vertex.cached = vertex.cached or bool(told.get("cached", False))
        vertex.error = _text(told.get("error", ""))
        if vertex.completed:
            yield from self._last_words(vertex)
        if not vertex.counts:
            return
        state = _state(vertex)
        if state is not None and state not in vertex.told:
            vertex.told.add(state)
            yield self._news(vertex, state, vertex.error)

    def _log(self, told: dict[str, Any]) -> Iterator[StepNews]:
        vertex = self.vertexes.get(str(told.get("vertex", "")))
        if vertex is None:
            return
        try:
            text = base64.b64decode(str(told.get("data", ""))).decode("utf-8", "replace")
        except ValueError:
            return
        *lines, rest = (vertex.unfinished + text).split("\n")
        while len(rest) >= LONGEST_LINE:
            lines.append(rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        vertex.unfinished = rest
        for line in lines:
            yield self._said(vertex, line)

    def _said(self, vertex: _Vertex, line: str) -> StepNews:
        """A line of a step's output. Nothing is counted for it: there may be millions."""
        vertex.tail.append(line.rstrip("\r"))
        return StepNews(image=self.image, step=vertex.name, state=StepState.LOG, text=line.rstrip("\r"))

    def _last_words(self, vertex: _Vertex) -> Iterator[StepNews]:
        rest, vertex.unfinished = vertex.unfinished, ""
        if rest:
            yield self._said(vertex, rest)

    def last_words(self) -> Iterator[StepNews]:
        """Output without an end of line of steps whose own end was never told, or was told before it."""
        for vertex in self.vertexes.values():
            yield from self._last_words(vertex)

    def _news(self, vertex: _Vertex, state: StepState, text: str) -> StepNews:
        steps = [one for one in self.vertexes.values() if one.counts]
        done = sum(1 for one in steps if one.completed)
        return StepNews(image=self.image, step=vertex.name, state=state, text=text, done=done, total=len(steps))

    def steps(self) -> tuple[StepTime, ...]:
        """Every step with its time, in the order in which they began."""
        began = sorted((one for one in self.vertexes.values() if one.counts), key=lambda one: (one.started, one.name))
        return tuple(StepTime(name=one.name, seconds=_seconds(one), cached=one.cached) for one in began)

    def cache_troubles(self) -> Iterator[StepNews]:
        """The layer caches that could not be read or written. BuildKit goes on without them."""
        for vertex in self.vertexes.values():
            if vertex.is_cache and vertex.error and not _is_cancelled(vertex.error):
                yield self._news(vertex, StepState.WARNING, vertex.error)

    def failure(self, status: int) -> BuildFailed:
        """What went wrong in a build that ended with `status`."""
        wrong = [one for one in self.vertexes.values() if one.error and not _is_cancelled(one.error)]
        failed = next((one for one in sorted(wrong, key=lambda one: one.is_cache)), None)
        line = next((int(found["line"]) for text in self.plain if (found := _SOURCE.match(text))), 0)
        said = next((found["text"] for text in reversed(self.plain) if (found := _ERROR.match(text))), "")
        words = [said, failed.error if failed else ""]
        connected = not any(one.name == CONNECTION for one in wrong)
        cause = passing(words if any(words) else list(self.plain)[-TAIL:], connected=connected)
        if failed is None or not failed.counts:
            plain = said or "\n".join(list(self.plain)[-TAIL:]) or f"the engine ended with status {status}"
            message = failed.error if failed and not said else plain
            return BuildFailed(step="", message=message, line=line, passing=cause)
        return BuildFailed(step=failed.name, message=failed.error, tail=tuple(failed.tail), line=line, passing=cause)

    def stopped(self, message: str, passing: Passing | None = None) -> BuildFailed:
        """A build that was ended by us, with the step that it was in."""
        begun = [one for one in self.vertexes.values() if one.counts and one.started]
        ended = [one for one in begun if not one.completed or _is_cancelled(one.error)]
        if not ended:
            return BuildFailed(step="", message=message, passing=passing)
        last = max(ended, key=lambda one: one.started)
        return BuildFailed(step=last.name, message=message, tail=tuple(last.tail), passing=passing)


def _document(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _list(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = document.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _text(told: object) -> str:
    """A text of the engine's. JSON may name half of a surrogate pair, which no log, record or report could hold."""
    return str(told).encode("utf-8", "backslashreplace").decode()


def _state(vertex: _Vertex) -> StepState | None:
    if vertex.error:
        return None if _is_cancelled(vertex.error) else StepState.FAILED
    if vertex.completed:
        return StepState.CACHED if vertex.cached else StepState.DONE
    return StepState.STARTED if vertex.started else None


def _is_cancelled(error: str) -> bool:
    return "context canceled" in error


def _seconds(vertex: _Vertex) -> float:
    try:
        took = datetime.fromisoformat(vertex.completed) - datetime.fromisoformat(vertex.started)
    except (ValueError, TypeError, OverflowError):  # A time with a zone and one without have no difference.
        return 0.0
    return max(took.total_seconds(), 0.0)
