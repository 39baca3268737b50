"""A family that is published in a registry of the test's own, and clones of it with state folders of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from planner.registry.artefact import EMPTY_BLOB, LAYER, MANIFEST, record_tag
from planner.registry.client import HttpRegistry
from tests.build.family import FILES, BuildSpace
from tests.engine.engine import Engine


def published_space(root: Path, engine: Engine, registry: str, **changed: str) -> BuildSpace:
    """The family of `tests.build.family`, published below a prefix (HOST/PATH)."""
    space = BuildSpace(root, engine)
    files = {**FILES, **{path.replace("__", "."): text for path, text in changed.items()}}
    space.write({path: text.replace("registry.example/fam", registry) for path, text in files.items()})
    space.commit()
    return space


def clone(space: BuildSpace, root: Path) -> BuildSpace:
    """Another checkout of the same commit, in which nothing was built."""
    space.git("clone", "-q", str(space.root), str(root))
    return BuildSpace(root, space.engine, init=False)


def spoil_record(repository: str, key: str) -> dict[str, Any]:
    """Let the record of a key name a layer that holds nothing; gives the annotations of its manifest."""
    client = HttpRegistry()
    found = client.fetch(repository, record_tag(key))
    assert found is not None
    layer = {"mediaType": LAYER, "digest": client.put_blob(repository, EMPTY_BLOB), "size": len(EMPTY_BLOB)}
    body = json.dumps({**found.document, "layers": [layer]}).encode()
    client.put(repository, record_tag(key), body, MANIFEST)
    return dict(found.document["annotations"])
