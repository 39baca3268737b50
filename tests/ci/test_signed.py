"""A pipeline of a family whose records are signed has what signs them, in the jobs that publish and in no others."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.trust.forging import POLICY
from tests.trust.sealing import MAIN, pem, section
from tests.workspace import Workspace

KEY = "PLANNER_SIGNING_KEY"


def written(root: Path, provider: str, *words: str, signed: bool = True) -> tuple[str, Any]:
    space = Workspace(root / "family")
    files = {"images.yaml": "version: 1\nregistry: r.example/f\nimages: {a: {}, b: {dockerfile: b}}\n"}
    policy = POLICY.format(address="r.example", path="f") + (section() if signed else "")
    space.write({**files, "Dockerfile": "FROM x\n", "b": "FROM r.example/f/a\n", "policy.yaml": policy})
    run = space.planner("ci", provider, "-o", "-", *words)
    assert run.returncode == 0, run.stderr
    return run.stdout, yaml.safe_load(run.stdout)


@pytest.mark.parametrize("words", [(), ("--static",)])
def test_jobs_that_publish_have_the_key(tmp_path: Path, words: tuple[str, ...]) -> None:
    text, document = written(tmp_path, "github", *words)
    assert document["on"]["workflow_call"]["secrets"][KEY] == {"required": False}
    for name, job in document["jobs"].items():
        given = [step["env"][KEY] for step in job["steps"] if KEY in step.get("env", {})]
        publishes = name.startswith(("level", "build-"))
        assert given == (["${{ secrets.PLANNER_SIGNING_KEY }}"] if publishes else [])
    assert text.count("[trust]") == text.count("pipx install")


@pytest.mark.parametrize("provider", ["gitlab", "buildkite"])
def test_every_planner_can_check_signatures(tmp_path: Path, provider: str) -> None:
    text, _ = written(tmp_path, provider)
    assert text.count("[trust]") == text.count("pipx install --force") > 1


def test_gitlabs_file_of_the_key_is_one_that_the_planner_takes(tmp_path: Path) -> None:
    """The runner writes a variable of type file so that others can read it, and such a key is refused."""
    _, document = written(tmp_path, "gitlab")
    (matrix,) = (line for line in document["plan"]["script"] if " matrix " in line)
    (setup,) = (word for word in shlex.split(matrix) if "chmod" in word)
    key = tmp_path / "key.pem"
    key.write_text(pem(MAIN))
    key.chmod(0o666)
    environment = {**os.environ, "PLANNER_SIGNING_KEY_FILE": os.fspath(key)}
    show = [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(tmp_path / "family"), "signing-key", "show"]
    refused = subprocess.run(show, env=environment, capture_output=True, text=True, check=False)
    assert (refused.returncode, "others can read it" in refused.stderr) == (1, True)
    subprocess.run(["sh", "-e", "-c", setup], env=environment, check=True)
    assert subprocess.run(show, env=environment, capture_output=True, check=False).returncode == 0
    subprocess.run(["sh", "-e", "-c", setup], env={"PATH": os.environ["PATH"]}, check=True)


@pytest.mark.parametrize("provider", ["github", "gitlab", "buildkite"])
def test_nothing_of_it_where_nothing_is_signed(tmp_path: Path, provider: str) -> None:
    text, _ = written(tmp_path, provider, signed=False)
    assert "[trust]" not in text
    assert KEY not in text
