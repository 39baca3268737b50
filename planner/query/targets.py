"""What a query answers with: images, externals and files of one family, and which of them reads which."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from planner.model.graph import ImageGraph
from planner.model.image import ImageName


class Type(enum.StrEnum):
    """What a target is. The values stand in JSON."""

    IMAGE = "image"
    EXTERNAL = "external"
    FILE = "file"


class Target(NamedTuple):
    """One target: an image by its name, an external by its reference in normal form, a file by its path.

    A named tuple, because queries put millions of them into sets.
    """

    type: Type
    name: str

    @property
    def label(self) -> str:
        """The target as a query names it: `//:NAME`, `//:PATH`, or the reference."""
        return self.name if self.type is Type.EXTERNAL else f"//:{self.name}"


Targets = frozenset[Target]


def image(name: str) -> Target:
    """An image as a target."""
    return Target(Type.IMAGE, name)


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """A family as queries see it. `files` lists what an image reads, `affected` what rebuilds against a revision.

    Both may be slow: they are asked only when a query needs them, `files` once for each image.
    """

    graph: ImageGraph
    files: Callable[[ImageName], Iterable[str]]
    affected: Callable[[str], Iterable[ImageName]]
    _files: dict[ImageName, Targets] = field(default_factory=dict, repr=False)

    @functools.cached_property
    def images(self) -> tuple[Target, ...]:
        """All images, what is read before what reads it."""
        return tuple(image(name) for name in self.graph.order)

    @functools.cached_property
    def parents(self) -> Mapping[Target, tuple[Target, ...]]:
        """The images that each image reads."""
        return {image(name): tuple(map(image, node.parents)) for name, node in self.graph.nodes.items()}

    @functools.cached_property
    def children(self) -> Mapping[Target, tuple[Target, ...]]:
        """The images that read each image."""
        return {image(name): tuple(map(image, names)) for name, names in self.graph.children.items()}

    @functools.cached_property
    def externals(self) -> Mapping[Target, Targets]:
        """The externals that each image reads."""
        return {
            image(name): frozenset(Target(Type.EXTERNAL, text) for text in node.externals)
            for name, node in self.graph.nodes.items()
        }

    @functools.cached_property
    def all_externals(self) -> Targets:
        """Every external that some image reads."""
        return frozenset().union(*self.externals.values())

    @functools.cached_property
    def all_files(self) -> Targets:
        """Every file that some image reads."""
        return frozenset().union(*map(self.inputs, self.images))

    def inputs(self, target: Target) -> Targets:
        """The files that an image reads."""
        name = ImageName(target.name)
        if name not in self._files:
            self._files[name] = frozenset(Target(Type.FILE, path) for path in self.files(name))
        return self._files[name]

    def ordered(self, targets: Iterable[Target]) -> tuple[Target, ...]:
        """In the order of the graph, what is read before what reads it: externals, files by path, images."""
        place = self._places
        kinds = {Type.EXTERNAL: 0, Type.FILE: 1, Type.IMAGE: 2}
        return tuple(sorted(targets, key=lambda one: (kinds[one.type], place.get(one, 0), one.name)))

    @functools.cached_property
    def _places(self) -> Mapping[Target, int]:
        return {target: index for index, target in enumerate(self.images)}
