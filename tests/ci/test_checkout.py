"""A written pipeline checks out what images read and a plain clone lacks: submodules and large files, and no more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workspace import Workspace

IMAGES = "version: 1\nregistry: r.example/x\nimages: {a: {}}\n"
LARGE = "*.bin filter=lfs diff=lfs merge=lfs -text\n"
NO_LFS = ("-c", "filter.lfs.clean=cat", "-c", "filter.lfs.smudge=cat", "-c", "filter.lfs.required=false")


def workspace(root: Path, instruction: str) -> Workspace:
    """A family with a submodule `third` and a large file."""
    library = Workspace(root / "library")
    library.write({"file": "text\n"})
    library.commit()
    space = Workspace(root / "family")
    files = {
        "images.yaml": IMAGES,
        "Dockerfile": f"FROM x\n{instruction}\n",
        ".gitattributes": LARGE,
        "large.bin": "x\n",
    }
    space.write(files)
    origin = os.fspath(library.root)
    space.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", origin, "third")
    space.git(*NO_LFS, "add", ".")
    space.git(*NO_LFS, "commit", "-q", "-m", "all")
    return space


def written(space: Workspace, provider: str) -> dict[str, Any]:
    run = space.planner("ci", provider, "-o", "-")
    assert run.returncode == 0, run.stderr
    document: dict[str, Any] = yaml.safe_load(run.stdout)
    return document


@pytest.mark.parametrize(
    ("instruction", "submodules", "lfs"),
    [
        ("COPY third /third", True, False),
        ("COPY third/file /", True, False),
        ("COPY large.bin /", False, True),
        ("COPY . /", True, True),
        ("COPY Dockerfile /", False, False),
    ],
)
def test_what_images_read(tmp_path: Path, instruction: str, submodules: bool, lfs: bool) -> None:
    space = workspace(tmp_path, instruction)
    seen = 0
    for job in written(space, "github")["jobs"].values():
        for step in job["steps"]:
            if "checkout@" in step.get("uses", ""):
                seen += 1
                assert step["with"].get("submodules") == ("recursive" if submodules else None)
                assert step["with"].get("lfs") == (True if lfs else None)
    assert seen > 2
    for name in ("plan", "merge-request", "build", "turn"):
        variables = written(space, "gitlab")[name].get("variables", {})
        assert variables.get("GIT_SUBMODULE_STRATEGY") == ("recursive" if submodules else None)
