"""What the planner says of a case: its key, whether it is unsure, or why it refuses; and the files it would send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from planner.build.context import Contexts
from planner.digest.key import Keys, keys_of
from planner.errors import PlannerError
from planner.local.disk_tree import DiskTree
from planner.model.build import FilesContext, Store, Stored
from planner.model.image import Family, Image, ImageName, Span
from planner.model.lock import Lock
from planner.schedule.requests import context_id, request_of
from planner.sources.load import load
from tests.oracle.bases import locked
from tests.oracle.case import CONTEXT, Case

NAME = ImageName("image")


LOCK = locked()


@dataclass(frozen=True)
class Ours:
    """`key` is empty where the planner refuses; `unsure` are reasons for building always."""

    key: str = ""
    refused: str = ""
    unsure: tuple[str, ...] = ()
    keys: Keys | None = None


def image_of(case: Case) -> Image:
    return Image(
        name=NAME,
        span=Span(file="images.yaml", line=1),
        context=CONTEXT,
        dockerfile=case.dockerfile,
        target=case.target,
        args=tuple(sorted(case.args.items())),
        contexts=tuple(sorted(case.named.items())),
        platforms=(case.platform,),
        labels=tuple(sorted(case.labels.items())),
        network=case.network,
    )


def family_of(case: Case) -> Family:
    """The family of this image alone."""
    return Family(file="images.yaml", images=(image_of(case),), lock=LOCK if case.locked else Lock())


def ours(case: Case, root: Path) -> Ours:
    """The planner's answer for a case that is written at `root`."""
    tree = DiskTree(root)
    try:
        loaded = load(family_of(case), tree, told=True)
        keys = keys_of(loaded, tree)
    except PlannerError as error:
        return Ours(refused=str(error))
    unsure = tuple(item.name for manifest in keys.manifests[NAME] for item in manifest.unsure)
    return Ours(key=keys.keys[NAME], unsure=unsure, keys=keys)


def sent(keys: Keys, name: ImageName, named: Mapping[str, str], folder: Path) -> tuple[Path, dict[str, str]]:
    """The build context and the named ones as the planner would write them for a build, below `folder`."""
    nowhere = Stored(store=Store.LAYOUT, digest="")
    parents = dict.fromkeys(keys.made_by.loaded.graph.nodes[name].parents, nowhere)
    request = request_of(keys, name, parents, registry="")
    contexts = Contexts(folder, keys.made_by.tree)
    main = contexts.folder(request.context, context_id(request.context))
    written = dict(named)
    for one, context in request.contexts:
        if isinstance(context, FilesContext):
            written[one] = f"{contexts.folder(context, context_id(context))}"
    return main, written
