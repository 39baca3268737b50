"""`planner bake`: a Bake file with just what rebuilds, for a pipeline that builds with `docker buildx bake`."""

from __future__ import annotations

import argparse
import os
import posixpath
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from planner.build.bake_file import Baked, Places, Wishes, bake_file, linked, target_names
from planner.build.buildx import NO_IGNORE
from planner.build.context import Contexts
from planner.build.layout import Layout
from planner.cli import arguments as shared
from planner.cli.asides import warn
from planner.cli.family import folder_of, keys_now
from planner.cli.output import write
from planner.cli.parents import parents_of, refuse_beside_plan, saved_plan
from planner.cli.plan import against_records, plan_of, state_of
from planner.cli.recalled import with_steps
from planner.digest.key import Keys
from planner.errors import PlannerError, StateError
from planner.local.records import open_records
from planner.model.build import BuildRequest, FilesContext, Store, Stored
from planner.model.graph import LocalFiles, Node
from planner.model.image import Image, ImageName
from planner.model.names import Published, familiar
from planner.plan.baseline import Baseline, of_records
from planner.plan.rebuild import Plan
from planner.schedule.requests import context_id, request_of
from planner.sources.dockerfile_places import place_of
from planner.sources.dockerfiles import bytes_again

MAX_DIGITS = 9
EXAMPLE = "planner bake --since origin/main -o bake.json && docker buildx bake -f bake.json"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    shared.baseline(parser)
    parser.add_argument("--plan", metavar="FILE", help="the images of a saved plan; refused when its inputs changed")
    parser.add_argument("--level", type=_level, metavar="N", help="only images of this level of the graph")
    parser.add_argument("--materialise", metavar="DIR", help="write contexts of exactly the files that count below DIR")
    for option, what in (("--cache-from", "read"), ("--cache-to", "write")):
        parser.add_argument(
            option,
            action="append",
            default=[],
            metavar="ENTRY",
            help=f"a cache that each target may {what}: type=gha,scope={{image}}; {{kind}} is its kind",
        )
    shared.output(parser)


def _level(text: str) -> int:
    if not text.isdecimal() or len(text) > MAX_DIGITS:
        raise argparse.ArgumentTypeError("is a number from 0")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Print the Bake file."""
    refuse_beside_plan(options, "since", "all", "against")
    plan, keys = _plan(options)
    for warning in plan.warnings:
        warn(warning)
    registry = keys.made_by.loaded.family.registry
    if options.push and not registry:
        raise PlannerError("--push needs to know where to: give the definition a registry")
    if options.level is not None:
        kept = tuple(image for image in plan.images if image.level == options.level)
        plan = replace(plan, images=kept, total=len(kept))
    names = target_names(image.name for image in plan.building)
    stored = {**_parents(options, plan, keys), **{image: linked(name) for image, name in names.items()}}
    wishes = Wishes(push=options.push, cache_from=tuple(options.cache_from), cache_to=tuple(options.cache_to))
    layout = state_of(options).layout
    baked = [_baked(options, keys, image.name, stored) for image in plan.building]
    write(bake_file(baked, names, wishes, os.fspath(layout)), options.output)
    return 0


def _plan(options: argparse.Namespace) -> tuple[Plan, Keys]:
    if options.since or options.against:
        plan, keys = plan_of(options)
        return plan, with_steps(keys, [image.name for image in plan.building])
    keys = keys_now(options)
    return (saved_plan(options, keys) if options.plan else against_records(options, keys)), keys


def _parents(options: argparse.Namespace, plan: Plan, keys: Keys) -> Mapping[ImageName, Stored]:
    """Parents that are not built: what the records or the registry have of them."""
    building = {image.name for image in plan.building}
    if all(parent in building for image in plan.building for parent in image.parents):
        return {}
    from planner.cli.published import named_by_key

    published = named_by_key(options, keys, state_of(options))
    return parents_of(plan, keys, _records(options, keys), published, option="" if options.level is None else "--level")


def _records(options: argparse.Namespace, keys: Keys) -> Baseline:
    state = state_of(options)
    layout = Layout(state.layout)

    def holds(image: Stored) -> bool:
        if options.push and image.store is not Store.REGISTRY:
            return False
        return image.store is not Store.LAYOUT or layout.holds(image.digest)

    return of_records(keys.made_by.loaded.graph, keys, open_records(state.root), holds)


def _baked(options: argparse.Namespace, keys: Keys, name: ImageName, stored: Mapping[ImageName, Stored]) -> Baked:
    loaded = keys.made_by.loaded
    node = loaded.graph.nodes[name]
    request = request_of(keys, name, stored, registry=loaded.family.registry)
    if not request.tags:
        request = replace(request, tags=_tags(node.image))
    if options.materialise:
        return Baked(request=request, places=_materialised(options, keys, request), kind=node.kind.value)
    places = _own(keys, node, request)
    return Baked(request=request, places=places, kind=node.kind.value)


def _tags(image: Image) -> tuple[str, ...]:
    """The names of an image that no registry is told for: those that it declares."""
    declared = [Published.parse(text) for text in image.tags]
    return tuple(str(one.in_full) for one in declared if one.tag != "*")


def _own(keys: Keys, node: Node, request: BuildRequest) -> Places:
    """The repository's own folders, with the ignore files in them."""
    image = node.image
    if not image.inline and request.dockerfile != bytes_again(
        keys.made_by.loaded.dockerfiles, keys.made_by.tree, image
    ):
        what = f"{image.dockerfile}: a stage has the name of an image, in whose place Bake would put it"
        raise PlannerError(f"{what}\n  call the stage something else, or write what is built with --materialise DIR")
    folders = {familiar(use.reference): use.origin.folder for use in node.uses if isinstance(use.origin, LocalFiles)}
    contexts = {name: folders.get(name, ".") or "." for name, _ in request.contexts}
    contexts[""] = image.context
    place = image.dockerfile if image.inline else place_of(keys.made_by.tree, image.dockerfile) or image.dockerfile
    inline = request.dockerfile.decode() if image.inline else ""
    return Places(contexts=contexts, dockerfile=posixpath.relpath(place, image.context), inline=inline)


def _materialised(options: argparse.Namespace, keys: Keys, request: BuildRequest) -> Places:
    """Folders of exactly the files that the key counts, with git's modes and one time, as `planner build` has them."""
    root = Path(options.materialise)
    workspace = folder_of(options).absolute()
    writer = Contexts(root.absolute() / "contexts", keys.made_by.tree)
    named = [(name, context) for name, context in request.contexts if isinstance(context, FilesContext)]
    try:
        contexts = {
            name: _shown(writer.folder(context, context_id(context)), workspace)
            for name, context in [("", request.context), *named]
        }
        dockerfile = root.absolute() / "dockerfiles" / f"{request.key}.Dockerfile"
        dockerfile.parent.mkdir(parents=True, exist_ok=True)
        dockerfile.write_bytes(request.dockerfile)
        dockerfile.with_name(f"{dockerfile.name}.dockerignore").write_text(NO_IGNORE)
    except OSError as error:
        raise StateError(
            f"{error.filename or root}: {error.strerror}\n  --materialise names a folder to write to"
        ) from error
    return Places(contexts=contexts, dockerfile=os.path.relpath(dockerfile, workspace / contexts[""]))


def _shown(folder: Path, workspace: Path) -> str:
    """A folder as Bake is told it: relative to where it is started, where it is below that."""
    return os.fspath(folder.relative_to(workspace) if folder.is_relative_to(workspace) else folder)
