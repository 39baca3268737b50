"""Pulls an image by digest into an OCI image layout on disk: bytes count once they are what their digest says."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from planner.errors import OutputError
from planner.registry.client import HttpRegistry
from planner.registry.copying import checked
from planner.registry.whole import blobs, manifests_of

REFERENCE = "org.opencontainers.image.ref.name"


def pull(registry: HttpRegistry, repository: str, digest: str, folder: Path, name: str) -> None:
    """Bring an image into the layout at `folder`, where its index knows it as `name`.

    Raises RegistryError where a part is missing or other than its digest says, OutputError where it cannot be kept.
    """
    manifests = manifests_of(registry, repository, digest)
    try:
        place = folder / "blobs" / "sha256"
        place.mkdir(parents=True, exist_ok=True)
        for blob, size in dict(part for one in manifests for part in blobs(one.document)).items():
            if not _at(place, blob).exists():
                _keep(place, blob, checked(registry, repository, blob, size))
        for one in manifests:
            _keep(place, one.digest, [one.body])
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        top = manifests[-1]
        entry = {"mediaType": top.media_type, "digest": digest, "size": len(top.body), "annotations": {REFERENCE: name}}
        _index(folder / "index.json", entry, name)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from error


def _at(place: Path, digest: str) -> Path:
    return place / digest.removeprefix("sha256:")


def _keep(place: Path, digest: str, pieces: Iterable[bytes]) -> None:
    handle, staging = tempfile.mkstemp(prefix=".part-", dir=place)
    try:
        with open(handle, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
        Path(staging).replace(_at(place, digest))
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(staging)  # noqa: PTH108
        raise


def _index(path: Path, entry: dict[str, object], name: str) -> None:
    others = [one for one in _listed(path) if (one.get("annotations") or {}).get(REFERENCE) != name]
    media = "application/vnd.oci.image.index.v1+json"
    text = json.dumps({"schemaVersion": 2, "mediaType": media, "manifests": [*others, entry]}, indent=1)
    staging = path.with_name(".index.json")
    staging.write_text(text)
    staging.replace(path)


def _listed(path: Path) -> list[dict[str, Any]]:
    """What an index names, which others may have written; [] where there is none. Raises OutputError."""
    try:
        listed = json.loads(path.read_bytes())["manifests"]
        if isinstance(listed, list) and all(isinstance(one.get("annotations") or {}, dict) for one in listed):
            return listed
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise OutputError(f"{path}: is no index of an OCI image layout\n  pull into another folder, or remove it")
