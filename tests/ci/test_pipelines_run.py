"""The written pipelines of GitLab and Buildkite, run here job by job: each in its own clone, with artifacts alone."""

from __future__ import annotations

import json
import os
import shutil
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

STUBS = {
    "pipx": "exit 0\n",
    "docker": 'test "$1" = login && echo "$2 $(cat)" >> "$STORE.logins"\n',
    "buildkite-agent": """\
case "$1 $2" in
  "artifact upload") mkdir -p "$STORE" && cp --parents "$3" "$STORE" ;;
  "artifact download") mkdir -p "$4/$(dirname "$3")" && cp "$STORE/$3" "$4/$3" ;;
  "pipeline upload") cp "$3" "$STORE/steps.json" ;;
  "annotate --style") cat > "$STORE.note" ;;
esac
""",
}
EDITED = ["cuda-x", "app"]


class Runner:
    """Stands in for a provider's runner: clones, variables, and shells that end with the first failure."""

    def __init__(self, space: BuildSpace, folder: Path) -> None:
        self.space = space
        self.folder = folder
        self.store = folder / "store"
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        for name, text in STUBS.items():
            (self.bin / name).write_text(f"#!/bin/sh\n{text}")
            (self.bin / name).chmod(0o755)

    def clone(self, name: str) -> Path:
        place = self.folder / name
        self.space.git("clone", "-q", os.fspath(self.space.root), os.fspath(place))
        return place

    def run(self, commands: list[str], place: Path, **variables: str) -> None:
        path = f"{self.bin}:{Path(sys.executable).parent}:{self.space.engine.environment['PATH']}"
        run = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", "\n".join(commands)],
            cwd=place,
            env={
                **os.environ,
                **IDENTITY,
                **self.space.engine.environment,
                "PATH": path,
                "STORE": os.fspath(self.store),
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr + run.stdout


@pytest.fixture
def space(engine: Engine, tmp_path: Path) -> BuildSpace:
    """A family whose last image reads the whole workspace, and a commit that changes it after it was published."""
    made = BuildSpace(tmp_path / "origin", engine)
    made.write(family(f"{engine.registry.address}/{tmp_path.name.replace('_', '-')}"))
    made.commit()
    made.build("--push")
    made.write({"cuda.txt": "edited\n"})
    made.git("commit", "-q", "-a", "-m", "edited")
    return made


def pipeline(space: BuildSpace, provider: str) -> dict[str, Any]:
    run = space.planner("ci", provider, "-o", "-", "--install", "pipx install planner")
    assert run.returncode == 0, run.stderr
    document: dict[str, Any] = yaml.safe_load(run.stdout)
    return document


def artifacts(job: dict[str, Any], of: Path, into: Path) -> None:
    """GitLab's: the same paths in the next job's clone."""
    for path in job["artifacts"]["paths"]:
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(of / path, into / path)


def test_gitlab_builds_a_family_that_reads_its_whole_workspace(space: BuildSpace, tmp_path: Path) -> None:
    jobs = pipeline(space, "gitlab")
    runner = Runner(space, tmp_path / "branch")
    plan = runner.clone("plan")
    token, host = "secret", space.engine.registry.address
    runner.run(jobs["plan"]["script"], plan, REGISTRY_USER="user", REGISTRY_TOKEN=token)
    assert (tmp_path / "branch/store.logins").read_text() == f"{host} {token}\n", "published images may be private"
    child = json.loads((plan / jobs["build"]["trigger"]["include"][0]["artifact"]).read_text())
    names = [name for name in child if name.startswith("build-")]
    assert len(names) == len(EDITED)
    for name in names:
        place = runner.clone(name)
        artifacts(jobs["plan"], plan, place)
        runner.run(child[name]["script"], place)
    assert space.build("--push", "app")["app"]["outcome"] == "reused", "it was pushed"


def test_gitlab_builds_a_merge_request(space: BuildSpace, tmp_path: Path) -> None:
    jobs = pipeline(space, "gitlab")
    runner = Runner(space, tmp_path / "request")
    plan = runner.clone("plan")
    base = space.git("rev-parse", "HEAD^").strip()
    runner.run(jobs["plan"]["script"], plan, CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    (told,) = (path for path in jobs["plan"]["artifacts"]["paths"] if path.endswith(".md"))
    assert not (tmp_path / "request/store.logins").exists(), "a merge request has no login that can push"
    assert "file added" not in (plan / told).read_text()
    place = runner.clone("merge-request")
    artifacts(jobs["plan"], plan, place)
    runner.run(jobs["merge-request"]["script"], place)


def test_the_nightly_check_logs_in_for_what_is_private(space: BuildSpace) -> None:
    """An image from outside at the registry that the family is pushed to needs the same login."""
    host = space.engine.registry.address
    held = {"digest": "sha256:" + "1" * 64, "platforms": {"linux/amd64": {"digest": "sha256:" + "2" * 64}}}
    for place, logs_in in ((f"{host}/else/private:1", True), ("docker.io/library/ubuntu:22.04", False)):
        space.write({"images.lock": json.dumps({"version": 1, "images": {place: held}})})
        for provider in ("gitlab", "github"):
            found = pipeline(space, provider)
            lock = found.get("lock") or found["jobs"]["lock"]
            text = yaml.safe_dump(lock)
            assert (f"docker login {host}" in text) is logs_in, (place, provider)
            assert "--check" in text.rpartition("docker login")[2], "before the check"


def commands(step: dict[str, Any]) -> list[str]:
    """A step's commands as the agent hands them to a shell."""
    return [line.replace("$$", "$") for line in step["commands"]]


def test_buildkite_builds_a_family_that_reads_its_whole_workspace(space: BuildSpace, tmp_path: Path) -> None:
    steps = {step["key"]: step for step in pipeline(space, "buildkite")["steps"]}
    runner = Runner(space, tmp_path / "branch")
    runner.run(commands(steps["plan"]), runner.clone("plan"))
    uploaded = json.loads((runner.store / "steps.json").read_text())["steps"]
    assert len(uploaded) == len(EDITED)
    for step in uploaded:
        runner.run(commands(step), runner.clone(step["key"]))
    assert space.build("--push", "app")["app"]["outcome"] == "reused", "it was pushed"


def test_buildkite_builds_a_pull_request(space: BuildSpace, tmp_path: Path) -> None:
    steps = {step["key"]: step for step in pipeline(space, "buildkite")["steps"]}
    runner = Runner(space, tmp_path / "request")
    place = runner.clone("pull-request")
    runner.run(["git branch -q base HEAD^", "git update-ref refs/remotes/origin/base base"], place)
    runner.run(commands(steps["pull-request"]), place, BUILDKITE_PULL_REQUEST_BASE_BRANCH="base")
