"""Written pipelines are what the providers read, hold no more rights than they use, and let nothing in a name act."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from planner.ci.actions import PINNED
from planner.ci.buildkite import buildkite_pipeline
from planner.ci.child_pipelines import buildkite_steps, gitlab_child
from planner.ci.github import workflow
from planner.ci.gitlab import gitlab_pipeline
from planner.ci.matrix import Legs, matrix_github
from planner.errors import PlannerError
from tests.ci import judged
from tests.ci.families import work
from tests.ci.install import gitlab_ci_local
from tests.workspace import Workspace

QUICK = {"actionlint": range(60), "gitlab-ci-local": range(4), "Buildkite's schema": range(60)}
NOT_PROPOSED = "github.event_name != 'pull_request' && github.event_name != 'merge_group'"
WRITE = {"comment": {"pull-requests"}, "clean-up": {"actions"}}
NASTY = ("${{ github.token }}", "$(touch it)", "`id`", "'; id #", '"; id #', "$HOME", "a b", "--push")


@pytest.mark.parametrize("name", list(judged.JUDGES))
def test_the_providers_judges_take_every_file(name: str) -> None:
    judged.JUDGES[name](QUICK[name])


def written(seed: int) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(workflow(judged.settings_of(seed), "planner ci github"))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_no_job_has_more_rights_than_it_uses(seed: int) -> None:
    document = written(seed)
    assert document["permissions"] == {}
    for name, job in document["jobs"].items():
        rights = {right for right, level in job["permissions"].items() if level == "write"}
        text = yaml.safe_dump(job)
        publishes = name.startswith(("level", "build-"))
        assert rights <= WRITE.get(name, {"packages", "id-token"} if publishes or name in ("plan", "lock") else set())
        assert "packages" not in rights or (publishes and "ghcr.io" in text), "only who pushes to GHCR"
        assert ("id-token" in rights) <= ("auth@" in text or "credentials@" in text), "only who logs in with it"
        assert ("--only --push" in text) == (publishes and "docker login" in text)
        if rights - {"id-token"} and not publishes:
            assert "checkout@" not in text, "who may write elsewhere runs no code of the repository"
        if publishes:
            assert "github.event_name != 'pull_request'" in job["if"]
            assert "github.ref == 'refs/heads/" in job["if"]
        for step in job["steps"]:
            if "secrets." in str(step):
                assert publishes or step["if"] == NOT_PROPOSED


@pytest.mark.parametrize("seed", range(40))
def test_actions_are_named_by_commit_and_scripts_hold_no_expression(seed: int) -> None:
    for job in written(seed)["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


RUNNERS = {"GIT_DEPTH", "GIT_STRATEGY", "GIT_SUBMODULE_STRATEGY"}
"""Variables that GitLab's own runner reads."""


@pytest.mark.parametrize("seed", range(10))
def test_no_variable_has_a_name_that_a_family_may_use_too(seed: int) -> None:
    """Variables of graph files are overridden by the environment."""
    named: set[str] = set()
    for name, job in written(seed)["jobs"].items():
        for step in job["steps"]:
            calls = "planner" in step.get("run", "") and name not in WRITE
            named |= set(step.get("env", ())) if calls else set()
    for job in yaml.safe_load(gitlab_pipeline(judged.settings_of(seed), "x")).values():
        named |= set(job.get("variables", ())) if isinstance(job, dict) else set()
    for job in json.loads(gitlab_child(judged.legs_of(seed, "gitlab"))).values():
        named |= set(job.get("variables", ())) if isinstance(job, dict) else set()
    assert named
    assert {name for name in named - RUNNERS if not name.startswith("PLANNER_")} == set()


@pytest.mark.parametrize("seed", range(40))
def test_a_caller_knows_which_secrets_to_hand_on(seed: int) -> None:
    document = written(seed)
    used = set(re.findall(r"secrets\.(\w+)", yaml.safe_dump(document["jobs"])))
    declared = document["on"]["workflow_call"].get("secrets", {})
    assert set(declared) == used
    assert all(one["required"] is False for one in declared.values()), "pull requests get none"


