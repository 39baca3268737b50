"""`planner policy` proves, counts, tells the shortest counterexample, and lints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.build.bound import bind
from tests.cli.test_documents import check
from tests.policy.policies import SOUND, changed
from tests.trust.runs import environment_of
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


@pytest.mark.parametrize("cache", ["auto", "off"])
def test_a_build_obeys_the_policy_with_layer_caches_and_without(space: Workspace, tmp_path: Path, cache: str) -> None:
    host = "registry.acme.example"
    graph = f"version: 1\nregistry: {host}/images\nkeys: {{algorithm: sha256}}\nimages: {{a: {{}}}}\n"
    space.write({"images.yaml": graph})

    def build(run: str, *arguments: str) -> tuple[int, str]:
        environment = environment_of(run, tmp_path)
        ended = space.planner("build", "--dry-run", "--cache", cache, *arguments, **environment)
        return ended.returncode, ended.stderr + ended.stdout

    assert build("pr/17", "--push")[0] == 1
    assert f"refused: push to {host}/images: a run of level pr" in build("pr/17", "--push")[1]
    assert f"refused: --against {host}/pr/18" in build("pr/17", "--against", f"{host}/pr/18")[1]
    space.write({"images.yaml": graph.replace("keys: {algorithm: sha256}\n", "")})
    assert "refused: keys are made with xxh3_128" in build("pr/17")[1]
    space.write({"images.yaml": graph})
    status, said = build("main")
    assert status == 0, said
    assert ("--cache-to" in said) is (cache == "auto")
    state = space.root / ".planner"
    state.mkdir(exist_ok=True)
    bind(state / "served", f"the state folder {state}", "pr/7", "pr")
    ended = space.planner("build", "--cache", cache, **environment_of("main", tmp_path))
    assert ended.returncode == 1
    assert "served scope pr/7 (level pr), so it does not serve main" in ended.stderr


def test_no_layer_cache_is_written_where_caches_are_off(space: Workspace, tmp_path: Path) -> None:
    asked = space.planner("build", "--cache", "off", "--cache-to", "main", **environment_of("main", tmp_path))
    assert asked.returncode == 1
    assert "--cache-to main: --cache off writes nothing" in asked.stderr
