"""Turns one Dockerfile into what can be told about its image before any other image is known."""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.errors import DefinitionError
from planner.model.frozen import dataclass
from planner.model.graph import ExternalImage, Origin, Unresolved, Use
from planner.model.image import Span
from planner.model.names import Platform
from planner.sources.dockerfile.evaluation import evaluate
from planner.sources.dockerfile.global_args import Settings
from planner.sources.dockerfile.instructions import parse
from planner.sources.dockerfile.named_by import named_by
from planner.sources.dockerfile.reach import reachable
from planner.sources.dockerfile.stages import Staged, staged
from planner.sources.dockerfile.steps import Config
from planner.sources.dockerfile.syntax import Copy, Dockerfile, From, Instruction, Run
from planner.sources.doubts import ONBUILD

PLATFORM = Platform.parse("linux/amd64")
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9][A-Za-z0-9._/-]*)>")
_BASE = re.compile(r"\s*FROM\s+[^\s{<%@]", re.IGNORECASE)
_MARK = re.compile(r"\s*\S*[{<%@#]")
_WHOLE_ARGUMENT = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """One reference in a Dockerfile, its arguments at their defaults.

    `chosen_by` is the argument that is the image's whole name, where the rest of the reference is written out: builds
    are meant to choose it; `default` is what it is otherwise. `placeholder` is the word in `<…>` that is the default of
    argument `chosen_by`.
    """

    reference: str
    role: str
    span: Span
    chosen_by: str = ""
    default: str = ""
    placeholder: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A Dockerfile as it stands alone. `sources` are those of COPY, ADD and bind mounts of the build context."""

    dockerfile: Dockerfile
    reads: tuple[Read, ...]
    sources: tuple[tuple[str, Span], ...]


def look(data: bytes, path: str) -> Seen:
    """Read a Dockerfile. Raises DefinitionError where it is none."""
    dockerfile = parse(data, path)
    settings = Settings(platform=PLATFORM)
    whole = staged(dockerfile, settings, _outside, frozenset())
    if whole.mistakes:
        raise DefinitionError(whole.mistakes)
    reached, uses = reachable(whole, _outside)
    evaluation = evaluate(whole, reached, settings, lambda _: Config(), _outside)
    sources = [
        (source, step.span)
        for step in evaluation.steps
        for selection in step.selections
        if selection.context == "" and not selection.whole
        for source in selection.sources
    ]
    reads = [_read(use, whole) for use in uses]
    triggered = [read for item in evaluation.config.onbuild for read in _triggered(item)]
    return Seen(
        dockerfile=dockerfile,
        reads=tuple(dict.fromkeys([*reads, *triggered])),
        sources=tuple(dict.fromkeys(sources)),
    )


def is_meant(data: bytes, line: int) -> bool:
    """Whether a file with a mistake on this line is meant to be a Dockerfile: it has a base by then.

    A part of one has none, and a template has a mark of its language instead, or for an instruction.
    """
    lines = data.decode("utf-8", "replace").split("\n")[:line]
    return any(map(_BASE.match, lines)) and not _MARK.match(lines[-1])


def _outside(reference: str) -> Origin:
    return ExternalImage(reference=reference)


def _read(use: Use, whole: Staged) -> Read:
    written = _written(use, whole)
    chosen = ""
    known = isinstance(use.origin, Unresolved)
    if written and not known:
        names = named_by(written, whole.global_args, whole.dockerfile.directives.escape)
        bare = [name for name in names if "/" not in whole.global_args[name] and not _is_argument(written)]
        chosen = bare[0] if bare else ""
    argument = _is_argument(written)
    word = _PLACEHOLDER.fullmatch(use.reference)
    if argument and word:
        return Read(reference=use.reference, role=use.role, span=use.span, chosen_by=argument, placeholder=word[1])
    default = whole.global_args.get(chosen, "")
    return Read(reference=use.reference, role=use.role, span=use.span, chosen_by=chosen, default=default)


def _written(use: Use, whole: Staged) -> str:
    """What stands in the Dockerfile for a base; "" for what is no base."""
    heads = (item for item in whole.dockerfile.instructions if isinstance(item, From))
    return next((head.image for head in heads if use.role == "FROM" and head.image_span == use.span), "")


def _is_argument(written: str) -> str:
    """The argument that a text consists of; "" where there is more or less to it."""
    found = _WHOLE_ARGUMENT.fullmatch(written)
    return (found[1] or found[2]) if found else ""


def _triggered(item: Instruction) -> Iterator[Read]:
    """What an ONBUILD instruction lets the children read."""
    if isinstance(item, Copy) and item.from_:
        yield Read(reference=item.from_, role=ONBUILD, span=item.span)
    elif isinstance(item, Run):
        for mount in item.mounts:
            if mount.from_:
                yield Read(reference=mount.from_, role=ONBUILD, span=item.span)
