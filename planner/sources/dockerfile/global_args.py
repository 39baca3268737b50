"""What a build is asked for, and the arguments in force before the first FROM: declared, given, predefined."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from planner.errors import Mistake
from planner.model.frozen import dataclass, field, replace
from planner.model.image import Span
from planner.model.names import Platform
from planner.sources.dockerfile.expand import Expansion, ExpansionError, expand
from planner.sources.dockerfile.lexer import never
from planner.sources.dockerfile.syntax import Arg, Instruction

BUILD_MARK = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}"
"""Stands in every value that only the building machine knows, such as BUILDARCH, and in all that is made of one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a build is asked for besides its Dockerfile, for one platform.

    `stage_contexts` holds the named contexts whose name is that of a stage: they take its place.
    """

    platform: Platform
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    network: str = ""
    secrets: frozenset[str] = frozenset()
    ssh: frozenset[str] = frozenset()
    labels: tuple[tuple[str, str], ...] = ()


def expand_marked(
    text: str, variables: Mapping[str, str], escape: str, may_be_set: Callable[[str], bool] = never
) -> Expansion:
    """Expand one word. Where a stand-in decides what becomes of it, its mark stays, whatever is cut away."""
    found = expand(text, variables, escape, may_be_set)
    if BUILD_MARK in found.value or not any(BUILD_MARK in variables.get(name, "") for name in found.decided):
        return found
    return replace(found, value=f"{found.value}{BUILD_MARK}")


def expanded(text: str, args: Mapping[str, str], escape: str, span: Span, mistakes: list[Mistake]) -> str:
    """A word of a FROM or of an ARG before the first one; as it is, with a mistake, where it cannot be expanded."""
    try:
        return expand_marked(text, args, escape).value
    except ExpansionError as error:
        mistakes.append(Mistake(file=span.file, line=span.line, column=span.column, what=str(error)))
        return text


def platform_args(settings: Settings, last: str) -> dict[str, str]:
    """The platform arguments that BuildKit predefines in the global scope (`defaultArgs`).

    Those of the building machine are stand-ins, so that a key is the same on every machine.
    """
    target = settings.platform
    values = {
        "TARGETPLATFORM": str(target),
        "TARGETOS": target.os,
        "TARGETOSVERSION": "",
        "TARGETARCH": target.architecture,
        "TARGETVARIANT": target.variant,
        "TARGETSTAGE": settings.target or last or "default",
    }
    for name in ("BUILDPLATFORM", "BUILDOS", "BUILDOSVERSION", "BUILDARCH", "BUILDVARIANT"):
        values[name] = f"{BUILD_MARK}{name}"
    return {name: settings.args.get(name, value) for name, value in values.items()}


def global_args(
    head: tuple[Instruction, ...], settings: Settings, last: str, escape: str, mistakes: list[Mistake]
) -> dict[str, str]:
    args = platform_args(settings, last)
    for item in head:
        if not isinstance(item, Arg):
            continue
        for name, default in item.pairs:
            value = settings.args.get(name)
            if value is None and default is not None:
                value = expanded(default, args, escape, item.span, mistakes)
            if value is not None:
                args[name] = value
    return args
