"""Turns what a run did into text for people and its document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import PurePath

from planner.explain.text import Palette, place, printable
from planner.model.build import Stored
from planner.model.image import ImageName
from planner.plan.reasons import Code
from planner.plan.rebuild import Action, Plan
from planner.ports import BuildFailed
from planner.schedule.outcome import Failure, Outcome
from planner.schedule.states import State
from planner.schedule.workers import Retry


def short_digest(digest: str) -> str:
    """The beginning of a digest, enough to tell two apart by eye."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:12]}"


def failure_text(
    name: ImageName, failure: Failure, dockerfile: str, blocked: tuple[ImageName, ...], log: PurePath
) -> str:
    """A failed image: the step and its place, its last lines, where its log is, and what is blocked by it."""
    lines = [f"{name}: failed"]
    if isinstance(failure, BuildFailed):
        if failure.step:
            place = f"  ({printable(dockerfile)}:{failure.line})" if failure.line else ""
            lines.append(f"  {printable(failure.step)}{place}")
        lines.extend(f"    | {printable(line.expandtabs())}" for line in failure.tail)
        lines.extend(f"  {printable(line)}" for line in failure.message.splitlines())
        lines.append(f"  the whole log: {log}")
    else:
        lines.extend(f"  {printable(line)}" for line in str(failure).splitlines())
    if blocked:
        lines.append(f"  not built because of it: {', '.join(blocked)}")
    return "\n".join(lines)


def retry_text(name: ImageName, failure: Failure, retry: Retry) -> str:
    """A build that will be tried again, on one line."""
    first = printable(str(failure).partition("\n")[0])
    if not retry.number:
        return f"{name}: {printable(retry.worker)} went away, moved to another builder: {first}"
    return f"{name}: retry {retry.number} of {retry.of} in {retry.seconds:.0f} s: {first}"


def outcome_text(plan: Plan, outcome: Outcome, seconds: float, palette: Palette) -> str:
    """What was built, reused, failed and left, with digests."""
    width = max((len(image.name) for image in plan.images), default=0)
    lines: list[str] = []
    counts: dict[str, int] = {}
    for image in plan.images:
        word, note = ended(image.name, image.action, image.stored, outcome)
        counts[word] = counts.get(word, 0) + 1
        colour = {"built": "32", "reused": "2", "cut off": "36", "failed": "31"}.get(word, "33")
        lines.append(f"{palette.paint(f'{word:<7}', colour)}  {image.name:<{width}}  {note}".rstrip())
    told = ", ".join(f"{count} {word}" for word, count in counts.items()) or "nothing to build"
    lines += ["", palette.paint(f"{told} in {seconds:.1f} s", "1")]
    lines += _repeated(plan, outcome)
    if "skipped" in counts and outcome.failures:
        lines.append("nothing was started after the first failure; --keep-going builds all that can be built")
    return "\n".join(lines)


def _repeated(plan: Plan, outcome: Outcome) -> Iterator[str]:
    """Rebuilds that cannot change what triggers them: each run does them again, until somebody pins what they read."""
    for image in plan.images:
        unseen = [reason for reason in image.reasons if reason.code is Code.UNSURE and reason.where is not None]
        if unseen and image.name in outcome.unchanged:
            said = f"{place(unseen[0].where)}: {printable(unseen[0].detail)}" if unseen[0].where else ""
            yield f"{image.name} came out the same, and is built in every run: {said}"


def ended(name: ImageName, action: Action, stored: Stored | None, outcome: Outcome) -> tuple[str, str]:
    """How an image of a plan ended, in one word, and a note."""
    if action is Action.REUSE:
        return "reused", stored.digest if stored else ""
    result = outcome.results.get(name)
    if result is not None:
        same = "  the same bytes as before" if name in outcome.unchanged else ""
        return "built", f"{result.image.digest}  {result.seconds:.1f} s{same}"
    if name in outcome.by_another:
        return "reused", f"{outcome.by_another[name].digest}  built by another run meanwhile"
    if name in outcome.cut_off:
        return "cut off", f"{outcome.cut_off[name].digest}  its parents came out the same"
    state = outcome.states.get(name, State.SKIPPED)
    if state is State.FAILED:
        return "failed", ""
    if state is State.BLOCKED:
        return "blocked", f"by {outcome.blocked_by[name]}"
    return "skipped", ""


def outcome_json(plan: Plan, outcome: Outcome, seconds: float) -> str:
    """What a run did as its document, version 1."""
    images = []
    for image in plan.images:
        word, _ = ended(image.name, image.action, image.stored, outcome)
        result = outcome.results.get(image.name)
        stored = result.image if result else ({**outcome.cut_off, **outcome.by_another}.get(image.name, image.stored))
        failure = outcome.failures.get(image.name)
        images.append(
            {
                "name": image.name,
                "outcome": word.replace(" ", "-"),
                "reasons": [{"code": one.code.value, "detail": one.detail} for one in image.reasons],
                "key": image.key,
                "digest": stored.digest if stored else None,
                "store": stored.store.value if stored else None,
                "repository": (stored.repository or None) if stored else None,
                "seconds": round(result.seconds, 3) if result else None,
                "unchanged": image.name in outcome.unchanged if result else None,
                "steps": [
                    {"name": step.name, "seconds": round(step.seconds, 3), "cached": step.cached}
                    for step in (result.steps if result else ())
                ],
                "builder": outcome.built_on.get(image.name),
                "retries": [
                    {"builder": one.worker, "reason": one.reason, "seconds": round(one.seconds, 3)}
                    for one in outcome.retried.get(image.name, ())
                ],
                "blocked_by": outcome.blocked_by.get(image.name),
                "error": str(failure) if failure else None,
            }
        )
    return json.dumps({"version": 1, "seconds": round(seconds, 3), "images": images}, indent=2)


def note(message: str) -> None:
    """One line on standard error."""
    print(message, file=sys.stderr, flush=True)
