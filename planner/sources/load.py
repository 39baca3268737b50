"""Turns a Family and a tree into a LoadedFamily: the graph, and for every image and platform its steps.

Mistakes of all Dockerfiles are collected and reported together. References that cannot be told are kept in the graph,
unless whoever loads it needs them told.
"""

from __future__ import annotations

import functools
import graphlib
from collections.abc import Iterable, Iterator, Mapping

from planner.errors import DefinitionError, Mistake
from planner.model.graph import (
    ExternalImage,
    ImageGraph,
    LocalFiles,
    Node,
    ParentImage,
    RemoteFiles,
    Unresolved,
    Use,
    children_of,
    levels_of,
    order_of,
)
from planner.model.image import DISCOVERED, EPOCH, YEAR_2000, Family, Image, ImageName, Kind
from planner.model.names import Index, Platform
from planner.ports import Tree
from planner.sources.cycles import cycle_mistakes
from planner.sources.dockerfile.evaluation import evaluate
from planner.sources.dockerfile.global_args import Settings
from planner.sources.dockerfile.mounts import csv_fields
from planner.sources.dockerfile.reach import reachable
from planner.sources.dockerfile.refusal import Refused
from planner.sources.dockerfile.stages import Staged, Triggers, no_triggers, staged
from planner.sources.dockerfile.steps import Config, Evaluation
from planner.sources.dockerfile.syntax import Dockerfile, Instruction
from planner.sources.dockerfiles import Memo, read_all
from planner.sources.doubts import DOCKERFILE, alike, chosen_by_none, of_image
from planner.sources.loaded import LoadedFamily
from planner.sources.locked import locked_config
from planner.sources.named_words import misread_names
from planner.sources.origins import Origins, published_by
from planner.sources.stacks import in_order
from planner.sources.visibility import hidden_uses

UNWRITTEN = "in an images.yaml, or leave the image out of it: planner init proposes one"


def load(
    family: Family,
    tree: Tree,
    *,
    told: bool = False,
    like: LoadedFamily | None = None,
    parsed: Mapping[str, Dockerfile] | None = None,
    memo: Memo | None = None,
) -> LoadedFamily:
    """Read every Dockerfile, infer the edges and evaluate the steps.

    `like` is what another tree gave: where the family and all Dockerfiles say the same, it is the answer; where only
    some do, their images are taken over. `parsed` are Dockerfiles that were read from this tree already, `memo` those
    of any tree by path and id, which is added to.
    Raises DefinitionError with all mistakes of all files; with `told`, references that cannot be told are among them.
    """
    mistakes = [*misread_names(family)]
    published = published_by(family, mistakes)
    dockerfiles = read_all(family, tree, mistakes, parsed or {}, memo)
    if like is not None and not mistakes and like.family == family and like.dockerfiles == dockerfiles:
        return like
    loader = _Loader(family, published, dockerfiles, like if like is not None and like.family == family else None)
    alone = {image.name: loader.uses(image) for image in family.images if image.dockerfile in dockerfiles}
    uses = dict(alone)
    try:
        for name in _ordered(alone):
            uses[name] = loader.evaluated(loader.images[name], uses[name])
        order = _ordered(uses)
    except DefinitionError as error:
        mistakes.extend(error.mistakes)
        order = ()
    mistakes.extend([*loader.mistakes, *hidden_uses(loader.images, uses)])
    if told or mistakes:  # Whoever mends the one may mend the other.
        found = family.file == DISCOVERED
        mistakes.extend(untold((use for those in uses.values() for use in those), found=found))
        mistakes.extend(unmade(family))
    if mistakes:
        raise DefinitionError(in_order(mistakes, family))
    return LoadedFamily(
        family=family,
        graph=_graph(family, uses, order),
        dockerfiles=dockerfiles,
        evaluations=loader.evaluations,
        alone=alone,
    )


