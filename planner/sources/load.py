"""Turns a Family and a tree into a LoadedFamily: the graph, and for every image and platform its steps.

Mistakes of all Dockerfiles are collected and reported together. References that cannot be told are kept in the graph,
unless whoever loads it needs them told.
"""

from __future__ import annotations

import functools
import graphlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from planner.errors import DefinitionError, InputError, Mistake, one_of
from planner.model.graph import (
    ExternalImage,
    ImageGraph,
    LocalFiles,
    Node,
    Origin,
    ParentImage,
    RemoteFiles,
    Unresolved,
    Use,
    children_of,
    levels_of,
    order_of,
)
from planner.model.image import Family, Image, ImageName, Kind
from planner.model.names import Index, Platform, Published, Reference, index_of, owner_of
from planner.ports import MODE_FOLDER, MODE_LINK, Tree
from planner.sources.cycles import cycle_mistakes
from planner.sources.dockerfile import instructions
from planner.sources.dockerfile.stages import Settings, Staged, Triggers, no_triggers, reachable, staged
from planner.sources.dockerfile.steps import Config, Evaluation, evaluate
from planner.sources.dockerfile.syntax import Dockerfile, Instruction

MAX_DOCKERFILE = 4 << 20


@dataclass(frozen=True, kw_only=True)
class LoadedFamily:
    """A family read to its steps. `evaluations` are by image and platform, empty for images with unresolved uses."""

    family: Family
    graph: ImageGraph
    dockerfiles: Mapping[str, Dockerfile]
    evaluations: Mapping[tuple[ImageName, str], Evaluation]


def load(family: Family, tree: Tree, *, told: bool = False, like: LoadedFamily | None = None) -> LoadedFamily:
    """Read every Dockerfile, infer the edges and evaluate the steps.

    `like` is what another tree gave: where the family and all Dockerfiles say the same, it is the answer.
    Raises DefinitionError with all mistakes of all files; with `told`, references that cannot be told are among them.
    """
    mistakes: list[Mistake] = []
    published = _published(family, mistakes)
    dockerfiles = _dockerfiles(family, tree, mistakes)
    if like is not None and not mistakes and like.family == family and like.dockerfiles == dockerfiles:
        return like
    loader = _Loader(family, published, dockerfiles)
    uses = {image.name: loader.uses(image) for image in family.images if image.dockerfile in dockerfiles}
    try:
        for name in _ordered(uses):
            uses[name] = loader.evaluated(loader.images[name], uses[name])
        order = _ordered(uses)
    except DefinitionError as error:
        mistakes.extend(error.mistakes)
        order = ()
    mistakes.extend(loader.mistakes)
    if told:
        mistakes.extend(_untold(use for found in uses.values() for use in found))
    if mistakes:
        raise DefinitionError(sorted(set(mistakes), key=lambda one: (one.file, one.line, one.column)))
    return LoadedFamily(
        family=family,
        graph=_graph(family, uses, order),
        dockerfiles=dockerfiles,
        evaluations=loader.evaluations,
    )


def _untold(uses: Iterable[Use]) -> Iterator[Mistake]:
    """The references that cannot be told, as mistakes."""
    for use in uses:
        if isinstance(use.origin, Unresolved):
            yield Mistake(
                file=use.span.file,
                line=use.span.line,
                column=use.span.column,
                what=f"{use.role} {use.reference}: {use.origin.reason}",
                hint=use.origin.hint,
            )


def _published(family: Family, mistakes: list[Mistake]) -> Index:
    names: list[tuple[Published, str]] = []
    owners: dict[Published, Image] = {}
    for image in family.images:
        for text in (*([f"{family.registry}/{image.name}"] if family.registry else []), *image.tags):
            try:
                entry = Published.parse(text)
            except ValueError as error:
                hint = "names under a registry are in lower case"
                mistakes.append(Mistake(file=image.span.file, line=image.span.line, what=str(error), hint=hint))
                continue
            first = owners.setdefault(entry, image)
            if first.name != image.name:
                what = f'"{image.name}" and "{first.name}" (line {first.span.line}) are both published as {text}'
                hint = "give each image a tag of its own"
                mistakes.append(Mistake(file=image.span.file, line=image.span.line, what=what, hint=hint))
            names.append((entry, image.name))
    return index_of(dict.fromkeys(names))


