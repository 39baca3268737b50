"""Has the providers' own judges read pipelines of random families: `python -m tests.ci.judged --graphs 200`.

actionlint reads workflows, gitlab-ci-local GitLab's files against GitLab's own schema, and Buildkite's are held against
the schema that Buildkite publishes (in its package `buildkite-sdk`).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from planner.ci.buildkite import buildkite_pipeline
from planner.ci.child_pipelines import buildkite_steps, gitlab_child
from planner.ci.github import workflow
from planner.ci.gitlab import gitlab_pipeline
from planner.ci.jobs import alone, connected, jobs_of
from planner.ci.limits import BUILDKITE, GITLAB, fitted
from planner.ci.matrix import Legs
from planner.ci.packing import Costs, packed
from planner.ci.pipeline import Settings
from tests.ci.families import work
from tests.ci.install import actionlint, gitlab_ci_local

REGISTRIES = (
    "ghcr.io/acme/f",
    "europe-west3-docker.pkg.dev/acme/f",
    "123456789012.dkr.ecr.eu-central-1.amazonaws.com/f",
    "registry.example:5000/f",
)
NAMES = ("a.b", "A/B_c", "x--y", "cuda11.8-cudnn8.9", "true", "pages", "include", "default", "on")


def settings_of(seed: int) -> Settings:
    """A pipeline of a random family, with the settings that chance gives it."""
    turn = random.Random(seed)  # noqa: S311 -- the same pipeline each time is what is wanted
    names = turn.sample(NAMES, len(NAMES))
    return Settings(
        work=work(seed, turn.randint(1, 40), names=names, registry=turn.choice(REGISTRIES)),
        command=("planner", "-C", "my images") if turn.random() < 0.3 else ("planner",),
        install="pipx install image-family-planner",
        branch=turn.choice(("main", "release/1.x")),
        locked=turn.random() < 0.5,
        static=turn.random() < 0.5,
        private=turn.random() < 0.5,
        environment={"PLANNER_REGISTRY": "registry.example/f"} if turn.random() < 0.5 else {},
    )


def legs_of(seed: int, provider: str) -> Legs:
    """The legs of the same family, grouped as chance has it."""
    turn = random.Random(seed)  # noqa: S311 -- see above
    family = settings_of(seed).work
    groups = turn.choice((alone, lambda one: connected(one, one.order), lambda one: packed(one, 4, Costs())))(family)
    groups = fitted(family, groups, GITLAB if provider == "gitlab" else BUILDKITE)
    environment = settings_of(seed).environment
    setup = ("pipx install it", 'printf %s "$TOKEN" | docker login')
    return Legs(
        work=family, jobs=jobs_of(family, groups), by="level", plan="plan.json", setup=setup, environment=environment
    )


def judge_github(seeds: Iterable[int]) -> None:
    """Raise AssertionError with all that actionlint says."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "actionlint.yaml")
        config.write_text("self-hosted-runner:\n  labels: [large-disk]\n")
        paths = [Path(folder, f"{seed}.yml") for seed in seeds]
        for path in paths:
            path.write_text(workflow(settings_of(int(path.stem)), "planner ci github"))
        argv = [os.fspath(actionlint()), "-no-color", "-config-file", os.fspath(config), *map(os.fspath, paths)]
        run = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr


def listed(text: str, folder: Path) -> str:
    """What gitlab-ci-local lists of a file; raises AssertionError where it, or GitLab's schema, refuses it."""
    if not (folder / ".git").exists():
        subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
        subprocess.run(["git", "remote", "add", "origin", "git@gitlab.example:a/b.git"], cwd=folder, check=True)
    (folder / "build.yml").write_text(text)
    argv = [os.fspath(gitlab_ci_local()), "--file", "build.yml", "--list"]
    run = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr + text
    assert "schema validated" in run.stderr + run.stdout, run.stderr
    return run.stdout


def judge_gitlab(seeds: Iterable[int]) -> None:
    """Raise AssertionError where a child pipeline or the pipeline that starts it is refused, or lacks a job."""
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            legs = legs_of(seed, "gitlab")
            told = listed(gitlab_child(legs), Path(folder))
            assert all(f"{job.id} " in told for job in legs.jobs), told
            listed(gitlab_pipeline(settings_of(seed), "planner ci gitlab"), Path(folder))


def buildkite_schema() -> dict[str, Any]:
    """The schema that Buildkite publishes, as its package for Python carries it."""
    found: dict[str, Any] = json.loads(files("buildkite_sdk").joinpath("schema.json").read_text())
    return found


def judge_buildkite(seeds: Iterable[int]) -> None:
    """Raise jsonschema's error where Buildkite's schema refuses a file."""
    schema = buildkite_schema()
    validator = jsonschema.validators.validator_for(schema)(schema)
    for seed in seeds:
        validator.validate(json.loads(buildkite_steps(legs_of(seed, "buildkite"))))
        validator.validate(yaml.safe_load(buildkite_pipeline(settings_of(seed), "planner ci buildkite")))


JUDGES: dict[str, Callable[[Iterable[int]], None]] = {
    "actionlint": judge_github,
    "gitlab-ci-local": judge_gitlab,
    "Buildkite's schema": judge_buildkite,
}


def run(judges: dict[str, Callable[[Iterable[int]], None]], about: str | None, kind: str) -> None:
    """Have all judges read what so many families lead to: a command line."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=int, default=200)
    options = parser.parse_args()
    for name, judge in judges.items():
        judge(range(options.graphs))
        print(f"{name}: {options.graphs} families, every {kind} accepted", flush=True)


if __name__ == "__main__":
    run(JUDGES, __doc__, "file")