def untold(uses: Iterable[Use], *, found: bool) -> Iterator[Mistake]:
    """The references that cannot be told, as mistakes. Of a family that was `found` nothing is written down yet."""
    for use in uses:
        if isinstance(use.origin, Unresolved):
            hint = use.origin.hint
            yield Mistake(
                file=use.span.file,
                line=use.span.line,
                column=use.span.column,
                what=f"{use.role} {use.reference}: {use.origin.reason}",
                hint=f"{hint} {UNWRITTEN}" if found and hint.endswith("args:") else hint,
            )


def unmade(family: Family) -> Iterator[Mistake]:
    """The mistakes of Dockerfiles whose images are not part of a family that was found because of them."""
    for doubt in family.doubts:
        if doubt.role == DOCKERFILE:
            yield Mistake(file=doubt.span.file, line=doubt.span.line, what=doubt.reason, hint=doubt.hint)


def _ordered(uses: Mapping[ImageName, tuple[Use, ...]]) -> tuple[ImageName, ...]:
    parents = _parents(uses)
    try:
        return order_of(parents)
    except graphlib.CycleError as error:
        raise DefinitionError(cycle_mistakes(uses, parents)) from error


def _parents(uses: Mapping[ImageName, tuple[Use, ...]]) -> dict[ImageName, tuple[ImageName, ...]]:
    """The parents of each image, less those whose Dockerfile could not be read."""
    return {
        name: tuple(
            sorted(
                {use.origin.name for use in found if isinstance(use.origin, ParentImage) and use.origin.name in uses}
            )
        )
        for name, found in uses.items()
    }


def _graph(family: Family, uses: Mapping[ImageName, tuple[Use, ...]], order: tuple[ImageName, ...]) -> ImageGraph:
    parents = _parents(uses)
    levels = levels_of(order, parents)
    cuda: set[ImageName] = set()
    nodes: dict[ImageName, Node] = {}
    images = {image.name: image for image in family.images}
    for name in order:
        kind = _kind(images[name], uses[name], cuda)
        if kind is Kind.CUDA:
            cuda.add(name)
        nodes[name] = Node(image=images[name], uses=uses[name], kind=kind, level=levels[name])
    return ImageGraph(nodes=nodes, order=order, children=children_of(parents))


def _kind(image: Image, uses: tuple[Use, ...], cuda: set[ImageName]) -> Kind:
    """As declared; else cuda when the name or the FROM chain says so; else base without parents, or derived."""
    if image.declared_kind is not None:
        return image.declared_kind
    bases = [use for use in uses if use.role == "FROM"]
    named = "cuda" in image.name.lower() or any("cuda" in use.reference.lower() for use in bases)
    if named or any(isinstance(use.origin, ParentImage) and use.origin.name in cuda for use in bases):
        return Kind.CUDA
    return Kind.DERIVED if any(isinstance(use.origin, ParentImage) for use in uses) else Kind.BASE


