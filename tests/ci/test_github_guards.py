"""What keeps a run on GitHub from passing, or from taking another family's plan, where GitHub itself says nothing."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

import pytest
import yaml

from planner.ci.github import workflow
from tests.ci import judged


def written(seed: int, **changed: Any) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(workflow(replace(judged.settings_of(seed), **changed), "planner ci github"))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_run_without_a_matrix_does_not_pass(seed: int) -> None:
    """The runner leaves out an output that holds the value of a secret; all other jobs are skipped then."""
    job = written(seed)["jobs"]["withheld"]
    assert (job["needs"], job["if"]) == ("plan", "needs.plan.outputs.matrix == ''")
    (step,) = job["steps"]
    run = subprocess.run(["bash", "-e", "-c", step["run"]], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stdout.startswith("::error::GitHub withheld")
    assert run.stdout.count("\n") == 1


def artifacts(document: dict[str, Any]) -> set[str]:
    steps = [step for job in document["jobs"].values() for step in job["steps"]]
    return {step["with"]["name"] for step in steps if "load-artifact@" in step.get("uses", "")}


def test_each_familys_plan_has_its_own_name() -> None:
    """Workflows that one other calls share the artifacts of its run. A name of one takes no slash."""
    names = [artifacts(written(1, place=place)) for place in ("", "images", "images/more", "images-more", 'a"b:c*?')]
    assert all(len(one) == 1 for one in names)
    found = [name for one in names for name in one]
    assert len(set(found)) == len(found)
    assert found[0] == "plan"
    assert not set("".join(found)) & set('"/\\:<>|*?\r\n')
