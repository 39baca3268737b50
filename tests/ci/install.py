"""Sets up what judges written pipelines: `python -m tests.ci.install`, with the standard library only.

actionlint is built from the Go module in `.ci/pipelines`, gitlab-ci-local installed by npm by the lock file beside it,
and Argo's own validation from the Go module in `.ci/argo`, whose dependency brings the published CRDs along.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.engine import toolchain
from tests.engine.gomodule import CHECKOUT, ENVIRONMENT, GoModule, built, cache_folder
from tests.engine.install import install_packages

FOLDER = CHECKOUT / ".ci" / "pipelines"
LINTER = GoModule(folder=FOLDER)
ARGO = CHECKOUT / ".ci" / "argo"
ARGO_MODULE = "github.com/argoproj/argo-workflows/v3"
LOCK = ("package.json", "package-lock.json")
NEEDED = ("npm", "node", "rsync")
"""Debian's packages are called so too, but for node."""


def actionlint() -> Path:
    """The program; it is there once `make pipelines` ran."""
    return LINTER.bin_folder() / "actionlint"


def gitlab_ci_local() -> Path:
    """The program; it is there once `make pipelines` ran."""
    digest = hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in LOCK)).hexdigest()
    return cache_folder() / "bin" / f"gitlab-{digest[:16]}" / "node_modules" / ".bin" / "gitlab-ci-local"


def argo_validator() -> Path:
    """The program, built where it is not yet there: about two minutes."""
    return built("argo", ARGO, ARGO)


def argo_crds() -> Path:
    """The folder of the CRDs of the release that the validator is built from, in Go's own cache of modules."""
    go = toolchain.find_or_install((1, 26), cache_folder())
    argv = [os.fspath(go), "mod", "download", "-json", ARGO_MODULE]
    run = subprocess.run(argv, cwd=ARGO, env={**os.environ, **ENVIRONMENT}, capture_output=True, check=True)
    return Path(json.loads(run.stdout)["Dir"], "manifests", "base", "crds", "full")


def _install_gitlab(program: Path) -> None:
    """Into a folder that takes its name only when it is whole."""
    done = program.parents[2]
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=done.parent) as unfinished:
        whole = Path(unfinished, "whole")
        whole.mkdir()
        for name in LOCK:
            shutil.copy(FOLDER / name, whole)
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=whole, check=True)
        whole.chmod(0o755)
        if not done.exists():
            whole.rename(done)


if __name__ == "__main__":
    missing = [{"node": "nodejs"}.get(name, name) for name in NEEDED if shutil.which(name) is None]
    if missing:
        install_packages(missing, "the tests of pipelines")
    LINTER.build()
    argo_validator()
    if not gitlab_ci_local().exists():
        gitlab_ci_local().parents[3].mkdir(parents=True, exist_ok=True)
        _install_gitlab(gitlab_ci_local())
