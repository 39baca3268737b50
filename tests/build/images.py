"""Reads built images out of an OCI layout: configuration, layers, and the file system that they make together."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

Files = dict[str, tuple[str, int, str]]
"""Paths with their type, mode, and the SHA-256 of their bytes or the target of a link."""


@dataclass(frozen=True)
class BuiltImage:
    """One image of one platform."""

    config: dict[str, Any]
    layers: tuple[str, ...]
    files: Files

    @property
    def meaning(self) -> dict[str, Any]:
        """The configuration without times, which differ in every build."""
        history = [{key: value for key, value in step.items() if key != "created"} for step in self.config["history"]]
        rest = {key: value for key, value in self.config.items() if key not in ("created", "history")}
        return {**rest, "history": history}


def blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()


def read_image(layout: Path, digest: str = "") -> BuiltImage:
    """The image of a digest, or the only one of the layout; of an index its first one."""
    if not digest:
        digest = json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"]
    document = json.loads(blob(layout, digest))
    if "manifests" in document:
        return read_image(layout, document["manifests"][0]["digest"])
    layers = tuple(layer["digest"] for layer in document["layers"])
    files: Files = {}
    for layer in layers:
        _apply(files, blob(layout, layer))
    return BuiltImage(config=json.loads(blob(layout, document["config"]["digest"])), layers=layers, files=files)


def _apply(files: Files, data: bytes) -> None:
    plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    with tarfile.open(fileobj=BytesIO(plain)) as archive:
        for member in archive:
            path = member.name.strip("/").removeprefix("./")
            folder, _, name = path.rpartition("/")
            if name == ".wh..wh..opq":
                _drop(files, folder, itself=False)
            elif name.startswith(".wh."):
                _drop(files, f"{folder}/{name[4:]}".strip("/"), itself=True)
            elif path:
                files[path] = _entry(archive, member)


def _drop(files: Files, path: str, *, itself: bool) -> None:
    for known in list(files):
        if known.startswith(f"{path}/") or (itself and known == path):
            del files[known]


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[str, int, str]:
    if member.isfile():
        stream = archive.extractfile(member)
        assert stream is not None
        return "file", member.mode, hashlib.sha256(stream.read()).hexdigest()
    if member.issym() or member.islnk():
        return "link", 0, member.linkname
    return "folder", member.mode, ""
