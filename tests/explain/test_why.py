"""Why: every chain begins at a real edit, every link is in the graph, and undoing what is named undoes the plan."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.build.family import Family
from tests.cli.test_documents import check
from tests.plan.edits import FILES, ROWS, write_family
from tests.workspace import Workspace

FILE_CODES = {"file-changed", "file-added", "file-removed", "mode-changed"}
ALL_EDITS = [row.edit for row in ROWS]


def made(root: Path) -> Workspace:
    workspace = Workspace(root)
    write_family(workspace.root, hidden=False)
    workspace.commit()
    return workspace


def answers(workspace: Workspace, *arguments: str) -> list[dict[str, Any]]:
    run = workspace.planner("why", "*", "--from", "HEAD", "--format", "json", *arguments)
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    check("why", document)
    found: list[dict[str, Any]] = document["answers"]
    return found


def undo(workspace: Workspace, reason: dict[str, Any]) -> None:
    """Take back the edit that a reason names: the file itself, or the text that says it."""
    path = reason["subject"] if reason["code"] in FILE_CODES else reason.get("file", "images.yaml")
    for place in {path, "images.yaml"} if reason["code"] not in FILE_CODES else {path}:
        known = workspace.git("ls-files", "--", place)
        if known:
            workspace.git("checkout", "--", place)
        else:
            (workspace.root / place).unlink(missing_ok=True)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.lists(st.sampled_from(range(len(ALL_EDITS))), min_size=1, max_size=4, unique=True))
def test_chains_are_true_and_undoing_what_they_name_undoes_the_plan(
    tmp_path_factory: pytest.TempPathFactory, chosen: list[int]
) -> None:
    workspace = made(tmp_path_factory.mktemp("why") / "family")
    for number in chosen:
        try:
            ALL_EDITS[number](workspace.root)
        except (AssertionError, FileNotFoundError):
            continue  # another edit took its text or file away
    if workspace.planner("plan", "--since", "HEAD").returncode:
        return  # edits that together make no family
    edges = {(image["name"], parent) for image in workspace.document("graph")["images"] for parent in image["parents"]}
    rebuilds = workspace.rebuilds()
    found = answers(workspace)
    assert {answer["image"] for answer in found if answer["rebuilds"]} == set(rebuilds)
    for answer in found:
        assert all((link["image"], link["parent"]) in edges for link in answer["chain"])
        assert len(answer["chain"]) == answer["hops"] if answer["rebuilds"] else not answer["causes"]
        if answer["chain"]:
            assert answer["chain"][0]["image"] == answer["image"]
            assert answer["chain"][-1]["parent"] == answer["causes"][0]["image"]
    for answer in found:
        for cause in answer["causes"]:
            for reason in cause["reasons"]:
                undo(workspace, reason)
    assert workspace.rebuilds() == {}


def test_the_chain_on_one_line_and_what_is_cached(tmp_path: Path) -> None:
    workspace = made(tmp_path / "family")
    workspace.write({"scripts/setup.sh": "new\n"})
    run = workspace.planner("why", "tool", "--from", "HEAD")
    first = run.stdout.splitlines()[0]
    assert first == ("tool ← base: scripts/setup.sh changed, COPY scripts/setup.sh /setup.sh at base.Dockerfile:3")
    workspace.write({"scripts/setup.sh": FILES["scripts/setup.sh"], "src/a.c": "int other;\n"})
    run = workspace.planner("why", "tool", "--from", "HEAD", "--diff")
    assert "runs again from here" in run.stdout
    assert "COPY src/*.c /src/  (tool.Dockerfile:5)" in run.stdout
    assert "-int a;" in run.stdout
    assert "+int other;" in run.stdout


def test_all_kinds_of_states(tmp_path: Path) -> None:
    workspace = made(tmp_path / "family")
    plan = os.fspath(tmp_path / "plan.json")
    assert workspace.planner("plan", "--all", "--out", plan).returncode == 0
    workspace.write({"docs/index.md": "staged\n"})
    workspace.git("add", "docs/index.md")
    workspace.write({"LICENSE": "dirty\n"})

    def rebuilt(*arguments: str) -> set[str]:
        run = workspace.planner("diff", *arguments, "--format", "json")
        assert run.returncode == 0, run.stderr
        return {image["name"] for image in json.loads(run.stdout)["images"] if image["action"] == "build"}

    assert rebuilt("HEAD", "INDEX") == {"app", "docs"}
    assert rebuilt("INDEX", "WORKTREE") == {"app"}
    assert rebuilt("WORKTREE", "WORKTREE") == set()
    assert rebuilt("HEAD") == {"app", "docs"}
    assert rebuilt(plan, "HEAD") == set()
    assert rebuilt(plan, "INDEX") == {"app", "docs"}


def test_records_tell_what_changed_with_no_history_at_hand(family: Family) -> None:
    space = family()
    space.build()
    space.write({"base.txt": "two\n"})
    space.commit()
    run = space.planner("why", "side")
    assert run.stdout.startswith("side ← base: base.txt changed, COPY base.txt /base.txt at base.Dockerfile:2\n")
    assert "RECORDS → WORKTREE, 1 hop" in run.stdout
    assert "were not kept" in space.planner("why", "base", "--diff").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("why", "ap"), 'did you mean "app"?'),
        (("why", "app", "--from", "nowhere"), "a state is a git revision, WORKTREE"),
        (("why", "app", "--to", "RECORDS"), "its files are not at hand"),
        (("diff", "HEAD", "RECORDS"), "its files are not at hand"),
        (("diff", "broken.json"), "is no plan"),
    ],
)
def test_states_that_cannot_be_read(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    workspace = made(tmp_path / "family")
    workspace.write({"broken.json": "{}"})
    words = [os.fspath(workspace.root / word) if word == "broken.json" else word for word in arguments]
    run = workspace.planner(*words)
    assert run.returncode in (1, 2)
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_an_index_in_conflict_is_no_state(tmp_path: Path) -> None:
    workspace = made(tmp_path / "family")
    workspace.git("checkout", "-q", "-b", "other")
    workspace.write({"LICENSE": "one\n"})
    workspace.commit()
    workspace.git("checkout", "-q", "main")
    workspace.write({"LICENSE": "two\n"})
    workspace.commit()
    with pytest.raises(Exception, match="merge"):
        workspace.git("merge", "-q", "other")
    run = workspace.planner("diff", "HEAD", "INDEX")
    assert run.returncode == 1
    assert "LICENSE: is in conflict" in run.stderr


def test_what_somebody_means_to_add_is_in_no_next_commit(tmp_path: Path) -> None:
    workspace = made(tmp_path / "family")
    workspace.write({"meant.txt": "meant\n", "sub/meant": "meant\n", "src/empty.c": ""})
    workspace.git("add", "-N", "meant.txt", "sub/meant")
    assert {image["action"] for image in workspace.document("diff", "HEAD", "INDEX")["images"]} == {"reuse"}
    workspace.git("add", "src/empty.c")
    built = [image for image in workspace.document("diff", "HEAD", "INDEX")["images"] if image["action"] == "build"]
    assert {image["name"]: [one["subject"] for one in image["reasons"]] for image in built} == {
        "tool": ["src/empty.c"],
        "app": ["src/empty.c", "tool"],
    }


TWO = {
    "images.yaml": """\
