"""Turns a Dockerfile's instructions into stages and says which of them a target reaches, and through what.

Follows `buildDispatchStates`, `toCommand` and `allReachableStages` of BuildKit's dockerfile2llb (v0.32.2). Knows no
graph file: references that are no stage are answered by a `Resolve` function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from planner.errors import Mistake, one_of
from planner.model.graph import Origin, Unresolved, Use
from planner.model.image import Span
from planner.model.names import Platform
from planner.sources.dockerfile.expand import ExpansionError, expand
from planner.sources.dockerfile.instructions import parse_trigger
from planner.sources.dockerfile.syntax import Arg, Copy, Dockerfile, From, Instruction, Onbuild, Run

SCRATCH = "scratch"
BUILD_MARK = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}"
"""Opens the stand-in for a value that only the building machine knows, such as BUILDARCH."""

Resolve = Callable[[str], Origin]
"""Answers a reference (after ARG expansion) that names no stage."""

Triggers = Callable[[Origin], tuple[Instruction, ...]]
"""Answers the ONBUILD instructions that an image hands to the stages which start from it."""


def no_triggers(origin: Origin) -> tuple[Instruction, ...]:
    """For a first look at a family, before any image is known."""
    del origin
    return ()


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage: what it starts from and its instructions. `base` is a stage's index, None for scratch, or a use."""

    index: int
    name: str
    span: Span
    base: int | Use | None
    platform: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Staged:
    """A whole Dockerfile in stages for one set of settings; `global_args` is what FROM lines see."""

    dockerfile: Dockerfile
    stages: tuple[Stage, ...]
    target: int
    global_args: Mapping[str, str]
    mistakes: tuple[Mistake, ...] = ()

    def find(self, name: str) -> int | None:
        """The stage of this name (the last one of several, as BuildKit), or None."""
        return _names(self.stages).get(name.lower())


def staged(
    dockerfile: Dockerfile,
    settings: Settings,
    resolve: Resolve,
    contexts: frozenset[str],
    triggers: Triggers = no_triggers,
) -> Staged:
    """Split into stages, ONBUILD instructions of what each starts from put first (`initOnBuildTriggers`).

    `contexts` names the named contexts (lower case) that may take a stage's place.
    """
    escape = dockerfile.directives.escape
    first = next((n for n, item in enumerate(dockerfile.instructions) if isinstance(item, From)), 0)
    mistakes: list[Mistake] = []
    last = next((item.stage for item in reversed(dockerfile.instructions) if isinstance(item, From)), "")
    args = _global_args(dockerfile.instructions[:first], settings, last, escape, mistakes)
    stages: list[Stage] = []
    for start, body in _bodies(dockerfile.instructions[first:]):
        stage = _stage(start, body, stages, args, escape, resolve, contexts, mistakes)
        first_run = _triggered(stage, stages, triggers, escape)
        stages.append(replace(stage, instructions=(*first_run, *stage.instructions)))
    target = _target(dockerfile, stages, settings, mistakes)
    return Staged(
        dockerfile=dockerfile, stages=tuple(stages), target=target, global_args=args, mistakes=tuple(mistakes)
    )


def _triggered(stage: Stage, before: list[Stage], triggers: Triggers, escape: str) -> tuple[Instruction, ...]:
    if isinstance(stage.base, Use):
        return triggers(stage.base.origin)
    above = before[stage.base].instructions if stage.base is not None else ()
    return tuple(parse_trigger(item.trigger, escape, item.span) for item in above if isinstance(item, Onbuild))


def _bodies(instructions: tuple[Instruction, ...]) -> Iterator[tuple[From, tuple[Instruction, ...]]]:
    starts = [n for n, item in enumerate(instructions) if isinstance(item, From)]
    for start, end in zip(starts, [*starts[1:], len(instructions)], strict=True):
        head = instructions[start]
        assert isinstance(head, From)  # noqa: S101 -- `starts` holds nothing else; tells mypy
        yield head, instructions[start + 1 : end]


def _stage(
    head: From,
    body: tuple[Instruction, ...],
    before: list[Stage],
    args: Mapping[str, str],
    escape: str,
    resolve: Resolve,
    contexts: frozenset[str],
    mistakes: list[Mistake],
) -> Stage:
    platform = _expanded(head.platform, args, escape, head.span, mistakes) if head.platform else ""
    if head.stage and head.stage in contexts:
        use = Use(role="FROM", reference=head.stage, span=head.span, origin=resolve(head.stage))
        # BuildKit passes over what such a stage does, but for its triggers, which its children still run.
        body = tuple(item for item in body if isinstance(item, Onbuild))
        return Stage(index=len(before), name=head.stage, span=head.span, base=use, platform=platform, instructions=body)
    return Stage(
        index=len(before),
        name=head.stage,
        span=head.span,
        base=_base(head, before, args, escape, resolve),
        platform=platform,
        instructions=body,
    )


