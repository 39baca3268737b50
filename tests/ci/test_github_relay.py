"""The two workflows of a relay: what they may do, and what they never have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from planner.ci.github_relay import relay_workflow, request_workflow
from planner.ci.pipeline import Settings
from planner.errors import PlannerError
from planner.policy.workflow_lint import lint
from tests.ci import judged
from tests.ci.install import actionlint
from tests.workspace import Workspace

NASTY = ("${{ github.token }}", "$(touch it)", "`id`", "'; id #")


def settings(**changed: Any) -> Settings:
    given = {"work": judged.settings_of(1).work, "install": "pipx install it", **changed}
    return Settings(**given)


def written(**changed: Any) -> tuple[str, str]:
    made = settings(**changed)
    return request_workflow(made, "planner ci github-request"), relay_workflow(made, "planner ci github-relay")


def rules(text: str) -> list[str]:
    return [one.rule for one in lint(text.encode(), "w.yml")]


def test_actionlint_takes_both(tmp_path: Path) -> None:
    texts = [*written(), *written(install=" ".join(NASTY), command=("planner", "-C", NASTY[0]), label="a b: c")]
    paths = [tmp_path / f"{number}.yml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
        assert "${{ github.token }}" not in yaml.safe_load(text)["jobs"].popitem()[1]["steps"][1]["run"]
    argv = [os.fspath(actionlint()), "-no-color", *map(os.fspath, paths)]
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_policys_lint_finds_nothing_and_would_find_what_breaks_it() -> None:
    request, relay = written()
    assert rules(request) == rules(relay) == []
    assert "secret-to-outsiders" in rules(relay.replace("    environment: images-relay\n", ""))
    at_head = relay.replace("github.event.repository.default_branch", "github.event.pull_request.head.sha")
    assert rules(at_head) == ["checkout-of-head"]
    assert "write-permission" in rules(relay.replace("actions: read", "actions: write"))


def test_who_asks_has_nothing() -> None:
    text, _ = written()
    document = yaml.safe_load(text)
    assert "secrets" not in text
    assert list(document["on"]) == ["pull_request"]
    assert document["permissions"] == {}
    assert [job["permissions"] for job in document["jobs"].values()] == [{"contents": "read"}]
    assert document["jobs"]["ask"]["steps"][0]["with"]["persist-credentials"] is False


def test_who_builds_runs_the_default_branch_and_writes_nothing_on_github() -> None:
    _, text = written()
    document = yaml.safe_load(text)
    (job,) = document["jobs"].values()
    assert set(job["permissions"].values()) == {"read"}
    (checkout,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"] == {"ref": "${{ github.event.repository.default_branch }}"}
    assert set(document["on"]) == {"workflow_run", "pull_request_target"}
    with_key = [step["name"] for step in job["steps"] if "RELAY_SIGNING_KEY" in str(step)]
    assert with_key == ["Build"], "the private key is in one step alone"


def test_a_registry_that_keeps_no_paths_apart_is_refused() -> None:
    family = settings().work
    from dataclasses import replace

    ghcr = replace(family, family=replace(family.family, registry="ghcr.io/acme"))
    with pytest.raises(PlannerError, match="could write main's too"):
        relay_workflow(settings(work=ghcr), "x")
    with pytest.raises(PlannerError, match="--label"):
        relay_workflow(settings(label="x'"), "x")


GH = """\
#!{python}
import sys
asked = sys.argv[2]
open({log!r}, "a").write(asked + "\\n")
if asked.endswith("/zip"):
    sys.stdout.write("the archive")
elif "/workflows/" in asked:
    print("77" if "head_sha=abc&" in asked else "")
else:
    print("5")
"""
UNZIP = "#!/bin/sh\nhead -c 3000000 /dev/zero\n"


@pytest.mark.parametrize(("run", "head"), [("12", ""), ("", "abc")])
def test_the_request_is_found_by_run_or_by_commit_and_is_bounded(tmp_path: Path, run: str, head: str) -> None:
    _, text = written()
    steps = yaml.safe_load(text)["jobs"]["relay"]["steps"]
    script = next(step["run"] for step in steps if step.get("name") == "Find the request")
    log = tmp_path / "log"
    for name, content in (("gh", GH.format(python=sys.executable, log=os.fspath(log))), ("unzip", UNZIP)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "REPOSITORY": "acme/images",
        "RUN": run,
        "HEAD": head,
    }
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, check=True)
    asked = log.read_text().splitlines()
    assert asked[-2].startswith(f"repos/acme/images/actions/runs/{run or '77'}/artifacts")
    assert asked[-1] == "repos/acme/images/actions/artifacts/5/zip"
    assert (tmp_path / "request.json").stat().st_size == (1 << 20) + 1, "no more than tells that it is too long"


@pytest.mark.parametrize("provider", ["github-request", "github-relay"])
def test_a_stale_file_is_told(provider: str, tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM x\n"})
    file = os.fspath(tmp_path / "out" / "w.yml")
    words = ("ci", provider, "-o", file)
    assert space.planner(*words, "--check").returncode == 3
    assert space.planner(*words).returncode == 0
    assert space.planner(*words, "--check").returncode == 0
    assert "[trust]" in Path(file).read_text()
