"""The planner's own store of built images: one OCI layout whose blobs all builds share.

A build writes to a layout of its own, whose `blobs` leads here: buildx locks `index.json` without waiting, so that two
builds cannot write to one layout at once, while blobs are named by their content and may be written by anybody.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

MAX_DOCUMENT = 4 << 20
MAX_DEPTH = 4
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
INDEXES = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)


class Incomplete(Exception):
    """An image of which some part is missing or not what it says."""


class Layout:
    """The store below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Make the folders. Raises OSError."""
        (self.root / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        marker = self.root / "oci-layout"
        if not marker.exists() or not marker.stat().st_size:  # A full disk leaves an empty one.
            marker.write_text('{"imageLayoutVersion":"1.0.0"}')

    def open_for_build(self, folder: Path) -> None:
        """Make a layout for one build, which shares the blobs."""
        folder.mkdir(parents=True)
        (folder / "blobs").symlink_to(self.root / "blobs")

    def holds(self, digest: str) -> bool:
        """Whether the image of this digest is here with everything that it names."""
        try:
            self.check(digest)
        except (Incomplete, OSError):
            return False
        return True

    def check(self, digest: str) -> None:
        """Raise Incomplete or OSError unless the image is here with everything that it names."""
        self.blobs(digest)

    def layers(self, digest: str) -> dict[str, int]:
        """The layers of an image or of all images of an index, with their sizes in bytes. Raises as `check` does."""
        return {
            name: size
            for document in self._documents(digest).values()
            for name, size in map(self._sized, _entries(document, "layers") if not _is_index(document) else ())
        }

    def blobs(self, digest: str) -> dict[str, int]:
        """All that an image is made of, manifests and configurations too, by size in bytes. Raises as `check` does."""
        found: dict[str, int] = {}
        for name, document in self._documents(digest).items():
            found[name] = self.blob(name).stat().st_size
            if not _is_index(document):
                found.update(map(self._sized, (document.get("config"), *_entries(document, "layers"))))
        return found

    def _documents(self, digest: str) -> dict[str, dict[str, Any]]:
        """The manifests and indexes of an image, each read once however often it is named."""
        found: dict[str, dict[str, Any]] = {}

        def visit(digest: str, depth: int) -> None:
            if depth == 0:
                raise Incomplete(f"{digest}: indexes are nested too deep")
            found[digest] = document = self._document(digest)
            for entry in _entries(document, "manifests") if _is_index(document) else ():
                if (inner := str(entry.get("digest"))) not in found:
                    visit(inner, depth - 1)

        visit(digest, MAX_DEPTH)
        return found

    def _document(self, digest: str) -> dict[str, Any]:
        with open(self.blob(digest), "rb") as stream:
            data = stream.read(MAX_DOCUMENT + 1)
        if hashlib.sha256(data).hexdigest() != digest.removeprefix("sha256:"):
            raise Incomplete(f"{digest}: holds other bytes")
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Incomplete(f"{digest}: is no manifest") from error
        if not isinstance(document, dict):
            raise Incomplete(f"{digest}: is no manifest")
        return document

    def _sized(self, entry: object) -> tuple[str, int]:
        """The digest and the size of a blob that is as long as its manifest says. Raises Incomplete or OSError."""
        if not isinstance(entry, dict):
            raise Incomplete("a manifest without a config")
        digest = str(entry.get("digest"))
        size = self.blob(digest).stat().st_size
        if size != entry.get("size"):
            raise Incomplete(f"{digest}: has another size than its manifest says")
        return digest, size

    def blob(self, digest: str) -> Path:
        """Where a blob is, or would be. Raises Incomplete for what is no digest."""
        if not _DIGEST.fullmatch(digest):
            raise Incomplete(f"{digest}: is no digest")
        return self.root / "blobs" / "sha256" / digest.removeprefix("sha256:")


def _is_index(document: dict[str, Any]) -> bool:
    return document.get("mediaType") in INDEXES or "manifests" in document


def _entries(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = document.get(name)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Incomplete(f"a manifest whose {name} are no list")
    return found
