"""Turns what a run did into files that a CI shows: Markdown for a job's summary, JUnit for its list of tests.

Everything that a Dockerfile or an engine said is hostile there: it stands as inert text.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from planner.cli import arguments as shared
from planner.cli.asides import warn
from planner.cli.outcome import ended
from planner.cli.output import write
from planner.errors import OutputError, UsageError
from planner.explain.markdown import code
from planner.explain.text import printable
from planner.plan.rebuild import Plan, PlannedImage
from planner.schedule.outcome import Outcome

if TYPE_CHECKING:
    from planner.explain.gantt import Bar
    from planner.schedule.timeline import Timeline

Listener = TypeVar("Listener")
GITHUB = "github"
MAX_BYTES = 900_000
"""GitHub shows summaries of up to 1 MiB a step, and of longer ones nothing (docs.github.com, Workflow commands, job
summaries); a chart follows."""
BAR = 24
_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """`--summary`, `--gantt`, `--junit` and `--trace`."""
    parser.add_argument("--summary", default="", metavar="FILE", help="a table in Markdown; github: the job's summary")
    parser.add_argument("--gantt", default="", metavar="FILE", help="when each image was built, as SVG")
    shared.trace(parser)
    parser.add_argument("--junit", default="", metavar="FILE", help="what was built and what failed, as JUnit")


def place_of_summary(options: argparse.Namespace) -> str:
    """The file that `--summary` means. Raises UsageError outside of GitHub Actions, and where no trace can be sent."""
    if options.trace:
        from planner.cli import tracing

        tracing.require()
    if options.summary != GITHUB:
        return str(options.summary)
    place = os.environ.get("GITHUB_STEP_SUMMARY", "")
    if not place:
        raise UsageError("--summary github: GITHUB_STEP_SUMMARY is not set\n  name a file outside of GitHub Actions")
    return place


def watched(options: argparse.Namespace, listener: Listener) -> Listener:
    """The listener of a run, which also notes times where a report wants them."""
    if not (options.summary or options.gantt or options.trace):
        return listener
    from planner.schedule.timeline import Timeline

    # What a clock is set to in the middle of a run would be told of an image as if it had taken that long.
    began = time.time() - time.monotonic()
    options.timeline = Timeline(listener, lambda: began + time.monotonic())
    return cast("Listener", options.timeline)


def report(options: argparse.Namespace, plan: Plan, outcome: Outcome, seconds: float) -> None:
    """Write and send what was asked for. Raises OutputError."""
    timeline: Timeline | None = getattr(options, "timeline", None)
    if timeline is not None:
        timeline.close()
    if options.trace:
        _trace(plan, outcome, timeline, seconds)
    if options.gantt:
        from planner.explain.gantt import gantt_svg

        write(gantt_svg(bars_of(outcome, timeline)), options.gantt)
    if options.junit:
        write(junit(plan, outcome, seconds), options.junit)
    if options.summary:
        from planner.explain.gantt import gantt_mermaid

        place = Path(place_of_summary(options))
        text = summary(plan, outcome, seconds)
        if chart := gantt_mermaid(bars_of(outcome, timeline)):
            text += f"\n\n{chart}"
        if options.summary != GITHUB:
            write(text, os.fspath(place))
            return
        try:
            with open(place, "a", encoding="utf-8") as stream:
                stream.write(f"{text}\n")
        except OSError as error:
            raise OutputError(f"{place}: cannot be written: {error.strerror}") from error


def _trace(plan: Plan, outcome: Outcome, timeline: Timeline | None, seconds: float) -> None:
    from planner.cli import tracing

    end = timeline.end if timeline is not None else time.time()
    if failed := tracing.send(tracing.of_build(plan, outcome, timeline, end - seconds, end)):
        warn(failed)


def bars_of(outcome: Outcome, timeline: Timeline | None) -> list[Bar]:
    """When each image that began was built, in the order in which they began."""
    from planner.explain.gantt import Bar

    found: list[Bar] = []
    for name, took in (timeline.images if timeline is not None else {}).items():
        word = "failed" if took.failed else "built" if name in outcome.results else "not built"
        found.append(Bar(name=name, start=took.start, end=took.end, ended=word))
    return found


def summary(plan: Plan, outcome: Outcome, seconds: float) -> str:
    """A table of images, how each ended, how long it took, and what it waited for or why it failed."""
    took = {name: result.seconds for name, result in outcome.results.items()}
    longest = max(took.values(), default=0.0) or 1.0
    lines = [f"**{len(took)} of {plan.total} images built in {seconds:.1f} s**", "", "| image | | seconds | |"]
    lines.append("| --- | --- | ---: | --- |")
    room = MAX_BYTES
    for place, image in enumerate(plan.images):
        line = _row(image, outcome, took.get(image.name), longest)
        room -= len(line.encode()) + 1
        if room < 0:
            lines += ["", f"… and {len(plan.images) - place} more"]
            break
        lines.append(line)
    return "\n".join(lines)


def _row(image: PlannedImage, outcome: Outcome, took: float | None, longest: float) -> str:
    word, _ = ended(image.name, image.action, image.stored, outcome)
    failure = outcome.failures.get(image.name)
    told = "█" * max(1, round(took / longest * BAR)) if took is not None else ""
    if failure is not None:
        told = code(str(failure).partition("\n")[0])
    elif image.name in outcome.blocked_by:
        told = f"by {code(outcome.blocked_by[image.name])}"
    return f"| {code(image.name)} | {word} | {'' if took is None else f'{took:.1f}'} | {told} |"


def junit(plan: Plan, outcome: Outcome, seconds: float) -> str:
    """A test case for each image of the plan: failed ones with what was said, others that were not built as skipped."""
    from xml.etree.ElementTree import Element, SubElement, tostring

    suite = Element("testsuite", name="planner build", time=f"{seconds:.3f}")
    counts = {"failures": 0, "skipped": 0}
    for image in plan.images:
        word, _ = ended(image.name, image.action, image.stored, outcome)
        result = outcome.results.get(image.name)
        case = SubElement(suite, "testcase", classname="images", name=_inert(image.name))
        case.set("time", f"{result.seconds:.3f}" if result else "0")
        failure = outcome.failures.get(image.name)
        if failure is not None:
            counts["failures"] += 1
            text = _inert(str(failure))
            SubElement(case, "failure", message=text.partition("\n")[0]).text = text
        elif result is None:
            counts["skipped"] += 1
            by = outcome.blocked_by.get(image.name)
            SubElement(case, "skipped", message=_inert(f"{word} by {by}" if by else word))
    suite.set("tests", str(len(plan.images)))
    for name, count in counts.items():
        suite.set(name, str(count))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suite, encoding="unicode")}'


def _inert(text: str) -> str:
    return "\n".join(printable(_XML.sub("", line)) for line in text.split("\n"))
