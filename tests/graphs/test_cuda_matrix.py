"""The matrix of CUDA, cuDNN and Python gives the same keys in every form that it is written in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.workspace import Workspace

MATRIX = Path(__file__).parents[2] / "graphs" / "cuda-matrix"
FORMS = ("images.star", "docker-bake.hcl")
"""The forms beside images.yaml."""


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_keys_of_yaml(tmp_path: Path, form: str) -> None:
    shutil.copytree(MATRIX, tmp_path / "matrix")
    workspace = Workspace(tmp_path / "matrix")
    workspace.commit()
    keys = json.loads(workspace.planner("-f", form, "key", "--format", "json").stdout)["keys"]
    assert keys == workspace.keys()
    assert len(keys) >= 60


def test_starlark_needs_less_than_sixty_lines() -> None:
    assert sum(len(path.read_text().splitlines()) for path in MATRIX.rglob("*.star")) < 60
