"""Sends what a plan or a build did as an OpenTelemetry trace, over OTLP and HTTP. Off unless `--trace` asks for it.

Spans hold names, keys, digests, reason codes and the first word of each step. What a build argument, an instruction,
a log or an error says never gets into one.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from planner import __version__
from planner.cli.outcome import ended
from planner.errors import PlannerError, UsageError
from planner.plan.rebuild import Plan, PlannedImage
from planner.schedule.outcome import Outcome
from planner.schedule.timeline import Timed, Timeline

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
BATCH = 512
NANO = 1_000_000_000
PARENT = "TRACEPARENT"
TAKEN: dict[str, str] = {}
"""What the environment said of traces."""
Value = str | bool | float | tuple[str, ...]
_STEP = re.compile(r"(\[[^\]\n]{1,100}\]) ?([A-Za-z]+)?")
_WORD = re.compile(r"[a-z]+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A span to send: its time in seconds since 1970, what it says, and the spans below it."""

    name: str
    start: float
    end: float
    says: Mapping[str, Value]
    failed: bool = False
    below: tuple[Part, ...] = field(default=())


def require() -> None:
    """Take what the environment says of traces out of it, for `send`: buildx would send whole command lines there.

    Raises UsageError where nobody said where traces go, PlannerError where OpenTelemetry is not installed.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        raise UsageError(f"--trace: {ENDPOINTS[1]} is not set\n  set it to a collector, such as http://localhost:4318")
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError as error:
        raise PlannerError("--trace needs OpenTelemetry: pip install 'image-family-planner[otel]'") from error
    for name in [name for name in os.environ if name.startswith("OTEL_") or name == PARENT]:
        TAKEN[name] = os.environ.pop(name)


def step_name(text: str) -> str:
    """The place of a step in its stage and its first word: `[base 2/4] RUN`. Its other words may hold secrets."""
    found = _STEP.match(text)
    if found:
        return " ".join(part for part in found.groups() if part)
    word = _WORD.match(text)
    return word[0] if word else "step"


def of_plan(plan: Plan, start: float, end: float) -> Part:
    """The spans of a plan: one for all of it, and one for each image, at its end, since all are planned together."""
    below = tuple(
        Part(name=f"plan {image.name}", start=end, end=end, says=_of_image(image, image.action.value))
        for image in plan.images
    )
    return Part(name="planner plan", start=start, end=end, says=_of_run(plan), below=below)


def of_build(plan: Plan, outcome: Outcome, timeline: Timeline | None, start: float, end: float) -> Part:
    """The spans of a build: one for all of it, one for each image, and one for each step of what was built."""
    times = timeline.images if timeline is not None else {}
    below: list[Part] = []
    for image in plan.images:
        word, _ = ended(image.name, image.action, image.stored, outcome)
        took = times.get(image.name)
        result = outcome.results.get(image.name)
        stored = result.image if result else image.stored
        says = _of_image(image, word) | ({"planner.digest": stored.digest} if stored else {})
        below.append(
            Part(
                name=f"build {image.name}",
                start=took.start if took else end,
                end=took.end if took else end,
                says=says,
                failed=word == "failed",
                below=tuple(_of_step(name, step) for name, step in took.steps.items()) if took else (),
            )
        )
    failed = bool(outcome.failures)
    return Part(name="planner build", start=start, end=end, says=_of_run(plan), failed=failed, below=tuple(below))


def _of_run(plan: Plan) -> dict[str, Value]:
    return {"planner.images": float(plan.total), "planner.to_build": float(len(plan.building))}


def _of_image(image: PlannedImage, word: str) -> dict[str, Value]:
    codes = tuple(dict.fromkeys(reason.code.value for reason in image.reasons))
    return {
        "planner.image": image.name,
        "planner.key": image.key,
        "planner.action": image.action.value,
        "planner.reasons": codes,
        "planner.outcome": word,
    }


def _of_step(name: str, step: Timed) -> Part:
    says: dict[str, Value] = {"planner.step": step_name(name), "planner.cached": step.cached}
    return Part(name=step_name(name), start=step.start, end=step.end, says=says, failed=step.failed)


def send(root: Part) -> str:
    """Send the spans where the environment says, a few requests in all; what went wrong, "" for nothing.

    A trace that does not arrive is no reason for a build to fail. TRACEPARENT makes it part of a trace that goes on.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    logging.getLogger("opentelemetry").propagate = False
    os.environ.update(TAKEN)
    spans = list(_spans(root))
    try:
        exporter = OTLPSpanExporter()
        for first in range(0, len(spans), BATCH):
            if exporter.export(spans[first : first + BATCH]) is not SpanExportResult.SUCCESS:
                return "the trace was not taken by where OTEL_EXPORTER_OTLP_ENDPOINT leads"
    except (OSError, ValueError) as error:
        return f"the trace could not be sent: {type(error).__name__}"
    return ""


def _spans(root: Part) -> Iterable[ReadableSpan]:
    """The parts as the SDK's spans, ended at their own times."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    kept = InMemorySpanExporter()
    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or "planner", "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    carrier = {"traceparent": os.environ.get(PARENT, "")}
    _add(provider.get_tracer("planner", __version__), root, TraceContextTextMapPropagator().extract(carrier))
    return kept.get_finished_spans()


def _add(tracer: Any, part: Part, context: Any) -> None:
    from opentelemetry.trace import StatusCode, set_span_in_context

    span = tracer.start_span(part.name, context, attributes=dict(part.says), start_time=int(part.start * NANO))
    if part.failed:
        span.set_status(StatusCode.ERROR)
    for below in part.below:
        _add(tracer, below, set_span_in_context(span))
    span.end(end_time=int(part.end * NANO))
