"""Turns a Dockerfile's instructions into stages and says which of them a target reaches, and through what.

Follows `buildDispatchStates`, `toCommand` and `allReachableStages` of BuildKit's dockerfile2llb (v0.32.2). Knows no
graph file: references that are no stage are answered by a `Resolve` function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from planner.errors import Mistake, one_of
from planner.model.frozen import dataclass, replace
from planner.model.graph import Origin, Unresolved, Use
from planner.model.image import Span
from planner.model.names import Reference
from planner.sources.dockerfile.epoch import in_force
from planner.sources.dockerfile.expand import ExpansionError
from planner.sources.dockerfile.global_args import BUILD_MARK, Settings, expand_marked, expanded, global_args
from planner.sources.dockerfile.instructions import parse_trigger
from planner.sources.dockerfile.platforms import read_platform, why_no_platform
from planner.sources.dockerfile.syntax import Dockerfile, From, Instruction, Onbuild

SCRATCH = "scratch"
Resolve = Callable[[str], Origin]
"""Answers a reference (after ARG expansion) that names no stage."""

Triggers = Callable[[Use], tuple[Instruction, ...]]
"""Answers the ONBUILD instructions that an image hands to the stages which start from it."""


def no_triggers(use: Use) -> tuple[Instruction, ...]:
    """For a first look at a family, before any image is known."""
    del use
    return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage: what it starts from and its instructions. `base` is a stage's index, None for scratch, or a use.

    A stage that is `replaced` by a named context is that alone: only triggers are left of its instructions, and
    `passed_over` has all that were written; what triggers would read, which do not run there, stands in `only_read`.
    `refused` is why BuildKit builds nothing of the file because of this FROM, whether the stage is built or not.
    """

    index: int
    name: str
    span: Span
    base: int | Use | None
    platform: str
    instructions: tuple[Instruction, ...]
    replaced: bool = False
    passed_over: tuple[Instruction, ...] = ()
    only_read: tuple[Instruction, ...] = ()
    refused: str = ""


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
    args = in_force(global_args(dockerfile.instructions[:first], settings, last, escape, mistakes))
    stages: list[Stage] = []
    for start, body in _bodies(dockerfile.instructions[first:]):
        stage = _stage(start, body, stages, args, escape, resolve, contexts, mistakes)
        if isinstance(stage.base, Use) and start.platform:
            platform = read_platform(start.platform, stage.platform, settings.platform)
            stage = replace(stage, base=replace(stage.base, platform=platform))
        first_run = _triggered(stage, stages, triggers)
        if stage.replaced:
            stages.append(replace(stage, only_read=first_run))
        else:
            stages.append(replace(stage, instructions=(*first_run, *stage.instructions)))
    target = _target(dockerfile, stages, settings, mistakes)
    return Staged(
        dockerfile=dockerfile, stages=tuple(stages), target=target, global_args=args, mistakes=tuple(mistakes)
    )


def _triggered(stage: Stage, before: list[Stage], triggers: Triggers) -> tuple[Instruction, ...]:
    if isinstance(stage.base, Use):
        return triggers(stage.base)
    above = before[stage.base].instructions if stage.base is not None else ()
    return tuple(parse_trigger(item.trigger, item.span) for item in above if isinstance(item, Onbuild))


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
    platform = expanded(head.platform, args, escape, head.span, mistakes) if head.platform else ""
    if head.stage and head.stage in contexts:
        use = Use(role="FROM", reference=head.stage, span=head.span, origin=resolve(head.stage))
        # BuildKit passes over what such a stage does, but for its triggers, which its children still run.
        triggers = tuple(item for item in body if isinstance(item, Onbuild))
        return Stage(
            index=len(before),
            name=head.stage,
            span=head.span,
            base=use,
            platform=platform,
            instructions=triggers,
            replaced=True,
            passed_over=body,
            refused=_refused(head, {}, args, escape),
        )
    return Stage(
        index=len(before),
        name=head.stage,
        span=head.span,
        base=_base(head, before, args, escape, resolve),
        platform=platform,
        instructions=body,
        refused=_refused(head, _names(before), args, escape),
    )


def _refused(head: From, names: Mapping[str, int], args: Mapping[str, str], escape: str) -> str:
    """Why BuildKit refuses a FROM, in a stage that it does not build too (buildDispatchStates, resolveBaseImage)."""
    try:
        name = expand_marked(head.image, args, escape).value
        platform = expand_marked(head.platform, args, escape).value
    except ExpansionError as error:
        return str(error)
    if not name:
        return "the base name is blank"
    if head.platform and BUILD_MARK not in platform and (why := why_no_platform(platform)):
        return why
    if name in names or name == SCRATCH or BUILD_MARK in name:
        return ""
    try:
        Reference.parse(name)
    except ValueError as error:
        return str(error)
    return ""


def _base(head: From, before: list[Stage], args: Mapping[str, str], escape: str, resolve: Resolve) -> int | Use | None:
    try:
        found = expand_marked(head.image, args, escape)
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
