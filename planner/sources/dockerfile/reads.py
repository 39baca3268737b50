"""What a stage, a `--from` or a mount reads, named so that only what counts does: stages by place, pins not at all."""

from __future__ import annotations

from planner.model.graph import ExternalImage, LocalFiles, Origin, ParentImage, RemoteFiles, Use
from planner.model.selection import Selection
from planner.sources.dockerfile.reach import index_of
from planner.sources.dockerfile.stages import SCRATCH, Stage
from planner.sources.dockerfile.syntax import Copy, Run, Workdir
from planner.sources.dockerfile.walk import Walk


def stage_name(walk: Walk, index: int) -> str:
    """A stage by its place among those that count: neither its name, nor unreached stages, nor aliases matter."""
    index = original(walk, index)
    counted = [one for one in walk.reached if not is_alias(walk.whole.stages[one])]
    return f"stage {counted.index(index)}" if index in counted else f"stage {index}"


def original(walk: Walk, index: int) -> int:
    """The stage behind an alias."""
    while is_alias(stage := walk.whole.stages[index]) and isinstance(stage.base, int):
        index = stage.base
    return index


def started_from(walk: Walk, stage: Stage) -> tuple[Selection, ...]:
    """All files of the folder that a stage starts from, unless others only copy from it or mount it."""
    folder = folder_of(stage)
    stages = [walk.whole.stages[index] for index in walk.reached]
    bases = [one.base for one in stages if isinstance(one.base, int) and not is_alias(one)]
    goes_on = moves_files(stage) or stage.index in (original(walk, one) for one in (walk.whole.target, *bases))
    return (Selection(context=folder, sources=("/",), mount=True),) if folder is not None and goes_on else ()


def read_name(walk: Walk, name: str, *, by_index: bool) -> str:
    """What a `from` reads, named so that a pin of an image of the graph does not count."""
    found = found_stage(walk, name, by_index=by_index)
    if found is not None:
        return stage_name(walk, found)
    return SCRATCH if name == SCRATCH else origin_text(walk.origin_of(name))


def found_stage(walk: Walk, name: str, *, by_index: bool) -> int | None:
    index = index_of(name) if by_index else None
    found = index if index is not None else walk.whole.find(name)
    return found if found is not None and 0 <= found < len(walk.whole.stages) else None


def context_of(walk: Walk, name: str, *, by_index: bool) -> str | None:
    """The folder whose files a `from` reads: "" for the build context, None for a stage or an image.

    A stage that is a folder and goes on from there counts as a whole, by itwalk.
    """
    if not name:
        return ""
    found = found_stage(walk, name, by_index=by_index)
    if found is not None:
        stage = walk.whole.stages[original(walk, found)]
        return None if moves_files(stage) else folder_of(stage)
    origin = walk.origin_of(name)
    return origin.folder if name != SCRATCH and isinstance(origin, LocalFiles) else None


MOVING = (Copy, Run, Workdir)
"""The instructions that make a layer."""


def is_alias(stage: Stage) -> bool:
    """Whether a stage does nothing but give another one a name."""
    return isinstance(stage.base, int) and not stage.instructions


def moves_files(stage: Stage) -> bool:
    """Whether a stage has other files than what it starts from."""
    return any(isinstance(item, MOVING) for item in stage.instructions)


def folder_of(stage: Stage) -> str | None:
    """The folder that a stage starts from, None where it starts from something else."""
    origin = stage.base.origin if isinstance(stage.base, Use) else None
    return origin.folder if isinstance(origin, LocalFiles) else None


def origin_name(base: int | Use | None) -> str:
    return origin_text(base.origin) if isinstance(base, Use) else SCRATCH


def origin_text(origin: Origin) -> str:
    match origin:
        case ParentImage(name=name):
            return f"image {name}"
        case ExternalImage(reference=reference):
            return reference
        case LocalFiles():
            return "files of a named context"
        case RemoteFiles(url=url):
            return url
    return "unresolved"
