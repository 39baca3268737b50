"""What the planner says of a case: its key, whether it is unsure, or why it refuses; and the files it would send."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from planner.build.context import Contexts
from planner.digest.key import Keys, keys_of
from planner.errors import PlannerError
from planner.local.disk_tree import DiskTree
from planner.model.build import FilesContext
from planner.model.image import Family, Image, ImageName, Span
from planner.schedule.requests import context_id, request_of
from planner.sources.load import load
from tests.oracle.case import CONTEXT, Case

NAME = ImageName("image")


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


def ours(case: Case, root: Path) -> Ours:
    """The planner's answer for a case that is written at `root`."""
    tree = DiskTree(root)
    try:
        loaded = load(Family(file="images.yaml", images=(image_of(case),)), tree, told=True)
        keys = keys_of(loaded, tree)
    except PlannerError as error:
        return Ours(refused=str(error))
    unsure = tuple(item.name for manifest in keys.manifests[NAME] for item in manifest.unsure)
    return Ours(key=keys.keys[NAME], unsure=unsure, keys=keys)


def sent(answer: Ours, case: Case, folder: Path) -> tuple[Path, dict[str, str]]:
    """The build context and the named ones as the planner would write them for a build, below `folder`."""
    assert answer.keys is not None
    request = request_of(answer.keys, NAME, {}, registry="")
    contexts = Contexts(folder, answer.keys.made_by.tree)
    main = contexts.folder(request.context, context_id(request.context))
    named = dict(case.named)
    for name, context in request.contexts:
        if isinstance(context, FilesContext):
            named[name] = f"{contexts.folder(context, context_id(context))}"
    return main, named
