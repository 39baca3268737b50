"""What is locked of all that a graph reads from outside: images with what is inherited, frontends, ADDed sources."""

from __future__ import annotations

from collections.abc import Mapping

from planner.model.frozen import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedPlatform:
    """One platform of an external image: the digest of its manifest, and what of its configuration a child inherits."""

    digest: str
    env: tuple[tuple[str, str], ...] = ()
    workdir: str = ""
    user: str = ""
    shell: tuple[str, ...] = ()
    onbuild: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedImage:
    """An external image: the digest that its reference resolved to (of its index, if it has one), by platform."""

    digest: str
    platforms: Mapping[str, LockedPlatform]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """What is locked by its reference: images and frontends in Docker's normal form, sources as ADD names them.

    A frontend has the digest of its index, a source the `sha256:…` of its bytes or, of a git repository, its commit.
    """

    images: Mapping[str, LockedImage] = field(default_factory=dict)
    frontends: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    def platform(self, reference: str, platform: str) -> LockedPlatform | None:
        """What is locked of a reference on a platform; None where nothing is."""
        image = self.images.get(reference)
        return image.platforms.get(platform) if image else None
