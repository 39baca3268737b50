"""Sets up what judges written pipelines: `python -m tests.ci.install`, with the standard library only.

actionlint is built from the Go module in `.ci/pipelines`, gitlab-ci-local installed by npm by the lock file beside it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.engine.gomodule import CHECKOUT, GoModule, cache_folder
from tests.engine.install import install_packages

FOLDER = CHECKOUT / ".ci" / "pipelines"
LINTER = GoModule(folder=FOLDER)
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
    if not gitlab_ci_local().exists():
        gitlab_ci_local().parents[3].mkdir(parents=True, exist_ok=True)
        _install_gitlab(gitlab_ci_local())
