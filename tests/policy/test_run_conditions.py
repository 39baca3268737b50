"""A job that never runs for pull requests is known by one form of condition, and by nothing that is weaker."""

from __future__ import annotations

import pytest
import yaml

from planner.ci.github import workflow
from planner.policy.run_conditions import never_for_pull_requests
from planner.policy.workflow_lint import lint
from tests.ci import judged

OURS = "github.event_name != 'pull_request'"


@pytest.mark.parametrize(
    "condition",
    [
        OURS,
        f"${{{{ {OURS} }}}}",
        f"  {OURS}  && true",
        f"!cancelled() && {OURS}",
        f"${{{{ !cancelled() && {OURS} && github.ref == 'refs/heads/main' && (a || b) }}}}",
        f"a == 'x || y' && {OURS}",
        f"x['a || b'] && {OURS}",
        f"a == 'it''s || ' && {OURS}\n",
    ],
)
def test_what_counts(condition: str) -> None:
    assert never_for_pull_requests(condition)


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "true",
        f"{OURS} || true",
        f"true || {OURS}",
        f"a && {OURS} || b",
        f"(a || {OURS}) && b",
        f"!({OURS})",
        f"!({OURS} && a)",
        f"contains('x', '&& {OURS} &&')".replace("'pull_request'", "pull_request"),
        f"'&& {OURS}",
        "a == '&& github.event_name != ''pull_request'' && '",
        "github.event_name == 'pull_request'",
        "github.event_name != 'pull_request_target'",
        "github.event.action != 'pull_request'",
        "needs.a.outputs.github.event_name != 'pull_request'",
        f"{OURS} == false",
        f"${{{{ {OURS} }}}} && true",
        f"${{{{ {OURS} }}}}\n",
        f" ${{{{ {OURS} }}}}",
        f"${{{{ a }}}} && {OURS}",
        f"${{{{ a }}}} && {OURS} && ${{{{ b }}}}",
        f"${{{{ a }}}} && {OURS} && b }}}}",
        f"a) && {OURS} && (b",
        f"(a && {OURS} && b",
    ],
)
def test_what_does_not(condition: str) -> None:
    assert not never_for_pull_requests(condition)


@pytest.mark.parametrize("seed", range(30))
def test_the_lint_takes_the_workflows_that_are_written(seed: int) -> None:
    text = workflow(judged.settings_of(seed), "x")
    assert lint(text.encode(), "w.yml") == ()
    weaker = text.replace(f" && {OURS} && ", f" && ({OURS} || true) && ")
    writes = "packages: write" in text
    assert {one.rule for one in lint(weaker.encode(), "w.yml")} == ({"write-permission"} if writes else set())


def test_other_events_that_outsiders_start_count_as_before() -> None:
    job = {"if": OURS, "permissions": {"packages": "write"}, "steps": [{"uses": f"actions/checkout@{'a' * 40}"}]}
    for events, rules in ((["pull_request"], []), (["pull_request", "issue_comment"], ["write-permission"])):
        text = yaml.safe_dump({"on": events, "permissions": {}, "jobs": {"a": job}})
        assert [one.rule for one in lint(text.encode(), "w.yml")] == rules
    caches = {**job, "permissions": {"actions": "write"}}
    text = yaml.safe_dump({"on": ["pull_request", "push"], "permissions": {}, "jobs": {"a": caches}})
    assert [one.rule for one in lint(text.encode(), "w.yml")] == ["write-permission"]
