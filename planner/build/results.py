"""Where a build's result is: looked for after the build, named by tags, and looked for again in a later run."""

from __future__ import annotations

import json
from pathlib import Path

from planner.build.command import engine_name
from planner.build.layout import Incomplete, Layout
from planner.errors import BuilderError, StateError
from planner.model.build import BuildRequest, Store, Stored
from planner.ports import Registry


class Results:
    """The images of one engine, in the place where it keeps them (`store`), in the layout, and in the registry."""

    def __init__(self, store: Store, layout: Layout, registry: Registry | None) -> None:
        self.store = store
        self.layout = layout
        self.registry = registry

    def verified(self, request: BuildRequest, store: Store, metadata: Path) -> Stored:
        """Where the result of a build is, after a look whether it really is there. `metadata` is buildx's file.

        Raises BuilderError, StateError.
        """
        digest = _digest(metadata)
        if store is Store.LAYOUT:
            try:
                self.layout.check(digest)
            except Incomplete as error:
                raise StateError(f"{request.image}: the built image is not whole in the store: {error}") from error
            return Stored(store=store, digest=digest)
        if store is Store.ENGINE:
            return self._in_engine(engine_name(request))
        return self._published(request, digest if self.store is not Store.ENGINE else "")

    def _in_engine(self, name: str) -> Stored:
        from planner.build.docker_engine import image_id

        found = image_id(name)
        if found is None:
            raise BuilderError(f"the Docker Engine has no image {name} after its build")
        return Stored(store=Store.ENGINE, digest=found, repository=name)

    def _published(self, request: BuildRequest, digest: str) -> Stored:
        """By digest first, then read back, then tagged: a tag never names what is not there.

        A Docker Engine does not tell the digest that it pushed; the tag of the key, which it pushed, names it.
        """
        assert self.registry is not None  # noqa: S101 -- wired whenever something is pushed
        digest = digest or self.registry.digest_of(request.repository, request.key) or "nothing"
        for repository in request.repositories:
            if self.registry.digest_of(repository, digest) != digest:
                raise BuilderError(f"{repository} does not hold {digest} after the push")
        stored = Stored(store=Store.REGISTRY, digest=digest, repository=request.repository)
        self.name(request, stored)
        return stored

    def name(self, request: BuildRequest, image: Stored) -> None:
        """See Builder. Without a registry there are no tags."""
        for reference in request.tags:
            assert self.registry is not None  # noqa: S101 -- wired whenever something is pushed
            repository, _, tag = reference.rpartition(":")
            self.registry.tag(repository, image.digest, tag)

    def holds(self, image: Stored) -> bool:
        """See Builder."""
        match image.store:
            case Store.LAYOUT:
                return self.store is Store.LAYOUT and self.layout.holds(image.digest)
            case Store.ENGINE:
                from planner.build.docker_engine import image_id

                return self.store is Store.ENGINE and image_id(image.repository) == image.digest
            case Store.REGISTRY:
                if self.registry is None:
                    return True
                return self.registry.digest_of(image.repository, image.digest) == image.digest


def _digest(metadata: Path) -> str:
    try:
        document = json.loads(metadata.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BuilderError("buildx wrote no metadata that can be read") from error
    digest = document.get("containerimage.digest") if isinstance(document, dict) else None
    if not isinstance(digest, str):
        raise BuilderError("buildx names no digest for what it built")
    return digest
