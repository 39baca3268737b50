"""What the images of a family read from one another: origins of references, uses, and the graph over them."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping

from planner.model.frozen import dataclass, field
from planner.model.image import Image, ImageName, Kind, Span


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentImage:
    """A reference that an image of the same graph answers."""

    name: ImageName


@dataclass(frozen=True, kw_only=True, slots=True)
class ExternalImage:
    """A reference that the graph does not build, in Docker's normal form."""

    reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFiles:
    """A named context that is a folder of the workspace, "." for the workspace itself."""

    folder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteFiles:
    """A named context that the engine fetches: a git URL or an archive. `pinned` when the URL fixes its content."""

    url: str
    pinned: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Unresolved:
    """A reference that cannot be told: an ARG without a value, a malformed name, a missing stage."""

    reason: str
    hint: str = ""


MACHINE = "*"
"""The platform of the machine that builds, whichever that is."""

Origin = ParentImage | ExternalImage | LocalFiles | RemoteFiles | Unresolved


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """One place where an image reads another one. `reference` is the text after ARG expansion.

    `role` is what a reader of the Dockerfile calls it: `FROM`, `COPY --from`, `RUN --mount`, `ONBUILD`. `platform` is
    that of which the other one is read: "" for the one that is built, else what `FROM --platform` says, or MACHINE.
    """

    role: str
    reference: str
    span: Span
    origin: Origin
    platform: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """An image with what it reads, over all its platforms."""

    image: Image
    uses: tuple[Use, ...] = ()
    kind: Kind = Kind.DERIVED
    level: int = 0
    parents: tuple[ImageName, ...] = field(init=False, compare=False)
    """The images of the graph that this one reads, sorted by name."""

    def __post_init__(self) -> None:
        names = {use.origin.name for use in self.uses if isinstance(use.origin, ParentImage)}
        object.__setattr__(self, "parents", tuple(sorted(names)))

    def platforms_of(self, origin: Origin, built: str) -> frozenset[str]:
        """The platforms on which something is read where the image is built for one: MACHINE may be among them."""
        return frozenset(use.platform or built for use in self.uses if use.origin == origin)

    @property
    def externals(self) -> tuple[str, ...]:
        """The references that the graph does not build, sorted."""
        return tuple(sorted({use.origin.reference for use in self.uses if isinstance(use.origin, ExternalImage)}))

    @property
    def unresolved(self) -> tuple[Use, ...]:
        """The places whose reference cannot be told, in order of the Dockerfile."""
        return tuple(use for use in self.uses if isinstance(use.origin, Unresolved))


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageGraph:
    """A family without cycles. `order` names parents before children, ties in the order of the graph file."""

    nodes: Mapping[ImageName, Node]
    order: tuple[ImageName, ...]
    children: Mapping[ImageName, tuple[ImageName, ...]] = field(default_factory=dict)

    def descendants(self, names: Iterable[ImageName]) -> frozenset[ImageName]:
        """These images and all that read them, however far."""
        return _closure(names, self.children)

    def ancestors(self, names: Iterable[ImageName]) -> frozenset[ImageName]:
        """These images and all that they read, however far."""
        return _closure(names, {name: node.parents for name, node in self.nodes.items()})


def _closure(names: Iterable[ImageName], step: Mapping[ImageName, tuple[ImageName, ...]]) -> frozenset[ImageName]:
    seen: set[ImageName] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(step.get(name, ()))
    return frozenset(seen)


def order_of(parents: Mapping[ImageName, tuple[ImageName, ...]]) -> tuple[ImageName, ...]:
    """Parents before children, ties in the order of the mapping. Raises graphlib.CycleError."""
    position = {name: index for index, name in enumerate(parents)}
    sorter = graphlib.TopologicalSorter(parents)
    sorter.prepare()
    order: list[ImageName] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=position.__getitem__)
        order.extend(ready)
        sorter.done(*ready)
    return tuple(order)


def children_of(parents: Mapping[ImageName, tuple[ImageName, ...]]) -> dict[ImageName, tuple[ImageName, ...]]:
    """The same edges seen from the parents."""
    found: dict[ImageName, list[ImageName]] = {name: [] for name in parents}
    for child, its_parents in parents.items():
        for parent in its_parents:
            found[parent].append(child)
    return {name: tuple(sorted(names)) for name, names in found.items()}


def levels_of(order: tuple[ImageName, ...], parents: Mapping[ImageName, tuple[ImageName, ...]]) -> dict[ImageName, int]:
    """How many images stand below each one on its longest way down to an image without parents."""
    levels: dict[ImageName, int] = {}
    for name in order:
        levels[name] = max((levels[parent] + 1 for parent in parents[name]), default=0)
    return levels
