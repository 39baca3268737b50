"""Base images of a static busybox, made by hand so that the same busybox gives the same digests, and their pushing.

They stand in for `ubuntu:22.04` and its like where no network is: `/bin/sh` and every applet work, nothing else is
in them.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import platform
import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engine.registry import Registry

EPOCH = 1767225600  # 2026-01-01, of every file and of the image
CREATED = "2026-01-01T00:00:00Z"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

FOLDERS = ("bin", "sbin", "usr", "usr/bin", "usr/sbin", "usr/local", "usr/local/bin", "etc", "opt", "root", "var")
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}


@dataclass(frozen=True, kw_only=True)
class BaseImage:
    """Blobs by digest, the last of them the manifest."""

    blobs: tuple[bytes, ...]

    @property
    def manifest(self) -> bytes:
        return self.blobs[-1]

    @property
    def digest(self) -> str:
        return digest(self.manifest)


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def base_image(
    busybox: Path, name: str, onbuild: tuple[str, ...] = (), config: Mapping[str, Any] | None = None
) -> BaseImage:
    """`name` is written to /etc/image-name, so that two names are two images."""
    tar = _layer(busybox, name)
    layer = gzip.compress(tar, compresslevel=1, mtime=0)
    usual = {"Env": [f"PATH={PATH}"], "Cmd": ["/bin/sh"], **({"OnBuild": [*onbuild]} if onbuild else {})}
    configuration = _json(
        {
            "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "created": CREATED,
            "config": usual if config is None else dict(config),
            "rootfs": {"type": "layers", "diff_ids": [digest(tar)]},
            "history": [{"created": CREATED, "created_by": f"busybox as {name}"}],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, configuration),
            "layers": [_descriptor(LAYER, layer)],
        }
    )
    return BaseImage(blobs=(layer, configuration, manifest))


def seed(registry: Registry, names: Iterable[str], busybox: Path, *, folder: str = "library") -> dict[str, str]:
    """Pushes a base image under `folder/NAME` for each NAME:TAG. Returns their digests."""
    return {name: push(registry, base_image(busybox, name), f"{folder}/{name}") for name in names}


def push(registry: Registry, image: BaseImage, name: str) -> str:
    repository, _, tag = name.partition(":")
    for blob in image.blobs[:-1]:
        _, headers, _ = _expect(202, registry, "POST", f"/v2/{repository}/blobs/uploads/")
        place = headers["location"]
        place += ("&" if "?" in place else "?") + f"digest={digest(blob)}"
        _expect(201, registry, "PUT", place, blob, {"Content-Type": "application/octet-stream"})
    path = f"/v2/{repository}/manifests/{tag or 'latest'}"
    _expect(201, registry, "PUT", path, image.manifest, {"Content-Type": MANIFEST})
    return image.digest


def _expect(status: int, registry: Registry, *request: Any) -> tuple[int, dict[str, str], bytes]:
    answer = registry.request(*request)
    if answer[0] != status:
        raise RuntimeError(f"{request[0]} {request[1]}: {answer[0]} {answer[2][:300].decode(errors='replace')}")
    return answer


def _layer(busybox: Path, name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for folder in FOLDERS:
            tar.addfile(_entry(folder, tarfile.DIRTYPE, 0o755))
        tar.addfile(_entry("tmp", tarfile.DIRTYPE, 0o1777))
        for path, text in {**FILES, "etc/image-name": f"{name}\n"}.items():
            tar.addfile(_entry(path, tarfile.REGTYPE, 0o644, len(text)), io.BytesIO(text.encode()))
        program = busybox.read_bytes()
        tar.addfile(_entry("bin/busybox", tarfile.REGTYPE, 0o755, len(program)), io.BytesIO(program))
        for applet in _applets(busybox):
            link = _entry(applet, tarfile.SYMTYPE, 0o777)
            link.linkname = "/bin/busybox"
            tar.addfile(link)
    return out.getvalue()


def _applets(busybox: Path) -> list[str]:
    run = subprocess.run([os.fspath(busybox), "--list-full"], capture_output=True, text=True, check=True)
    return sorted(set(run.stdout.split()) - {"bin/busybox", "linuxrc"})


def _entry(path: str, kind: bytes, mode: int, size: int = 0) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.size, entry.mtime = kind, mode, size, EPOCH
    return entry


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
