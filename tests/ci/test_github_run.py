"""The written workflow, run here job by job: each leg in a clone of its own, with the plan and a registry, no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.build.family import BuildSpace
from tests.ci.test_matrix import family
from tests.engine.engine import Engine
from tests.workspace import IDENTITY

ACCEPTED = ", ".join(f"application/vnd.oci.image.{kind}.v1+json" for kind in ("index", "manifest"))
RECORDS = ("rec-", "res-")
NAMES = ("base", "cuda-x", "app", "other")


class Runner:
    """Stands in for GitHub: runs the `run` steps of a job of the written workflow, each job in a fresh clone."""

    def __init__(self, origin: BuildSpace, workflow: dict[str, Any], folder: Path) -> None:
        self.origin = origin
        self.jobs = workflow["jobs"]
        self.folder = folder
        self.artifacts: dict[str, bytes] = {}

    def clone(self, name: str) -> Path:
        place = self.folder / name
        self.origin.git("clone", "-q", os.fspath(self.origin.root), os.fspath(place))
        (fetch,) = (one for one in self.jobs["pull-request"]["steps"] if "download-artifact@" in one.get("uses", ""))
        into = place / fetch["with"].get("path", ".")
        for file, content in self.artifacts.items():
            into.mkdir(exist_ok=True)
            (into / file).write_bytes(content)
        return place

    def keep(self, place: Path) -> None:
        """What the job `plan` uploads: hidden files only when asked to, by names below the folder that they share."""
        (keep,) = (one["with"] for one in self.jobs["plan"]["steps"] if "upload-artifact@" in one.get("uses", ""))
        paths = keep["path"].split()
        assert keep.get("include-hidden-files") or not any(part.startswith(".") for part in paths)
        above = os.path.commonpath([Path(path).parent for path in paths])
        self.artifacts = {os.path.relpath(path, above): (place / path).read_bytes() for path in paths}

    def step(self, job: str, step: str, place: Path, **variables: str) -> dict[str, str]:
        """Run one step by its name; gives its outputs."""
        script = next(one["run"] for one in self.jobs[job]["steps"] if one.get("name") == step)
        told = place.with_name(f"{place.name}-outputs")
        told.touch()
        environment = {
            **os.environ,
            **IDENTITY,
            **self.origin.engine.environment,
            **variables,
            "GITHUB_OUTPUT": os.fspath(told),
            "GITHUB_STEP_SUMMARY": os.fspath(place.with_name(f"{place.name}-summary")),
        }
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        run = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr + run.stdout
        return dict(line.split("=", 1) for line in told.read_text().splitlines())

    def run(self, event: str) -> dict[str, Any]:
        """Plan, and then the legs of every level; gives the matrix."""
        place = self.clone("plan")
        matrix: dict[str, Any] = json.loads(self.step("plan", "Plan", place, PLANNER_EVENT=event)["matrix"])
        self.keep(place)
        for level, legs in enumerate(matrix["levels"]):
            for leg in legs["include"]:
                name = f"level{level}"
                (build,) = (one for one in self.jobs[name]["steps"] if one.get("name") == "Build")
                assert build["env"] == {"PLANNER_IMAGES": "${{ matrix.images }}"}
                self.step(name, "Build", self.clone(f"{name}-{leg['id']}"), PLANNER_IMAGES=leg["images"])
        return matrix


def published(engine: Engine, repository: str) -> dict[str, str]:
    """What every tag of an image names in the registry; records hold times, so of them only the tags count."""
    found = {}
    for name in NAMES:
        for tag in engine.registry.tags(f"{repository}/{name}"):
            if tag.startswith(RECORDS):
                found[f"{name}:{tag}"] = "a record"
            if tag.startswith((*RECORDS, "sha256-")):
                continue
            status, headers, _ = engine.registry.request(
                "HEAD", f"/v2/{repository}/{name}/manifests/{tag}", headers={"Accept": ACCEPTED}
            )
            assert status == 200
            found[f"{name}:{tag}"] = headers["docker-content-digest"]
    return found


@pytest.mark.parametrize("levels", [3, 2])
def test_a_run_publishes_what_one_build_publishes(engine: Engine, tmp_path: Path, levels: int) -> None:
    space = BuildSpace(tmp_path / "origin", engine)
    space.write(family(f"{engine.registry.address}/whole{levels}"))
    space.commit()
    assert {one["outcome"] for name, one in space.build("--push").items() if name} == {"built"}

    space.write(family(f"{engine.registry.address}/run{levels}"))
    space.git("commit", "-q", "-a", "-m", "elsewhere")
    argv = [sys.executable, "-m", "planner.cli.start", "ci", "github", "-o", "-"]
    text = subprocess.run(argv, cwd=space.root, capture_output=True, text=True, check=True).stdout
    text = text.replace("--levels 3", f"--levels {levels}")
    matrix = Runner(space, yaml.safe_load(text), tmp_path).run("push")
    assert len(matrix["levels"]) == levels
    ours = published(engine, f"run{levels}")
    named = {name for name, digest in ours.items() if digest != "a record" and ":x3-" not in name}
    assert named == {"base:latest", "cuda-x:latest", "app:latest", "other:12.4"}
    assert ours == published(engine, f"whole{levels}")

    again = Runner(space, yaml.safe_load(text), tmp_path / "again").run("push")
    assert again["levels"] == [], "the registry has it all"


def test_a_revert_is_published_again(engine: Engine, tmp_path: Path) -> None:
    """Its keys are known, and tags name what was reverted."""
    space = BuildSpace(tmp_path / "origin", engine)
    space.write(family(f"{engine.registry.address}/reverted"))
    space.commit()
    argv = [sys.executable, "-m", "planner.cli.start", "ci", "github", "-o", "-"]
    workflow = yaml.safe_load(subprocess.run(argv, cwd=space.root, capture_output=True, text=True, check=True).stdout)
    Runner(space, workflow, tmp_path / "one").run("push")
    good = published(engine, "reverted")
    space.write({"cuda.txt": "bad\n"})
    space.git("commit", "-q", "-a", "-m", "bad")
    Runner(space, workflow, tmp_path / "two").run("push")
    assert published(engine, "reverted")["other:12.4"] != good["other:12.4"]
    space.git("revert", "--no-edit", "HEAD")
    Runner(space, workflow, tmp_path / "three").run("push")
    now = published(engine, "reverted")
    assert {name: now[name] for name in good} == good
    assert Runner(space, workflow, tmp_path / "four").run("push")["levels"] == []


def test_a_merge_queue_builds_all_that_it_puts_on_its_base(engine: Engine, tmp_path: Path) -> None:
    """A queue that rebases puts each commit of a pull request there; the last one alone says too little."""
    space = BuildSpace(tmp_path / "origin", engine)
    space.write(family(f"{engine.registry.address}/queue"))
    space.commit()
    base = space.git("rev-parse", "HEAD").strip()
    for name in ("base.txt", "README"):
        space.write({name: "edited\n"})
        space.git("add", name)
        space.git("commit", "-q", "-m", name)
    argv = [sys.executable, "-m", "planner.cli.start", "ci", "github", "-o", "-"]
    workflow = yaml.safe_load(subprocess.run(argv, cwd=space.root, capture_output=True, text=True, check=True).stdout)
    (checkout,) = (one for one in workflow["jobs"]["plan"]["steps"] if "checkout@" in one.get("uses", ""))
    assert checkout["with"]["fetch-depth"] == "${{ github.event_name == 'merge_group' && '0' || '2' }}"
    runner = Runner(space, workflow, tmp_path)
    place = runner.clone("plan")
    told = runner.step("plan", "Plan", place, PLANNER_EVENT="merge_group", PLANNER_BASE=base)
    assert json.loads(told["matrix"])["images"] == ["base", "cuda-x", "app"]
    runner.keep(place)
    runner.step("pull-request", "Build", runner.clone("pull-request"))
    assert engine.registry.tags("queue/base") == []
