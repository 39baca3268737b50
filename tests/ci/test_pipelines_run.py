"""The written pipelines of GitLab and Buildkite, run here job by job: each in its own clone, with artifacts alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.build.family import BuildSpace
from tests.ci.test_github_run import published
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
        run = self.tried(commands, place, **variables)
        assert run.returncode == 0, run.stderr + run.stdout

    def tried(self, commands: list[str], place: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.bin}:{Path(sys.executable).parent}:{self.space.engine.environment['PATH']}"
        return subprocess.run(
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


def runs(job: dict[str, Any], **variables: str) -> bool:
    """Whether GitLab has a job in a pipeline: the first of its rules whose condition holds decides, none is never."""
    if "rules" not in job:
        return True
    for rule in job["rules"]:
        parts = [re.fullmatch(r'\$(\w+)(?: == "(.*)")?', part) for part in rule["if"].split(" && ")]
        holds = [variables.get(one[1], "") == one[2] if one[2] else one[1] in variables for one in parts if one]
        if all(holds):
            return rule.get("when") != "never"
    return False


BRANCH = {"CI_COMMIT_BRANCH": "main"}
CHILD = {**BRANCH, "CI_PIPELINE_SOURCE": "parent_pipeline", "PLANNER_TURN": "true"}


class GitLab:
    """A pipeline of the branch, of which the resource group holds all from the plan to the last build."""

    def __init__(self, space: BuildSpace, folder: Path, commit: str = "HEAD") -> None:
        self.jobs = pipeline(space, "gitlab")
        self.runner = Runner(space, folder)
        self.commit = space.git("rev-parse", commit).strip()
        self.planned: Path | None = None

    def clone(self, name: str) -> Path:
        place = self.runner.clone(name)
        subprocess.run(["git", "checkout", "-q", self.commit], cwd=place, check=True)
        return place

    def plan(self) -> subprocess.CompletedProcess[str]:
        """What is held by the resource group begins with it."""
        assert runs(self.jobs["turn"], **BRANCH, CI_PIPELINE_SOURCE="push")
        assert not runs(self.jobs["turn"], **CHILD), "it would wait for itself"
        assert not runs(self.jobs["plan"], **BRANCH, CI_PIPELINE_SOURCE="push"), "it would wait for nothing"
        assert runs(self.jobs["plan"], **CHILD)
        assert runs(self.jobs["build"], **CHILD)
        elsewhere = {**CHILD, "CI_COMMIT_BRANCH": "feature"}
        assert not any(runs(job, **elsewhere) for job in self.jobs.values() if isinstance(job, dict))
        assert not runs(self.jobs["turn"], **BRANCH, CI_PIPELINE_SOURCE="parent_pipeline"), "one level too many"
        place = self.clone("plan")
        login = {"REGISTRY_USER": "user", "REGISTRY_TOKEN": "secret"}
        run = self.runner.tried(self.jobs["plan"]["script"], place, **BRANCH, **login)
        self.planned = place if run.returncode == 0 else None
        return run

    def build(self, **variables: str) -> list[subprocess.CompletedProcess[str]]:
        assert self.planned is not None
        child = json.loads((self.planned / self.jobs["build"]["trigger"]["include"][0]["artifact"]).read_text())
        found = []
        for name in (name for name in child if name.startswith("build-")):
            place = self.clone(f"{name}-{len(list(self.runner.folder.iterdir()))}")
            artifacts(self.jobs["plan"], self.planned, place)
            commands = child["default"]["before_script"] + child[name]["script"]
            found.append(self.runner.tried(commands, place, **BRANCH, **variables))
        return found


def ended_well(runs: list[subprocess.CompletedProcess[str]]) -> None:
    for run in runs:
        assert run.returncode == 0, run.stderr + run.stdout


def test_gitlabs_tags_name_the_newer_of_two_quick_pushes(space: BuildSpace, tmp_path: Path) -> None:
    """A plan that is made while an older pipeline builds does not know what tags name when that one has ended."""
    newest = built_before(space, tmp_path)
    older = GitLab(space, tmp_path / "older")
    ended_well([older.plan()])
    space.git("revert", "--no-edit", "HEAD")
    newer = GitLab(space, tmp_path / "newer")
    ended_well(older.build())
    ended_well([newer.plan(), *newer.build()])
    assert_named(space, tmp_path, newest)


def test_gitlabs_tags_do_not_go_back(space: BuildSpace, tmp_path: Path) -> None:
    """Where a pipeline is started again whose branch has moved on, or gets its turn after a newer one."""
    newest = built_before(space, tmp_path)
    older = GitLab(space, tmp_path / "older")
    ended_well([older.plan(), *older.build()])
    ended_well(older.build(CI_JOB_RETRY_COUNT="1"))
    space.git("revert", "--no-edit", "HEAD")
    newer = GitLab(space, tmp_path / "newer")
    space.git("commit", "-q", "--allow-empty", "-m", "1.0.1 [skip ci]")
    ended_well([newer.plan(), *newer.build()])
    for run in (*older.build(CI_JOB_RETRY_COUNT="1"), GitLab(space, tmp_path / "again", older.commit).plan()):
        assert run.returncode == 1
        assert "refused, since main is at" in run.stderr
    assert_named(space, tmp_path, newest)


def built_before(space: BuildSpace, tmp_path: Path) -> dict[str, str]:
    """What tags name after a pipeline of a state that the branch comes back to, and then has no more."""
    space.git("revert", "--no-edit", "HEAD")
    one = GitLab(space, tmp_path / "published")
    ended_well([one.plan(), *one.build()])
    space.git("revert", "--no-edit", "HEAD")
    return published(space.engine, tmp_path.name.replace("_", "-"))


def assert_named(space: BuildSpace, tmp_path: Path, newest: dict[str, str]) -> None:
    found = published(space.engine, tmp_path.name.replace("_", "-"))
    assert {name: found[name] for name in newest} == newest


def test_gitlab_starts_the_file_again_where_it_lies(space: BuildSpace) -> None:
    for words, path in (
        ((), "/.gitlab-ci.yml"),
        (("-o", os.fspath(space.root / "ci/images.gitlab-ci.yml")), "/ci/images.gitlab-ci.yml"),
    ):
        assert space.planner("ci", "gitlab", *words).returncode == 0
        jobs = yaml.safe_load((space.root / path[1:]).read_text())
        assert jobs["turn"]["trigger"] == {"include": [{"local": path}], "strategy": "depend"}
        assert jobs["turn"]["resource_group"] == "images"
    for name in ("images", "a*.yml", "$HOME.yml"):
        run = space.planner("ci", "gitlab", "-o", os.fspath(space.root / name))
        assert (run.returncode, run.stdout) == (1, "")
        assert "by its path" in run.stderr


def test_gitlab_builds_a_family_that_reads_its_whole_workspace(space: BuildSpace, tmp_path: Path) -> None:
    jobs = pipeline(space, "gitlab")
    runner = Runner(space, tmp_path / "branch")
    plan = runner.clone("plan")
    token, host = "secret", space.engine.registry.address
    runner.run(jobs["plan"]["script"], plan, **BRANCH, REGISTRY_USER="user", REGISTRY_TOKEN=token)
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


def test_gitlab_plans_a_merged_result_against_the_target(space: BuildSpace, tmp_path: Path) -> None:
    """What the target changed since the merge request began is none of its changes."""
    jobs = pipeline(space, "gitlab")
    base = space.git("rev-parse", "HEAD^").strip()
    space.git("checkout", "-q", "-b", "target", base)
    space.write({"base.txt": "moved on\n"})
    space.git("commit", "-q", "-a", "-m", "of the target")
    target = space.git("rev-parse", "HEAD").strip()
    space.git("merge", "-q", "--no-edit", "main")
    runner = Runner(space, tmp_path / "request")
    plan = runner.clone("plan")
    merged = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": target}
    runner.run(jobs["plan"]["script"], plan, **merged)
    assert "**2 of 3 images rebuild**" in (plan / ".planner/plan.md").read_text()


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
    steps = {step["key"]: step for step in pipeline(space, "buildkite")["steps"] if "key" in step}
    runner = Runner(space, tmp_path / "branch")
    runner.run(commands(steps["plan"]), runner.clone("plan"))
    uploaded = json.loads((runner.store / "steps.json").read_text())["steps"]
    assert len(uploaded) == len(EDITED)
    for step in uploaded:
        runner.run(commands(step), runner.clone(step["key"]))
    assert space.build("--push", "app")["app"]["outcome"] == "reused", "it was pushed"


def test_buildkites_tags_do_not_go_back(space: BuildSpace, tmp_path: Path) -> None:
    """A job that is retried, and a build that is built again, once the branch has moved on."""
    steps = {step["key"]: step for step in pipeline(space, "buildkite")["steps"] if "key" in step}
    runner = Runner(space, tmp_path / "branch")
    first = runner.clone("plan")
    there = {"BUILDKITE_BRANCH": "main", "BUILDKITE_RETRY_COUNT": "0", "BUILDKITE_REBUILT_FROM_BUILD_ID": ""}
    again = ({"BUILDKITE_RETRY_COUNT": "1"}, {"BUILDKITE_REBUILT_FROM_BUILD_ID": "0190"})
    for variables in ({}, *again):
        runner.run(commands(steps["plan"]), first, **{**there, **variables})
    step = json.loads((runner.store / "steps.json").read_text())["steps"][0]
    places = [runner.clone(f"step-{number}") for number in range(3)]
    space.git("commit", "-q", "--allow-empty", "-m", "newer")
    for place, variables in zip(places, ({}, *again), strict=True):
        for job in (steps["plan"], step):
            run = runner.tried(commands(job), place, **{**there, **variables})
            assert run.returncode == (1 if variables else 0), run.stderr
            assert ("refused, since main is at" in run.stderr) is bool(variables)


def test_buildkites_next_build_plans_when_the_one_before_has_ended(space: BuildSpace) -> None:
    """The gate of Buildkite's documentation: two steps of one ordered group, and all the others between them."""
    space.write({"images.lock": json.dumps({"version": 1, "images": {}})})
    steps = pipeline(space, "buildkite")["steps"]
    held = [step for step in steps if "concurrency" in step]
    assert [(step["concurrency"], step["concurrency_group"]) for step in held] == [
        (1, "$BUILDKITE_PIPELINE_SLUG/images")
    ] * 2
    assert [step["key"] for step in held] == ["plan", "done"]
    assert steps[-1] == held[1]
    wait = steps[-2]
    assert "wait" in wait
    assert wait["continue_on_failure"] is True, "a build that fails is one that ended"
    assert {wait["if"], *(step["if"] for step in held)} == {
        "build.pull_request.id == null && build.tag == null && build.branch == 'main'"
    }
    assert all("depends_on" not in step for step in held), "what depends on steps does not wait for the others"


def test_buildkite_builds_a_pull_request(space: BuildSpace, tmp_path: Path) -> None:
    steps = {step["key"]: step for step in pipeline(space, "buildkite")["steps"] if "key" in step}
    runner = Runner(space, tmp_path / "request")
    place = runner.clone("pull-request")
    # The clone of an agent is kept, and a build fetches its own ref alone: what it knows of others is old, or nothing.
    space.git("branch", "base", "HEAD^")
    runner.run(commands(steps["pull-request"]), place, BUILDKITE_PULL_REQUEST_BASE_BRANCH="base")
    assert "2 of 3 images" in (tmp_path / "request/store.note").read_text()
