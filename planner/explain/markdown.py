"""Turns a plan into Markdown for a comment on a pull request: a table of image, action and why.

Names, paths and instructions come from the pull request itself, so they are hostile: they stand in `<code>` with every
letter that Markdown, HTML or a forge could read anything into written as a character reference. Nobody is mentioned, no
link, image or issue reference appears, and no cell ends early.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from planner.explain.text import place, printable
from planner.plan.reasons import Reason
from planner.plan.rebuild import Action, Plan, PlannedImage

MAX_REASONS = 3
"""Reasons shown for one image."""
OPEN_ROWS = 20
"""A longer table is folded."""
MAX_LETTERS = 60_000
"""GitHub refuses a comment of more than 65,536."""
LONGEST = 300
"""Letters of one name or detail that are shown."""
WITHOUT_DOT = r"\g<1>&#46;"
ADDRESS = re.compile(r"(www)\.", re.IGNORECASE)
"""What forges make a link of, without any punctuation to take away."""


def plan_markdown(plan: Plan) -> str:
    """The images to build with their first reasons; then, folded, what is reused, and the warnings."""
    building = plan.building
    verb = "rebuilds" if len(building) == 1 else "rebuild"
    count = f"**{len(building)} of {plan.total} image{'' if plan.total == 1 else 's'} {verb}**"
    parts = [f"{count} against {code(plan.against)}"]
    if building:
        table = _table([_row(image) for image in building])
        parts.append(_folded(f"{len(building)} images to build", table) if len(building) > OPEN_ROWS else table)
    reused = [f"- {code(image.name)}" for image in plan.images if image.action is Action.REUSE]
    if reused:
        parts.append(_folded(f"{len(reused)} reused", _cut(reused)))
    if plan.warnings:
        parts.append(_folded(f"{len(plan.warnings)} to know", _cut([f"- {code(text)}" for text in plan.warnings])))
    return "\n\n".join(parts)


def _row(image: PlannedImage) -> str:
    told = [_reason(reason) for reason in image.reasons[:MAX_REASONS]]
    if len(image.reasons) > MAX_REASONS:
        told.append(f"… and {len(image.reasons) - MAX_REASONS} more")
    return f"| {code(image.name)} | {image.action.value} | {'<br>'.join(told)} |"


def _reason(reason: Reason) -> str:
    where = f" ({code(place(reason.where))})" if reason.where is not None else ""
    return f"{reason.code.value.replace('-', ' ')}: {code(reason.detail)}{where}"


def _table(rows: Sequence[str]) -> str:
    return "\n".join(["| image | action | why |", "| --- | --- | --- |", _cut(rows)])


def _cut(lines: Sequence[str]) -> str:
    """As many lines as a comment has room for (each of three lists gets a third), and how many are left out."""
    kept: list[str] = []
    room = MAX_LETTERS // 3
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return "\n".join([*kept, "", f"… and {len(lines) - len(kept)} more"])
        kept.append(line)
    return "\n".join(kept)


def _folded(title: str, body: str) -> str:
    """A body under a line that opens it; blank lines around it, or forges take it for HTML."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def code(text: str) -> str:
    """Untrusted text that Markdown, HTML and forges read nothing into."""
    shown = printable(text)
    if len(shown) > LONGEST:
        shown = shown[:LONGEST] + "…"
    written = "".join(map(_letter, shown))
    return f"<code>{ADDRESS.sub(WITHOUT_DOT, written)}</code>"


def _letter(letter: str) -> str:
    """Letters, digits, spaces, `. / - = ,` and what no Markdown knows stay; all other ASCII is a reference.

    A comment behind an @ parts it from the name: forges look for mentions in the text that the references stand for.
    """
    if letter == "@":
        return "&#64;<!-- -->"
    if letter.isalnum() or letter in " ./-=," or not letter.isascii():
        return letter
    return f"&#{ord(letter)};"
