"""Tells which stages a target reaches, all that they read, and what BuildKit refuses of the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from planner.model.graph import Origin, Unresolved, Use
from planner.model.image import Span
from planner.sources.dockerfile.stages import SCRATCH, Resolve, Stage, Staged
from planner.sources.dockerfile.syntax import Copy, Instruction, Run

_INDEX = re.compile(r"[+-]?[0-9]{1,18}")


def index_of(name: str) -> int | None:
    """The index of a stage that a `COPY --from` gives as BuildKit reads it (strconv.Atoi), None where it is a name."""
    return int(name) if _INDEX.fullmatch(name) else None


def stages_read(stage: Stage, whole: Staged, resolve: Resolve) -> Iterator[int | Use]:
    """What the instructions of a stage read besides its base: stages by index, the rest as uses."""
    return _reads((*stage.instructions, *stage.only_read), whole, resolve)


def _reads(instructions: Iterable[Instruction], whole: Staged, resolve: Resolve) -> Iterator[int | Use]:
    for item in instructions:
        if isinstance(item, Copy) and item.from_:
            yield _read(item.from_, "COPY --from", item.from_span or item.span, whole, resolve, by_index=True)
        elif isinstance(item, Run):
            for mount in item.mounts:
                if mount.from_ and mount.from_ != SCRATCH:
                    yield _read(mount.from_, "RUN --mount", item.span, whole, resolve, by_index=False)


def _read(name: str, role: str, span: Span, whole: Staged, resolve: Resolve, *, by_index: bool) -> int | Use:
    found = whole.find(name)
    index = index_of(name) if by_index else None
    if index is not None:
        found = index if 0 <= index < len(whole.stages) else None
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
            elif read < index or whole.stages[read].replaced:
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


def refused(whole: Staged, reached: tuple[int, ...], resolve: Resolve) -> Iterator[tuple[Span, str]]:
    """Why BuildKit refuses a file for stages that are not built: it reads every FROM and every `--from`.

    What is wrong with a stage that is built has no origin, or is a mistake, and is told as that.
    """
    for stage in whole.stages:
        for reason in _wrong(stage, whole, resolve, is_built=stage.index in reached):
            yield stage.span, f"BuildKit refuses a stage that is not built: {reason}"


def _wrong(stage: Stage, whole: Staged, resolve: Resolve, *, is_built: bool) -> Iterator[str]:
    if stage.refused and (stage.replaced or not is_built):
        yield stage.refused
    if is_built and not stage.replaced:
        return
    for read in _reads(_all_of(stage), whole, resolve):
        if isinstance(read, int):
            if (read >= stage.index or stage.replaced) and _leads_to(read, stage.index, whole, resolve):
                yield "its stages read one another in a circle"
        elif isinstance(read.origin, Unresolved):
            yield read.origin.reason


def _leads_to(start: int, end: int, whole: Staged, resolve: Resolve) -> bool:
    """Whether a stage reads another one, by way of others too (`validateCircularDependency`)."""
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        index = waiting.pop()
        if index == end:
            return True
        if index not in seen:
            seen.add(index)
            stage = whole.stages[index]
            reads = (stage.base, *_reads(_all_of(stage), whole, resolve))
            waiting += [read for read in reads if isinstance(read, int)]
    return False


def _all_of(stage: Stage) -> tuple[Instruction, ...]:
    """BuildKit reads each `--from`, of a stage that a named context replaces too (`buildStageDependencyGraph`)."""
    return stage.passed_over or stage.instructions