class _Loader:
    """Resolves the references of one family and evaluates its images, parents first."""

    def __init__(
        self, family: Family, published: Index, dockerfiles: Mapping[str, Dockerfile], like: LoadedFamily | None
    ) -> None:
        self.family = family
        self.origins = Origins(family, published)
        self.dockerfiles = dockerfiles
        self.images = {image.name: image for image in family.images}
        self.evaluations: dict[tuple[ImageName, str], Evaluation] = {}
        self.mistakes: list[Mistake] = []
        self.like = like
        self._alone: dict[tuple[ImageName, str], Staged] = {}
        self._alike = alike(family.images)

    def settings(self, image: Image, platform: str) -> Settings:
        return Settings(
            platform=Platform.parse(platform),
            target=image.target,
            args={EPOCH: YEAR_2000, **dict(image.args)},
            network=image.network,
            secrets=frozenset(map(_secret_id, image.secrets)),
            ssh=frozenset(text.partition("=")[0] for text in image.ssh),
            labels=image.labels,
        )

    def uses(self, image: Image) -> tuple[Use, ...]:
        """What an image reads by its Dockerfile alone, over its platforms."""
        if self.like is not None and self._is_read_alike(self.like, image):
            return self.like.alone[image.name]
        found: list[Use] = []
        for platform in image.platforms:
            whole = self._staged(image, platform)
            self._alone[image.name, platform] = whole
            if whole.mistakes:
                self.mistakes.extend(whole.mistakes)
            found.extend(reachable(whole, lambda text: self.origins.origin(image, text))[1])
            if image.name in self._alike:
                found = [chosen_by_none(use, image, whole, self._alike[image.name]) for use in found]
        return tuple(dict.fromkeys([*found, *of_image(image.name, self.family.doubts)]))

    def _is_read_alike(self, like: LoadedFamily, image: Image) -> bool:
        return image.name in like.alone and like.dockerfiles[image.dockerfile] == self.dockerfiles[image.dockerfile]

    def _is_evaluated_alike(self, like: LoadedFamily, image: Image) -> bool:
        """Whether an evaluation from before holds: the same Dockerfile, and parents that were taken over too."""
        uses = like.graph.nodes[image.name].uses
        if not self._is_read_alike(like, image) or uses != like.alone[image.name]:
            return False
        parents = [self.images[use.origin.name] for use in uses if isinstance(use.origin, ParentImage)]
        return all(
            self.evaluations.get((parent.name, platform)) is like.evaluations[parent.name, platform]
            for parent in parents
            for platform in parent.platforms
        )

    def _staged(self, image: Image, platform: str, triggers: Triggers = no_triggers) -> Staged:
        names = frozenset(self.origins.contexts(image))
        return staged(
            self.dockerfiles[image.dockerfile],
            self.settings(image, platform),
            lambda text: self.origins.origin(image, text),
            names,
            triggers,
        )

    def _triggers(self, platform: str, use: Use) -> tuple[Instruction, ...]:
        return self._config(platform, use).onbuild

    def evaluated(self, image: Image, uses: tuple[Use, ...]) -> tuple[Use, ...]:
        """Evaluate an image on each platform; gives its uses with those that ONBUILD of its parents adds."""
        if any(isinstance(use.origin, Unresolved) for use in uses):
            return uses
        if self.like is not None and self._is_evaluated_alike(self.like, image):
            self.evaluations.update({(image.name, at): self.like.evaluations[image.name, at] for at in image.platforms})
            return uses
        added: list[Use] = []
        for platform in image.platforms:
            whole = self._alone.get((image.name, platform)) or self._staged(image, platform)
            if any(self._triggers(platform, use) for use in uses):
                whole = self._staged(image, platform, functools.partial(self._triggers, platform))
            reached, more = reachable(whole, lambda text: self.origins.origin(image, text))
            added.extend(more)
            evaluation = evaluate(
                whole,
                reached,
                self.settings(image, platform),
                functools.partial(self._config, platform),
                lambda text: self.origins.origin(image, text),
            )
            self.mistakes.extend(evaluation.mistakes)
            self.evaluations[image.name, platform] = evaluation
        return tuple(dict.fromkeys((*uses, *added)))

    def _config(self, platform: str, use: Use) -> Config:
        at = use.platform or platform
        if isinstance(use.origin, ExternalImage):
            return locked_config(self.family.lock, use.origin.reference, at)
        if not isinstance(use.origin, ParentImage):
            return Config(known=isinstance(use.origin, LocalFiles | RemoteFiles))
        parent = self.images[use.origin.name]
        # BuildKit takes the only platform of an image for any, and of several one that is near, if none is the same.
        read = (at,) if at in parent.platforms else parent.platforms
        known = [self.evaluations[parent.name, one].config for one in read if (parent.name, one) in self.evaluations]
        if not known or all(one == known[0] for one in known):
            return known[0] if known else Config()
        return Config(onbuild=tuple(dict.fromkeys(item for one in known for item in one.onbuild)))


def _secret_id(text: str) -> str:
    """The id of a secret as buildx reads it: one line of CSV, keys in any case; a text without a key is an id."""
    try:
        fields = [field.partition("=") for field in csv_fields(text)]
    except Refused:  # The build is refused for it.
        return ""
    return next((value for key, equals, value in reversed(fields) if equals and key.lower() == "id"), text)
