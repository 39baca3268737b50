"""Turns what an image was compared by, and what changed without counting for it, into text and a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from planner.digest.inputs import Input, InputKind, Manifest
from planner.digest.verdict import Ruling, Verdict
from planner.explain.text import Palette, place, printable
from planner.model.frozen import dataclass
from planner.model.image import ImageName
from planner.ports import MODE_FOLDER

MAX_SHOWN = 30
COUNTS = frozenset({Ruling.READ, Ruling.DOCKERFILE, Ruling.PARENT})
"""The rulings of paths that do count."""
NOUNS = {
    InputKind.PLATFORM: "platform",
    InputKind.FRONTEND: "frontend",
    InputKind.ARGUMENT: "argument",
    InputKind.LABEL: "label",
    InputKind.INSTRUCTION: "instruction",
    InputKind.FILES: "selection",
    InputKind.PARENT: "parent",
    InputKind.EXTERNAL: "external image",
}


@dataclass(frozen=True, kw_only=True)
class WhyNot:
    """Why an image is not rebuilt. `equal` counts the inputs that were compared, `passed_over` what does not count.

    `rebuilds` is set for an image that is rebuilt all the same, for other reasons than the paths passed over. With
    `asked`, `passed_over` are paths that somebody named, changed or not: some of them may count.
    """

    image: ImageName
    from_: str
    to: str
    rebuilds: bool
    equal: tuple[tuple[str, int], ...]
    files: int
    passed_over: tuple[tuple[str, Verdict], ...]
    asked: bool = False


def compared(
    manifests: Sequence[Manifest], listing: Callable[[Manifest, Input], dict[str, str]]
) -> tuple[Counter[str], int]:
    """How many inputs of each kind a key compares, and how many files they select."""
    counts = Counter(NOUNS[item.kind] for one in manifests for item in one.inputs if item.kind in NOUNS)
    listed = (entry for one in manifests for item in one.inputs for entry in listing(one, item).items())
    return counts, len({path for path, value in listed if not value.startswith(f"{MODE_FOLDER:o} ")})


def why_not_text(answer: WhyNot, palette: Palette) -> str:
    """The image, what was found equal, and each changed path with why it does not count."""
    name = palette.paint(answer.image, "1")
    span = f"{printable(answer.from_)} → {printable(answer.to)}"
    if answer.rebuilds:
        lines = [f"{name} is rebuilt, {span}: planner why {answer.image} says why"]
    else:
        lines = [f"{name} is not rebuilt, {span}", f"  equal: {_counted(answer)}"]
    counted = [(path, one) for path, one in answer.passed_over if one.ruling in COUNTS]
    others = [(path, one) for path, one in answer.passed_over if one.ruling not in COUNTS]
    heading = "does not count" if answer.rebuilds or answer.asked else "changed, and does not count"
    lines += [*_listed("counts", counted, palette), *_listed(heading, others, palette)]
    return "\n".join(lines)


def _listed(heading: str, judged: Sequence[tuple[str, Verdict]], palette: Palette) -> Iterator[str]:
    if judged:
        yield f"  {heading}:"
    for path, verdict in judged[:MAX_SHOWN]:
        at = f"  {palette.paint(f'({place(verdict.where)})', '2')}" if verdict.where else ""
        yield f"    {printable(path)}: {printable(verdict.sentence)}{at}"
    if len(judged) > MAX_SHOWN:
        yield f"    … and {len(judged) - MAX_SHOWN} more"


def _counted(answer: WhyNot) -> str:
    told = [f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in answer.equal]
    return f"{', '.join(told)}, {answer.files} file{'' if answer.files == 1 else 's'}"


def why_not_document(answer: WhyNot) -> dict[str, object]:
    """The answer as its document, version 1."""
    return {
        "version": 1,
        "image": answer.image,
        "from": answer.from_,
        "to": answer.to,
        "rebuilds": answer.rebuilds,
        "equal": dict(answer.equal),
        "files": answer.files,
        "passed_over": [
            {
                "path": path,
                "ruling": verdict.ruling.value,
                "detail": verdict.sentence,
                **({"file": verdict.where.file, "line": verdict.where.line} if verdict.where else {}),
            }
            for path, verdict in answer.passed_over
        ],
    }
