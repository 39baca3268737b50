"""The ready action and the pre-commit hooks at the repository's top say what their readers want, and run here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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
