"""The benchmark suite has the edges of the open family that it stands for; one shared script moves its readers."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.workspace import Workspace

SUITE = Path(__file__).parents[2] / "graphs" / "benchmark-suite"
EDGES = {
    "base": [],
    "base-python3.10": ["base"],
    "base-python3.11": ["base"],
    "cuda11.8-cudnn8.9": ["base-python3.10"],
    "db_import": [],
    "mmperf": ["base-python3.10"],
    "convperf": ["base-python3.10"],
    "android": ["base-python3.11"],
    "tflite-android": ["android"],
}
"""The edges of iree-org/iree-comparative-benchmark at ee999f40, from its hand-kept list of dependencies."""


def suite(folder: Path) -> Workspace:
    shutil.copytree(SUITE, folder)
    workspace = Workspace(folder)
    workspace.commit()
    return workspace


def test_has_the_edges_of_the_open_family(tmp_path: Path) -> None:
    images = suite(tmp_path / "suite").document("graph")["images"]
    assert {image["name"]: image["parents"] for image in images} == EDGES
    kinds = {image["name"]: image["kind"] for image in images}
    assert kinds["base"] == kinds["db_import"] == "base"
    assert kinds["cuda11.8-cudnn8.9"] == "cuda"
    assert kinds["mmperf"] == "derived"


def test_a_shared_script_rebuilds_what_reads_it_and_what_stands_on_that(tmp_path: Path) -> None:
    workspace = suite(tmp_path / "suite")
    script = workspace.root / "scripts/install_python.sh"
    script.write_text(script.read_text() + "true\n")
    assert set(workspace.rebuilds()) == set(EDGES) - {"base", "db_import"}


def test_an_ignored_folder_rebuilds_nothing(tmp_path: Path) -> None:
    workspace = suite(tmp_path / "suite")
    (workspace.root / "docs/notes.md").write_text("other words\n")
    assert workspace.rebuilds() == {}


def test_the_mirror_is_an_input_through_the_environment(tmp_path: Path) -> None:
    workspace = suite(tmp_path / "suite")
    run = workspace.planner("graph", "--format", "json", MIRROR="127.0.0.1:5000/library")
    assert "127.0.0.1:5000/library/ubuntu:22.04" in run.stdout
