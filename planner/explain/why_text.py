"""Turns the answer to "why" into text for people and its document for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from planner.digest.inputs import Input
from planner.explain.chain import Cause, Why
from planner.explain.text import Palette, place, printable
from planner.plan.plan_file import reason_document
from planner.plan.reasons import Code, Reason
from planner.sources.stacks import called

MAX_REASONS = 20
"""Reasons shown for one image as text; JSON has them all."""
FILES = frozenset({Code.FILE_CHANGED, Code.FILE_ADDED, Code.FILE_REMOVED, Code.MODE_CHANGED})


def why_text(why: Why, palette: Palette, diffs: Mapping[str, str]) -> str:
    """The chain on one line, then every cause with what reads it; `diffs` holds the changes of files by path."""
    compared = f"{printable(why.from_)} → {printable(why.to)}"
    if not why.rebuilds:
        return f"{palette.paint(why.image, '1')} is not rebuilt, {compared}: planner why-not {why.image} says more"
    lines = [_chain(why, palette), ""]
    for cause in why.causes:
        lines.append(f"{palette.paint(cause.image, '1')}{_distance(cause, why)}")
        if cause.stack:
            lines.append(f"  {palette.paint(called(cause.stack), '2')}")
        shown = cause.reasons[:MAX_REASONS]
        for reason in shown:
            lines.append(f"  {_reason(reason, palette)}")
            lines.extend(f"    {line}" for line in diffs.get(reason.subject, "").splitlines())
        if len(cause.reasons) > MAX_REASONS:
            lines.append(f"  … and {len(cause.reasons) - MAX_REASONS} more")
    if why.uncached:
        lines += ["", f"{why.image} runs again from here, what stands before is cached:"]
        lines.extend(f"  {_step(step, palette)}" for step in why.uncached)
    lines += ["", f"{compared}, {len(why.chain)} hop{'' if len(why.chain) == 1 else 's'}"]
    return "\n".join(lines)


def _chain(why: Why, palette: Palette) -> str:
    nearest = why.causes[0]
    names = [why.image, *(link.parent for link in why.chain)]
    whole = " ← ".join(palette.paint(name, "1") for name in names)
    reason = nearest.reasons[0]
    reads = f", {_short(reason.instruction)}" if reason.instruction else ""
    at = f" at {place(reason.where)}" if reason.where else ""
    more = f" (and {len(nearest.reasons) - 1} more)" if len(nearest.reasons) > 1 else ""
    return f"{whole}: {printable(reason.detail)}{reads}{at}{more}"


def _distance(cause: Cause, why: Why) -> str:
    if cause.image == why.image:
        return ""
    return f"  {cause.hops} hop{'' if cause.hops == 1 else 's'} above"


def _reason(reason: Reason, palette: Palette) -> str:
    reads = f"  {_short(reason.instruction)}" if reason.instruction else ""
    at = f"  {palette.paint(f'({place(reason.where)})', '2')}" if reason.where else ""
    return f"{reason.code.replace('-', ' ')}: {printable(reason.detail)}{reads}{at}"


def _step(step: Input, palette: Palette) -> str:
    at = f"  {palette.paint(f'({place(step.where)})', '2')}" if step.where else ""
    return f"{_short(step.name)}{at}"


def _short(text: str, limit: int = 72) -> str:
    line = printable(text.partition("\n")[0])
    return line if len(line) <= limit else line[: limit - 1] + "…"


def why_document(why: Why, diffs: Mapping[str, str]) -> dict[str, object]:
    """The answer as its document, version 1."""
    return {
        "version": 1,
        "image": why.image,
        "from": why.from_,
        "to": why.to,
        "rebuilds": why.rebuilds,
        "hops": len(why.chain) if why.rebuilds else None,
        "chain": [
            {
                "image": link.child,
                "parent": link.parent,
                "role": link.use.role,
                "file": link.use.span.file,
                "line": link.use.span.line,
            }
            for link in why.chain
        ],
        "causes": [
            {
                "image": cause.image,
                "hops": cause.hops,
                "reasons": [reason_document(reason) for reason in cause.reasons],
                "stack": [{"file": span.file, "line": span.line} for span in cause.stack],
            }
            for cause in why.causes
        ],
        "uncached": [
            {"instruction": step.name, **({"file": step.where.file, "line": step.where.line} if step.where else {})}
            for step in why.uncached
        ],
        "diffs": dict(diffs),
    }


def answers_json(documents: Sequence[Mapping[str, object]]) -> str:
    """The answer for one image as it is; of several images, one document that holds them all."""
    if len(documents) == 1:
        return json.dumps(documents[0], indent=2)
    return json.dumps({"version": 1, "answers": list(documents)}, indent=2)