def _dockerfiles(family: Family, tree: Tree, mistakes: list[Mistake]) -> dict[str, Dockerfile]:
    found: dict[str, Dockerfile] = {}
    for image in family.images:
        if image.dockerfile in found:
            continue
        path = _dockerfile_path(tree, image.dockerfile)
        if path is None:
            what = f'images.{image.name}: there is no Dockerfile at "{image.dockerfile}"'
            hint = "dockerfile: is relative to context:"
            mistakes.append(Mistake(file=image.span.file, line=image.span.line, what=what, hint=hint))
            continue
        try:
            found[image.dockerfile] = instructions.parse(tree.read(path, MAX_DOCKERFILE), image.dockerfile)
        except InputError as error:
            mistakes.append(Mistake(file=image.dockerfile, what=str(error)))
        except DefinitionError as error:
            mistakes.extend(error.mistakes)
    return found


def dockerfile_bytes(loaded: LoadedFamily, tree: Tree, path: str) -> bytes:
    """The text of a Dockerfile that was read before. Raises InputError when it says something else by now."""
    place = _dockerfile_path(tree, path)
    data = tree.read(place, MAX_DOCKERFILE) if place is not None else b""
    if place is None or instructions.parse(data, path) != loaded.dockerfiles[path]:
        raise InputError(f"{path}: changed since the plan was made: plan again")
    return data


def _dockerfile_path(tree: Tree, path: str) -> str | None:
    """Where the Dockerfile stands, links inside the workspace followed; `dockerfile` stands in for `Dockerfile`."""
    folder, _, name = path.rpartition("/")
    names = [path] + ([f"{folder}/dockerfile" if folder else "dockerfile"] if name == "Dockerfile" else [])
    for candidate in names:
        for _ in range(40):
            found = tree.entry(candidate)
            if found is None or found.mode == MODE_FOLDER:
                break
            if found.mode != MODE_LINK:
                return candidate
            candidate = _linked(candidate, tree.read(candidate, 4096).decode("utf-8", "surrogateescape"))
    return None


