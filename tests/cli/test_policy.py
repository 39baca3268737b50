"""`planner policy` proves, counts, tells the shortest counterexample, and lints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_documents import check
from tests.policy.policies import SOUND, changed
from tests.workspace import Workspace


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(
        {
            "images.yaml": "version: 1\nkeys: {algorithm: sha256}\nimages: {a: {}}\n",
            "Dockerfile": "FROM scratch\n",
            "policy.yaml": SOUND,
            ".github/workflows/a.yml": "on: push\npermissions: {}\njobs: {a: {steps: [{run: make}]}}\n",
        }
    )
    workspace.commit()
    return workspace


def test_a_sound_policy_holds(space: Workspace) -> None:
    run = space.planner("policy", "check")
    assert run.returncode == 0, run.stderr
    assert "4752 runs" in run.stdout
    assert "holds: nothing" in run.stdout
    check("policy-check", space.document("policy", "check"))


def test_a_counterexample_is_told_step_by_step(space: Workspace) -> None:
    space.write({"policy.yaml": changed(("levels: [trusted]", "levels: [trusted, pr]"))})
    run = space.planner("policy", "check")
    assert run.returncode == 3
    assert "  pr: pull request 1" in run.stdout
    assert "    writes builder main, which is read by\n  trusted: push" in run.stdout
    document = json.loads(space.planner("policy", "check", "--format", "json").stdout)
    check("policy-check", document)
    assert document["chains"][0]["through"] == ["builder main", "image at cache/images"]


def test_fast_keys_beside_untrusted_writers_are_refused(space: Workspace) -> None:
    space.write({"images.yaml": "version: 1\nimages: {a: {}}\n"})
    run = space.planner("policy", "check")
    assert run.returncode == 3
    assert "refused: keys are made with xxh3_128" in run.stdout


def test_lint(space: Workspace) -> None:
    assert space.planner("policy", "lint").returncode == 0
    space.write({".github/workflows/b.yaml": "on: push\npermissions: {}\njobs: {a: {steps: [{uses: a/b@v1}]}}\n"})
    run = space.planner("policy", "lint")
    assert run.returncode == 3
    assert ".github/workflows/b.yaml:3: a/b@v1 is whatever its owner says tomorrow [unpinned-action]" in run.stdout
    check("policy-lint", json.loads(space.planner("policy", "lint", "--format", "json").stdout))


def test_no_policy_and_a_bad_one(space: Workspace) -> None:
    (space.root / "policy.yaml").unlink()
    assert "policy.yaml: cannot be read" in space.planner("policy", "check").stderr
    space.write({"policy.yaml": "version: 1\nscope: {}\n"})
    run = space.planner("policy", "check")
    assert run.returncode == 1
    assert 'policy.yaml:2:1: policy: unknown field "scope"' in run.stderr
    space.write({".github/workflows/c.yml": "a: [\n"})
    assert ".github/workflows/c.yml:2:1: is no YAML" in space.planner("policy", "lint").stderr