version: 1
registry: r.example
images:
  base: {context: base}
  app: {context: app, contexts: {more: base}}
""",
    "base/Dockerfile": "FROM scratch\nCOPY setup.sh old.sh /\n",
    "base/setup.sh": "base\n",
    "base/old.sh": "o\n",
    "app/Dockerfile": "FROM r.example/base\nCOPY setup.sh /\nCOPY --from=more setup.sh /more\n",
    "app/setup.sh": "app\n",
}


def test_paths_are_those_of_the_workspace(tmp_path: Path) -> None:
    """Whatever the contexts: two files of one name are two files, and what is said of one is not said of the other."""
    space = Workspace(tmp_path / "family")
    space.write(TWO)
    space.commit()
    space.write({"base/setup.sh": "base edited\n", "app/setup.sh": "app edited\n"})
    (space.root / "base/old.sh").unlink()
    space.write({"base/Dockerfile": "FROM scratch\nCOPY setup.sh *.sh /\n"})
    space.commit()
    (space.root / "base/setup.sh").write_text("base again\n")
    (space.root / "app/setup.sh").write_text("app again\n")
    answer = space.document("why", "app", "--from", "HEAD", "--diff")
    named = {cause["image"]: [one["subject"] for one in cause["reasons"]] for cause in answer["causes"]}
    assert named == {"app": ["app/setup.sh", "base/setup.sh"], "base": ["base/setup.sh"]}
    assert "+base again" in answer["diffs"]["base/setup.sh"]
    assert "+app again" in answer["diffs"]["app/setup.sh"]
    run = space.planner("why", "app", "--from", "HEAD", "--diff")
    below = run.stdout.partition("\nbase  1 hop above\n")[2]
    assert "file changed: base/setup.sh changed" in below
    assert "base again" in below
    assert "app again" not in below
    reasons = {image["name"]: image["reasons"] for image in space.document("plan", "--since", "HEAD")["images"]}
    assert [(one["subject"], one["detail"]) for one in reasons["base"]] == [("base/setup.sh", "base/setup.sh changed")]
    files = [item["files"] for item in space.document("inputs", "app")["inputs"] if item["kind"] == "files"]
    assert [one["path"] for found in files for one in found] == ["app/setup.sh", "base/setup.sh"]