def _linked(path: str, target: str) -> str:
    """Where a link leads; a place that no tree has when it leaves the workspace."""
    if target.startswith("/"):
        return "\0"
    parts = path.split("/")[:-1]
    for piece in target.split("/"):
        if piece == "..":
            if not parts:
                return "\0"
            parts.pop()
        elif piece not in ("", "."):
            parts.append(piece)
    return "/".join(parts)


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

    def __init__(self, family: Family, published: Index, dockerfiles: Mapping[str, Dockerfile]) -> None:
        self.family = family
        self.published = published
        self.dockerfiles = dockerfiles
        self.images = {image.name: image for image in family.images}
        self.evaluations: dict[tuple[ImageName, str], Evaluation] = {}
        self.mistakes: list[Mistake] = []
        self._alone: dict[tuple[ImageName, str], Staged] = {}

    def settings(self, image: Image, platform: str) -> Settings:
        return Settings(
            platform=Platform.parse(platform),
            target=image.target,
            args=dict(image.args),
            network=image.network,
            secrets=frozenset(_id_of(text) for text in image.secrets),
            ssh=frozenset(_id_of(text) for text in image.ssh),
            labels=image.labels,
        )

    def contexts(self, image: Image) -> dict[str, str]:
        """Named contexts by the name that BuildKit looks for."""
        return {_familiar(name): value for name, value in image.contexts}

    def origin(self, image: Image, reference: str) -> Origin:
        """What a reference means for an image: a named context, an image of the graph, or an external."""
        contexts = self.contexts(image)
        if _familiar(reference) in contexts:
            return self._context(image, contexts[_familiar(reference)])
        return self._image(image, reference)

    def _image(self, image: Image, reference: str) -> Origin:
        try:
            parsed = Reference.parse(reference)
        except ValueError as error:
            return Unresolved(reason=str(error), hint="check the reference and the ARGs in it")
        owner = owner_of(self.published, parsed)
        if owner is not None and owner != image.name:
            return ParentImage(name=ImageName(owner))
        return ExternalImage(reference=str(parsed))

    def _context(self, image: Image, value: str) -> Origin:
        if value.startswith("target:"):
            name = value.removeprefix("target:")
            if name in self.images:
                return ParentImage(name=ImageName(name))
            return Unresolved(reason=f'no image is named "{name}"', hint=one_of(name, list(self.images)))
        if value.startswith("docker-image://"):
            return self._image(image, value.removeprefix("docker-image://"))
        if "://" in value or value.startswith("git@"):
            return RemoteFiles(url=value)
        folder = _linked("x", value)
        if folder == "\0":
            return Unresolved(reason=f'the named context "{value}" leads out of the workspace')
        return LocalFiles(folder=folder)

    def uses(self, image: Image) -> tuple[Use, ...]:
        """What an image reads by its Dockerfile alone, over its platforms."""
        found: list[Use] = []
        for platform in image.platforms:
            whole = self._staged(image, platform)
            self._alone[image.name, platform] = whole
            if whole.mistakes:
                self.mistakes.extend(whole.mistakes)
            found.extend(reachable(whole, lambda text: self.origin(image, text))[1])
        return tuple(dict.fromkeys(found))

    def _staged(self, image: Image, platform: str, triggers: Triggers = no_triggers) -> Staged:
        names = frozenset(self.contexts(image))
        return staged(
            self.dockerfiles[image.dockerfile],
            self.settings(image, platform),
            lambda text: self.origin(image, text),
            names,
            triggers,
        )

    def _triggers(self, platform: str, origin: Origin) -> tuple[Instruction, ...]:
        return self._config(platform, origin).onbuild

    def evaluated(self, image: Image, uses: tuple[Use, ...]) -> tuple[Use, ...]:
        """Evaluate an image on each platform; gives its uses with those that ONBUILD of its parents adds."""
        if any(isinstance(use.origin, Unresolved) for use in uses):
            return uses
        added: list[Use] = []
        for platform in image.platforms:
            whole = self._alone[image.name, platform]
            if any(self._triggers(platform, use.origin) for use in uses):
                whole = self._staged(image, platform, functools.partial(self._triggers, platform))
            reached, more = reachable(whole, lambda text: self.origin(image, text))
            added.extend(more)
            evaluation = evaluate(
                whole,
                reached,
                self.settings(image, platform),
                functools.partial(self._config, platform),
                lambda text: self.origin(image, text),
            )
            self.mistakes.extend(evaluation.mistakes)
            self.evaluations[image.name, platform] = evaluation
        return tuple(dict.fromkeys((*uses, *added)))

    def _config(self, platform: str, origin: Origin) -> Config:
        if not isinstance(origin, ParentImage):
            return Config()
        parent = self.images[origin.name]
        at = platform if platform in parent.platforms else parent.platforms[0]
        known = self.evaluations.get((origin.name, at))
        return Config() if known is None else known.config


def _familiar(name: str) -> str:
    try:
        return Reference.parse(name).familiar
    except ValueError:
        return name.lower()


def _id_of(text: str) -> str:
    """The id of a secret or ssh entry as Bake writes them: `id=NAME,…`, or `NAME`."""
    for part in text.split(","):
        if part.startswith("id="):
            return part[3:]
    return text.split("=")[0].split(",")[0]