@pytest.mark.parametrize("seed", range(40))
def test_no_login_leaves_a_file_in_the_workspace(seed: int) -> None:
    """Whatever lies there is part of an image that copies its whole workspace, and of its key."""
    for job in written(seed)["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("google-github-actions/auth@"):
                assert step["with"]["create_credentials_file"] is False
                assert {"token_format": "access_token"}.items() <= step["with"].items(), "the login uses it"


def test_jobs_that_need_a_right_of_the_repository_itself_leave_forks_alone() -> None:
    """A run for a fork has a token that may read, whatever the job asks for."""
    for name in WRITE:
        assert "head.repo.full_name == github.repository" in written(1)["jobs"][name]["if"]


def test_the_commits_of_actions_differ() -> None:
    assert len({commit for _, commit in PINNED.values()}) == len(PINNED)


def legs(names: tuple[str, ...] = (), **changed: Any) -> Legs:
    found = judged.legs_of(1, "gitlab")
    if names:
        job = replace(found.jobs[0], images=names)
        found = replace(found, jobs=(job,))
    return replace(found, **changed)


@pytest.mark.parametrize("nasty", NASTY)
def test_nothing_on_the_command_line_acts(nasty: str, tmp_path: Path) -> None:
    """A folder, a variable, or a runner's set-up reaches the shell as the one word that it is."""
    command = ("planner", "-C", nasty, "--var", f"A={nasty}")
    ours = legs(command=command, setup=())
    child = json.loads(gitlab_child(ours))
    scripts = [line for job in child.values() if isinstance(job, dict) for line in job.get("script", ())]
    steps = json.loads(buildkite_steps(ours))["steps"]
    scripts += [uploaded(step["commands"][-1]) for step in steps]
    settings = replace(judged.settings_of(1), command=command)
    pipeline = yaml.safe_load(workflow(settings, "x"))
    scripts.append(
        next(
            step["run"]
            for step in pipeline["jobs"]["pull-request"]["steps"]
            if step["name" if "name" in step else "uses"] == "Build"
        )
    )
    for script in scripts:
        seen = run_with_stub(filled_in(script), tmp_path)
        assert seen[:4] == ["-C", nasty, "--var", f"A={nasty}"], script
    assert list(tmp_path.iterdir()) == [tmp_path / "planner"]


def uploaded(command: str) -> str:
    """What a shell gets of a command after the agent's own variables: `$$` is a dollar, a single one would be ours."""
    assert not re.search(r"(?<!\$)(\$\$)*\$(?!\$)", command)
    return command.replace("$$", "$")


def filled_in(script: str) -> str:
    """A script of a workflow after GitHub filled in its only expression, the one that stands for its own beginning."""
    return script.replace("${{ '${{' }}", "${{")


def run_with_stub(script: str, folder: Path) -> list[str]:
    """The arguments that a program `planner` gets when a shell runs the script."""
    stub = folder / "planner"
    stub.write_text('#!/bin/sh\nfor one in "$@"; do printf "%s\\n" "$one"; done\n')
    stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PLANNER_IMAGES": "a b"}
    run = subprocess.run(
        ["bash", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout.splitlines()


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[2Jb", "a\rb", "a\u2028b"])
def test_lines_and_escapes_are_refused(text: str) -> None:
    for write in (matrix_github, gitlab_child, buildkite_steps):
        with pytest.raises(PlannerError, match="cannot be written safely"):
            write(legs(command=("planner", "-C", text)))
    for pipeline in (workflow, gitlab_pipeline, buildkite_pipeline):
        for field in ("install", "branch", "cron"):
            with pytest.raises(PlannerError):
                pipeline(replace(judged.settings_of(1), **{field: text}), "x")
        with pytest.raises(PlannerError):
            pipeline(replace(judged.settings_of(1), work=work(1, 3, registry=f"r.example/{text}")), "x")


@pytest.mark.parametrize("branch", ["a'b", "${{ x }}", "-x", "a b", "a$b", 'a"b'])
def test_branches_that_are_refused(branch: str) -> None:
    for pipeline in (workflow, gitlab_pipeline, buildkite_pipeline):
        with pytest.raises(PlannerError, match="--branch"):
            pipeline(replace(judged.settings_of(1), branch=branch), "x")


def test_a_name_in_a_saved_plan_that_no_pipeline_can_hold(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM x\n"})
    space.commit()
    plan = tmp_path / "plan.json"
    space.planner("plan", "--all", "--out", os.fspath(plan))
    plan.write_text(plan.read_text().replace('"name": "a"', '"name": "${{ github.token }}"'))
    for form in ("github", "gitlab", "buildkite", "json"):
        run = space.planner("matrix", "--plan", os.fspath(plan), "--format", form)
        assert run.returncode == 1
        assert "Traceback" not in run.stderr
        assert run.stdout == ""


def test_gitlab_runs_the_child_in_the_order_of_the_graph(tmp_path: Path) -> None:
    """gitlab-ci-local's shell executor runs every job of a child pipeline, with a stub for the planner."""
    family = work(5, 9)
    found = Legs(work=family, jobs=judged.jobs_of(family, judged.alone(family)), by="level")
    judged.listed(gitlab_child(found), tmp_path)
    (tmp_path / "bin").mkdir()
    stub = tmp_path / "bin" / "planner"
    log = tmp_path / "log"
    told = shlex.quote(os.fspath(log))
    script = f'for last in "$@"; do :; done\necho "begin $last" >> {told}\nsleep 0.3\necho "end $last" >> {told}\n'
    stub.write_text(f"#!/bin/sh\n{script}")
    stub.chmod(0o755)
    subprocess.run(["git", "add", "build.yml"], cwd=tmp_path, check=True)
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, "commit", "-q", "-m", "x"], cwd=tmp_path, check=True)
    run = subprocess.run(
        [os.fspath(gitlab_ci_local()), "--file", "build.yml", "--concurrency", "3"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    done = log.read_text().splitlines()
    assert sorted(done) == sorted(f"{what} {name}" for name in family.order for what in ("begin", "end"))
    for name in family.order:
        for parent in family.parents[name]:
            assert done.index(f"end {parent}") < done.index(f"begin {name}")


def test_more_needs_than_gitlab_takes_are_told_when_the_pipeline_is_written(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    parents = [f"p{number}" for number in range(50)]
    copies = "".join(f"COPY --from=r.example/{name} / /\n" for name in parents)
    images = "".join(f"  {name}: {{}}\n" for name in parents)
    space.write(
        {
            "images.yaml": f"version: 1\nregistry: r.example\nimages:\n{images}  all: {{dockerfile: all}}\n",
            "Dockerfile": "FROM x\n",
            "all": f"FROM x\n{copies}",
        }
    )
    run = space.planner("ci", "gitlab", "-o", "-")
    assert (run.returncode, run.stdout) == (1, "")
    assert "planner ci gitlab --by chain" in run.stderr
    run = space.planner("ci", "gitlab", "--by", "chain", "-o", "-")
    assert run.returncode == 0, run.stderr
    document = yaml.safe_load(run.stdout)
    assert "--by chain" in run.stdout.partition("\n")[0]
    assert any("matrix" in line and "--by chain" in line for line in document["plan"]["script"])
    assert space.planner("matrix", "--all", "--format", "gitlab").returncode == 1
    child = json.loads(space.planner("matrix", "--all", "--format", "gitlab", "--by", "chain").stdout)
    assert [len(job["needs"]) for job in child.values() if isinstance(job, dict)] == [0]
    assert space.planner("ci", "buildkite", "-o", "-").returncode == 0
    assert space.planner("ci", "buildkite", "--by", "chain", "-o", "-").returncode == 2, "it has no such limit"
    assert space.planner("matrix", "--format", "gitlab", "p0").returncode == 0


@pytest.mark.parametrize("provider", ["github", "gitlab", "buildkite"])
def test_a_stale_file_is_told(provider: str, tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write({"images.yaml": "version: 1\nregistry: r.example\nimages: {a: {}}\n", "Dockerfile": "FROM x\n"})
    file = os.fspath(tmp_path / "out" / "pipeline.yml")
    words = ("ci", provider, "-o", file)
    assert space.planner(*words, "--check").returncode == 3
    assert space.planner(*words).returncode == 0
    assert space.planner(*words, "--check").returncode == 0
    if provider == "github":
        space.write(
            {
                "images.yaml": "version: 1\nregistry: r.example\nimages: {a: {}, b: {dockerfile: b}}\n",
                "b": "FROM r.example/a\n",
            }
        )
        assert space.planner(*words, "--check").returncode == 3, "there is one level more"
    Path(file).write_text("name: by hand\n")
    run = space.planner(*words, "--check")
    assert (run.returncode, run.stdout) == (3, f"{file}: is stale\n")
