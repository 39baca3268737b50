"""Pulls an image by digest into an OCI image layout on disk: bytes count once they are what their digest says."""

from __future__ import annotations

import contextlib
import hashlib
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
from planner.system import given_files

REFERENCE = "org.opencontainers.image.ref.name"
MAX_INDEX = 64 << 20


def pull(registry: HttpRegistry, repository: str, digest: str, folder: Path, name: str) -> None:
    """Bring an image into the layout at `folder`, where its index knows it as `name`.

    Raises RegistryError where a part is missing or other than its digest says, OutputError where it cannot be kept.
    """
    manifests = manifests_of(registry, repository, digest)
    try:
        place = folder / "blobs" / "sha256"
        place.mkdir(parents=True, exist_ok=True)
        for blob, size in dict(part for one in manifests for part in blobs(one.document)).items():
            if not _holds(_at(place, blob), blob):
                _keep(place, blob, checked(registry, repository, blob, size))
        for one in manifests:
            _keep(place, one.digest, [one.body])
        _write(folder / "oci-layout", [b'{"imageLayoutVersion":"1.0.0"}'], 0o644)
        top = manifests[-1]
        entry = {"mediaType": top.media_type, "digest": digest, "size": len(top.body), "annotations": {REFERENCE: name}}
        _index(folder / "index.json", entry, name)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from error


def _at(place: Path, digest: str) -> Path:
    return place / digest.removeprefix("sha256:")


def _holds(path: Path, digest: str) -> bool:
    """Whether a file is there already, with the bytes that its name says."""
    if path.is_symlink() or not path.is_file():
        return False
    with open(path, "rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}" == digest


def _keep(place: Path, digest: str, pieces: Iterable[bytes]) -> None:
    _write(_at(place, digest), pieces)


def _write(path: Path, pieces: Iterable[bytes], mode: int = 0o600) -> None:
    """A file in one step. A link that somebody left in its place goes, and is not followed."""
    handle, staging = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    try:
        with open(handle, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
            os.fchmod(stream.fileno(), mode)
        Path(staging).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(staging)  # noqa: PTH108
        raise


def _index(path: Path, entry: dict[str, object], name: str) -> None:
    others = [one for one in _listed(path) if (one.get("annotations") or {}).get(REFERENCE) != name]
    media = "application/vnd.oci.image.index.v1+json"
    text = json.dumps({"schemaVersion": 2, "mediaType": media, "manifests": [*others, entry]}, indent=1)
    _write(path, [text.encode()], 0o644)


def _listed(path: Path) -> list[dict[str, Any]]:
    """What an index names, which others may have written; [] where there is none. Raises OutputError."""
    try:
        listed = json.loads(given_files.read(path, MAX_INDEX))["manifests"]
        if isinstance(listed, list) and all(isinstance(one.get("annotations") or {}, dict) for one in listed):
            return listed
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise OutputError(f"{path}: is no index of an OCI image layout\n  pull into another folder, or remove it")