def _base(head: From, before: list[Stage], args: Mapping[str, str], escape: str, resolve: Resolve) -> int | Use | None:
    try:
        found = expand(head.image, args, escape)
    except ExpansionError as error:
        return _unresolved(head, head.image, str(error))
    if found.unknown:
        names = ", ".join(sorted(found.unknown))
        return _unresolved(
            head,
            head.image,
            f"ARG {names} has no value",
            f"give {names} a default before the first FROM, or a value under args:",
        )
    if not found.value:
        return _unresolved(head, head.image, "the base name is blank")
    if BUILD_MARK in found.value:
        return _unresolved(
            head,
            head.image,
            "the base depends on the machine that builds",
            "give the BUILD… argument a value",
        )
    if found.value in _names(before):
        return _names(before)[found.value]
    if found.value == SCRATCH:
        return None
    return Use(role="FROM", reference=found.value, span=head.image_span, origin=resolve(found.value))


def _unresolved(head: From, text: str, reason: str, hint: str = "") -> Use:
    return Use(role="FROM", reference=text, span=head.image_span, origin=Unresolved(reason=reason, hint=hint))


def _names(stages: tuple[Stage, ...] | list[Stage]) -> dict[str, int]:
    return {stage.name: stage.index for stage in stages if stage.name}


def _target(dockerfile: Dockerfile, stages: list[Stage], settings: Settings, mistakes: list[Mistake]) -> int:
    if not settings.target:
        return len(stages) - 1
    names = _names(stages)
    found = names.get(settings.target.lower())
    if found is None and settings.target.isdecimal() and int(settings.target) < len(stages):
        found = int(settings.target)
    if found is None:
        mistakes.append(
            Mistake(
                file=dockerfile.file,
                what=f'no stage is named "{settings.target}"',
                hint=one_of(settings.target, list(names)) or f"stages here: {', '.join(names) or 'none named'}",
            )
        )
        return len(stages) - 1
    return found


def _expanded(text: str, args: Mapping[str, str], escape: str, span: Span, mistakes: list[Mistake]) -> str:
    try:
        return expand(text, args, escape).value
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


def _global_args(
    head: tuple[Instruction, ...], settings: Settings, last: str, escape: str, mistakes: list[Mistake]
) -> dict[str, str]:
    args = platform_args(settings, last)
    for item in head:
        if not isinstance(item, Arg):
            continue
        for name, default in item.pairs:
            value = settings.args.get(name)
            if value is None and default is not None:
                value = _expanded(default, args, escape, item.span, mistakes)
            if value is not None:
                args[name] = value
    return args


def stages_read(stage: Stage, whole: Staged, resolve: Resolve) -> Iterator[int | Use]:
    """What the instructions of a stage read besides its base: stages by index, the rest as uses."""
    for item in stage.instructions:
        if isinstance(item, Copy) and item.from_:
            yield _read(item.from_, "COPY --from", item.from_span or item.span, whole, resolve, by_index=True)
        elif isinstance(item, Run):
            for mount in item.mounts:
                if mount.from_ and mount.from_ != SCRATCH:
                    yield _read(mount.from_, "RUN --mount", item.span, whole, resolve, by_index=False)


def _read(name: str, role: str, span: Span, whole: Staged, resolve: Resolve, *, by_index: bool) -> int | Use:
    found = whole.find(name)
    if by_index and name.isdecimal():
        found = int(name) if int(name) < len(whole.stages) else None
        if found is None:
            origin: Origin = Unresolved(reason=f"there is no stage {name}")
            return Use(role=role, reference=name, span=span, origin=origin)
    if found is not None:
        return found
    if "$" in name:
        origin = Unresolved(
            reason=f"BuildKit expands no variable in {role}",
            hint="name a stage with FROM … AS, using a global ARG, and copy from that stage",
        )
        return Use(role=role, reference=name, span=span, origin=origin)
    return Use(role=role, reference=name, span=span, origin=resolve(name))


def reachable(whole: Staged, resolve: Resolve) -> tuple[tuple[int, ...], tuple[Use, ...]]:
    """The stages that the target reaches, in order of the file, and every use in them."""
    seen: set[int] = set()
    uses: list[Use] = []
    waiting = [whole.target]
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        stage = whole.stages[index]
        reads = stages_read(stage, whole, resolve)
        for read in ([] if stage.base is None else [stage.base]) + list(reads):
            if isinstance(read, Use):
                uses.append(read)
            elif read < index:
                waiting.append(read)
            else:
                uses.append(_too_early(stage, whole.stages[read]))
    uses.sort(key=lambda use: (use.span.line, use.span.column))
    return tuple(sorted(seen)), tuple(uses)


def _too_early(stage: Stage, later: Stage) -> Use:
    name = later.name or str(later.index)
    origin = Unresolved(
        reason=f'stage "{name}" is defined on line {later.span.line}, after it is read',
        hint="move the stage that is read above the one that reads it",
    )
    return Use(role="COPY --from", reference=name, span=stage.span, origin=origin)
