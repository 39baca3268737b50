"""Sets up the engine: `python -m tests.engine.install [--docker]`, with the standard library only.

Debian gives runc and a static busybox, everything else is built from the Go modules that `.ci/engine/go.mod` pins. With
`--docker` a Docker Engine is built too, from `.ci/docker/go.mod`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.engine.gomodule import CHECKOUT, GoModule

ENGINE = GoModule(
    folder=CHECKOUT / ".ci" / "engine",
    versions=(
        ("github.com/moby/buildkit/version.Version", "github.com/moby/buildkit"),
        ("github.com/docker/buildx/version.Version", "github.com/docker/buildx"),
        (
            "github.com/distribution/distribution/v3/version.version",
            "github.com/distribution/distribution/v3",
        ),
    ),
)
# The module's version is 2.0.0-beta.24; the Engine of its sources calls itself by the release that comes after 29.8.0.
DOCKER = GoModule(
    folder=CHECKOUT / ".ci" / "docker",
    versions=(("github.com/docker/cli/cli/version.Version", "github.com/docker/cli"),),
    constants=(("github.com/moby/moby/v2/dockerversion.Version", "29.8.1-dev"),),
)
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
PT_INTERP = 3


def busybox() -> Path | None:
    """A busybox that runs in an empty root file system."""
    found = shutil.which("busybox")
    return Path(found) if found and _is_static(Path(found)) else None


def missing_packages(*modules: GoModule) -> list[str]:
    """What Debian has to give, to build those modules where that is still to be done and to run them."""
    missing = []
    if shutil.which("runc") is None:
        missing.append("runc")
    if busybox() is None:
        missing.append("busybox-static")
    if (
        not all(module.bin_folder().is_dir() for module in modules)
        and "SSL_CERT_FILE" not in os.environ
        and not _any_file(CERTIFICATES)
    ):
        missing.append("ca-certificates")
    return missing


def install_packages(names: list[str], needs: str = "the engine") -> None:
    """Have Debian install them; `needs` is what they are for, for messages."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise SystemExit(
            f"{needs} needs {', '.join(names)}. As root on Debian or Ubuntu:\n  apt-get install {' '.join(names)}"
        )
    print(f"installing {', '.join(names)} with apt-get", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *names]):
        run = subprocess.run([apt, *argv], env=quiet, stdout=subprocess.DEVNULL, check=False)
        if run.returncode:
            raise SystemExit(f"apt-get {' '.join(argv)} failed; {needs} needs {', '.join(names)}")


def install(*more: GoModule) -> None:
    modules = (ENGINE, *more)
    if names := missing_packages(*modules):
        install_packages(names)
    for module in modules:
        module.build()


def _any_file(paths: tuple[str, ...]) -> bool:
    return any(Path(path).is_file() for path in paths)


def _is_static(program: Path) -> bool:
    """Whether a 64-bit ELF file names no dynamic loader."""
    content = program.read_bytes()
    if content[:5] != b"\x7fELF\x02":
        return False
    start = int.from_bytes(content[32:40], "little")
    size = int.from_bytes(content[54:56], "little")
    count = int.from_bytes(content[56:58], "little")
    kinds = {int.from_bytes(content[at : at + 4], "little") for at in range(start, start + size * count, size)}
    return PT_INTERP not in kinds


if __name__ == "__main__":
    try:
        install(*((DOCKER,) if sys.argv[1:] == ["--docker"] else ()))
    except KeyboardInterrupt:
        raise SystemExit(
            "interrupted; nothing half-built is used, the next run goes on from what Go has compiled"
        ) from None
