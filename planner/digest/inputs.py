"""The one list of what counts for an image: every input with its digest. Key and explanation both read this list."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from planner.digest.hashing import Hasher
from planner.model.frozen import dataclass, replace
from planner.model.image import ImageName, Span
from planner.model.selection import Selection

SCHEMA = "1"
"""What keys are made of; another schema makes other keys of the same inputs."""
MISSING, REMOTE, POLICY = "missing", "remote", "policy"
"""What an input is about, as the first name among its parts."""


class InputKind(enum.StrEnum):
    """What an input is. The values stand in JSON and in records."""

    PLATFORM = "platform"
    FRONTEND = "frontend"
    ARGUMENT = "argument"
    LABEL = "label"
    INSTRUCTION = "instruction"
    FILES = "files"
    PARENT = "parent"
    EXTERNAL = "external"
    UNSURE = "unsure"


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One input. `name` is where it enters, `parts` what it says, `digest` their digest (of the files, for FILES)."""

    kind: InputKind
    name: str
    digest: str
    parts: tuple[tuple[str, str], ...] = ()
    where: Span | None = None
    selection: Selection | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """All inputs of one image on one platform, in a fixed order; `warnings` are for people only."""

    image: ImageName
    platform: str
    inputs: tuple[Input, ...]
    warnings: tuple[str, ...] = ()

    @property
    def unsure(self) -> tuple[Input, ...]:
        """The inputs that may change unseen: with any, the image is always rebuilt."""
        return tuple(item for item in self.inputs if item.kind is InputKind.UNSURE)

    @property
    def policy(self) -> str:
        """The file of the build policy, "" where there is none."""
        return next((item.name for item in self.inputs if is_policy(item)), "")


def is_policy(item: Input) -> bool:
    """Whether an input is what a build policy says."""
    return item.kind is InputKind.ARGUMENT and item.parts[0][0] == POLICY


def reparented(manifest: Manifest, parent_keys: Mapping[ImageName, str], hasher: Hasher) -> Manifest:
    """The manifest with other keys for its parents; itself where they are the same."""
    inputs: list[Input] = []
    for item in manifest.inputs:
        if item.kind is InputKind.PARENT:
            parts = (("key", parent_keys[ImageName(item.name)]),)
            inputs.append(item if item.parts == parts else replace(item, parts=parts, digest=hasher.pairs(parts)))
        else:
            inputs.append(item)
    same = all(one is other for one, other in zip(inputs, manifest.inputs, strict=True))
    return manifest if same else replace(manifest, inputs=tuple(inputs))
