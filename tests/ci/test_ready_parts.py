"""The ready action and the pre-commit hooks at the repository's top say what their readers want, and run here."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from planner import __version__
from planner.ci.pipeline import DEEPEST
from planner.cli.main import parser_of
from tests.workspace import IDENTITY, Workspace

CHECKOUT = Path(__file__).parents[2]


def test_the_action_plans_and_gives_a_matrix(tmp_path: Path) -> None:
    """Its own step, run as GitHub would: inputs are variables, outputs are lines of a file."""
    space = Workspace(tmp_path / "space")
    space.git("commit", "-q", "--allow-empty", "-m", "nothing")
    space.git("branch", "EMPTY")
    files = {"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM x\nCOPY . /x\n"}
    space.write({f"{folder}{name}": text for name, text in files.items() for folder in ("", "fam/")})
    space.commit()
    document = yaml.safe_load((CHECKOUT / "action.yml").read_text())
    step = next(one for one in document["runs"]["steps"] if one.get("id") == "plan")
    for folder, since, any_of_it in (("fam", "HEAD", "false"), ("fam", "EMPTY", "true"), ("top", "EMPTY", "true")):
        inputs = {name: str(one["default"]) for name, one in document["inputs"].items()} | {
            "since": since,
            "folder": {"fam": "fam", "top": "."}[folder],
        }
        variables = {name: inputs[value[len("${{ inputs.") : -len(" }}")]] for name, value in step["env"].items()}
        files = {
            name: os.fspath(tmp_path / f"{name}{folder}{since}") for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        }
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        run = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=space.root,
            env={**os.environ, **IDENTITY, **variables, **files, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        outputs = dict(line.split("=", 1) for line in Path(files["GITHUB_OUTPUT"]).read_text().splitlines())
        assert set(outputs) == set(document["outputs"])
        assert outputs["any"] == any_of_it
        assert json.loads(outputs["matrix"])["any"] is (any_of_it == "true")
        assert (space.root / outputs["plan"]).exists()


def test_the_action_sets_no_variable_that_a_family_may_use_too() -> None:
    document = yaml.safe_load((CHECKOUT / "action.yml").read_text())
    named = {name for step in document["runs"]["steps"] for name in step.get("env", ())}
    assert all(name.startswith("PLANNER_") for name in named)


def test_no_script_of_the_action_holds_an_expression() -> None:
    document = yaml.safe_load((CHECKOUT / "action.yml").read_text())
    assert all("${{" not in step["run"] for step in document["runs"]["steps"])


HOOKS = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())


@pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])
def test_the_hooks_are_commands(hook: dict[str, object]) -> None:
    program, *words = str(hook["entry"]).split()
    assert program == "planner"
    parser_of(words).parse_args(words)
    assert (hook["language"], hook["pass_filenames"]) == ("python", False)


@pytest.mark.parametrize("provider", ["gitlab", "buildkite"])
@pytest.mark.parametrize("there", ["", "0.0.1", __version__])
def test_a_home_that_outlives_a_job_gets_the_version_of_the_pipeline(provider: str, there: str, tmp_path: Path) -> None:
    """pipx leaves another version as it is, and ends with 0."""
    space = Workspace(tmp_path / "family")
    space.write({"images.yaml": "version: 1\nregistry: r.example\nimages: {a: {}}\n", "Dockerfile": "FROM x\n"})
    document = yaml.safe_load(space.planner("ci", provider, "-o", "-").stdout)
    commands = document["plan"]["script"] if provider == "gitlab" else document["steps"][0]["commands"]
    install = next(line for line in commands if "pipx" in line).replace("$$", "$")
    programs = tmp_path / "bin"
    programs.mkdir()
    stubs = {"pipx": f'echo "$@" >> {shlex.quote(os.fspath(tmp_path))}/log'}
    if there:
        stubs["planner"] = f"echo planner {there}"
    for name, text in stubs.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    for argv in (["bash", "-eo", "pipefail", "-c"], ["sh", "-ec"]):
        (tmp_path / "log").write_text("")
        subprocess.run([*argv, install], env={"PATH": f"{programs}:/usr/bin:/bin"}, check=True)
        asked = "" if there == __version__ else f"install --force image-family-planner=={__version__}\n"
        assert (tmp_path / "log").read_text() == asked


def test_a_family_deeper_than_a_file_can_be_folds_its_last_levels(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    names = [f"i{number}" for number in range(DEEPEST + 60)]
    images = "".join(f"  {name}: {{dockerfile: {name}}}\n" for name in names)
    files = {name: f"FROM r.example/i{number - 1}\n" if number else "FROM x\n" for number, name in enumerate(names)}
    space.write({"images.yaml": f"version: 1\nregistry: r.example\nimages:\n{images}", **files})
    run = space.planner("ci", "github", "-o", "-")
    assert run.returncode == 0, run.stderr
    jobs = yaml.safe_load(run.stdout)["jobs"]
    assert len([name for name in jobs if name.startswith("level")]) == DEEPEST
    assert f"--levels {DEEPEST}" in jobs["plan"]["steps"][-2]["run"]
    matrix = json.loads(space.planner("matrix", "--all", "--levels", str(DEEPEST)).stdout)
    assert len(matrix["levels"]) == DEEPEST
    assert matrix["levels"][-1]["include"][0]["images"].split() == names[DEEPEST - 1 :]
