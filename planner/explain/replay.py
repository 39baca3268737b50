"""Turns a replay into text and Markdown for people and into its document for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from planner.explain.text import Palette, printable
from planner.model.frozen import dataclass
from planner.plan.labels import Agreement, Labelled
from planner.plan.replay import Rebuilt, Replayed
from planner.plan.simple_rules import Rule
from planner.plan.tally import Tally

SHORT = 10
MAX_NAMED = 6
"""Images named in one line; JSON has them all."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A replay with all that is told of it. `agreement` is empty without labels."""

    revisions: str
    graph: str
    commits: Sequence[Replayed]
    rules: Sequence[Rule]
    tally: Tally
    labelled: Labelled | None = None
    agreement: Sequence[Agreement] = ()


Row = tuple[str, ...]


def _table(head: Row, rows: Sequence[Row]) -> list[str]:
    """Columns as wide as they must be; all but the first are numbers and stand to the right."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines: list[str] = []
    for row in (head, *rows):
        cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([f"{row[0]:<{widths[0]}}", *cells]).rstrip())
    return lines


def _markdown_table(head: Row, rows: Sequence[Row]) -> list[str]:
    rule = ["---", *(["---:"] * (len(head) - 1))]
    lines = [head, tuple(rule), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _number(value: int) -> str:
    return f"{value:,}"


def _told(report: Report) -> str:
    count = report.tally
    unreadable = f", {_number(count.unreadable)} unreadable" if count.unreadable else ""
    commits = f"{_number(count.commits)} commit{'' if count.commits == 1 else 's'}{unreadable}"
    return (
        f"{commits}: {_number(count.rebuilding)} rebuild something, "
        f"{_number(count.rebuilds)} rebuilds of {_number(count.chances)} possible"
    )


def _tables(report: Report) -> Iterator[tuple[str, Row, list[Row]]]:
    """The tables that sum a replay up: a title, a head, rows."""
    rows: list[Row] = [
        (str(one.name), *map(_number, (one.rebuilds, one.own, one.commits))) for one in report.tally.images
    ]
    yield "rebuilds by image", ("image", "rebuilds", "own inputs", "commits"), rows
    if report.rules:
        compared: list[Row] = [
            (one.rule.value, *map(_number, (one.rebuilds, one.over, one.under))) for one in report.tally.rules
        ]
        keys: Row = ("keys", _number(report.tally.rebuilds), "0", "0")
        yield "simpler rules", ("rule", "rebuilds", "too many", "missed"), [keys, *compared]
    if report.labelled is not None:
        agreed = [_agreed(one) for one in report.agreement]
        sums = [sum(values) for values in zip(*(_counts(one) for one in report.agreement), strict=True)]
        head = ("image", "true", "false", "missed", "absent", "unrecorded")
        yield "against the recorded rebuilds", head, [*agreed, ("all", *map(_number, sums or [0] * 5))]


def _counts(one: Agreement) -> tuple[int, ...]:
    return (one.true, one.false, one.missed, one.absent, one.unrecorded)


def _agreed(one: Agreement) -> Row:
    return (one.image, *map(_number, _counts(one)))


def _named(images: Sequence[Rebuilt]) -> str:
    ordered = sorted(images, key=lambda image: not image.own)
    named = [f"{image.name}" if image.own else f"({image.name})" for image in ordered[:MAX_NAMED]]
    more = len(images) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def replay_text(report: Report, palette: Palette) -> str:
    """The commits that rebuild something or could not be read, then the sums. Images in brackets follow a parent."""
    lines: list[str] = []
    for one in report.commits:
        head = f"{palette.paint(one.commit.id[:SHORT], '33')}  {one.commit.date}"
        subject = printable(one.commit.subject[:50])
        if one.error:
            lines.append(f"{head}  {palette.paint('cannot be read', '31')}  {subject}")
            lines.append(f"            {printable(one.error.partition(chr(10))[0])}")
        elif one.rebuilt:
            lines.append(f"{head}  {len(one.rebuilt):>3} of {len(one.images):<3}  {_named(one.rebuilt)}")
            lines.append(f"            {palette.paint(subject, '2')}")
    for title, columns, rows in _tables(report):
        lines += ["", palette.paint(title, "1"), *_table(columns, rows)]
    return "\n".join([*lines, "", palette.paint(_told(report), "1")]).lstrip("\n")


def replay_markdown(report: Report) -> str:
    """The sums, then the commits that rebuild something or could not be read."""
    lines = [f"# Rebuilds of `{printable(report.revisions)}`", "", f"{_told(report)}."]
    for title, head, rows in _tables(report):
        lines += ["", f"## {title[0].upper()}{title[1:]}", "", *_markdown_table(head, rows)]
    rows = [
        (
            one.commit.id[:SHORT],
            one.commit.date,
            "cannot be read" if one.error else f"{len(one.rebuilt)} of {len(one.images)}",
            printable(one.error.partition("\n")[0]) if one.error else _named(one.rebuilt),
            printable(one.commit.subject),
        )
        for one in report.commits
        if one.error or one.rebuilt
    ]
    lines += ["", "## Commits", "", *_markdown_table(("commit", "date", "rebuilds", "images", "subject"), rows)]
    return "\n".join(lines)


def replay_json(report: Report) -> str:
    """The document, version 1: `planner/schemas/replay.json` describes it."""
    count = report.tally
    document = {
        "version": 1,
        "range": report.revisions,
        "graph": report.graph,
        "commits": [_commit(one, report) for one in report.commits],
        "summary": {
            "commits": count.commits,
            "unreadable": count.unreadable,
            "rebuilding": count.rebuilding,
            "rebuilds": count.rebuilds,
            "possible": count.chances,
        },
        "images": [
            {"name": one.name, "commits": one.commits, "rebuilds": one.rebuilds, "own": one.own} for one in count.images
        ],
        "rules": [
            {"rule": one.rule.value, "rebuilds": one.rebuilds, "over": one.over, "under": one.under}
            for one in count.rules
        ],
        "labels": [
            {
                "image": one.image,
                "true": one.true,
                "false": one.false,
                "missed": one.missed,
                "absent": one.absent,
                "unrecorded": one.unrecorded,
            }
            for one in report.agreement
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=True)


def _commit(one: Replayed, report: Report) -> dict[str, object]:
    recorded = None if report.labelled is None else report.labelled.of(one.commit.id)
    return {
        "commit": one.commit.id,
        "date": one.commit.date,
        "subject": one.commit.subject,
        "against": one.against or None,
        "error": one.error or None,
        "images": len(one.images),
        "rebuilds": [_rebuilt(image) for image in one.rebuilt],
        "unsure": list(one.unsure),
        "rules": {
            rule.value: {"over": sorted(found - one.names), "under": sorted(one.names - found)}
            for rule, found in one.by_rule.items()
        },
        "recorded": None if recorded is None else sorted(recorded),
    }


def _rebuilt(image: Rebuilt) -> dict[str, object]:
    reasons = [{"code": reason.code.value, "detail": reason.detail} for reason in image.reasons]
    return {"name": image.name, "own": image.own, "reasons": reasons}
