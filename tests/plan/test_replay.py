"""A replay says of every commit what two plans made anew would say, and goes on where a graph cannot be read."""

from __future__ import annotations

import json
import os
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.digest.key import keys_of
from planner.local.history import History
from planner.local.revisions import revision_tree
from planner.plan.replay import Replay
from planner.plan.simple_rules import Rule
from planner.plan.walk import Walk
from planner.sources import yaml_file
from tests.digest.test_known import EDITS, FILES, commit, loaded_from
from tests.workspace import Workspace


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(EDITS, max_size=3), min_size=2, max_size=6))
def test_every_commit_is_as_if_read_anew(steps: list[list[Callable[[Workspace], None]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        space = Workspace(Path(folder, "family"))
        space.write(FILES)
        (space.root / "app/inner/link").symlink_to("e")
        commit(space)
        for edits in steps:
            for edit in edits:
                edit(space)
            commit(space)
        place = Path(os.fspath(space.root))
        history = History(place)
        walk = Walk(lambda tree: yaml_file.read(tree.read("images.yaml", 1 << 20), "images.yaml", {}, {}))
        replayed = list(
            Replay(walk, history.tree, tuple(Rule)).over(history.commits("HEAD", first_parent=False), history.commit)
        )
        before: dict[str, str] = {}
        for one in replayed:
            tree = revision_tree(place, one.commit.id)
            keys = {str(name): key for name, key in keys_of(loaded_from(tree), tree).keys.items()}
            assert one.names == {name for name, key in keys.items() if before.get(name) != key}
            assert not one.by_rule[Rule.EVERYTHING] - set(one.images)
            before = keys
        history.objects.close()


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(
        {
            "images.yaml": "version: 1\nregistry: r.example\n"
            "images: {a: {context: a}, b: {context: b}, c: {context: c}}\n",
            "a/Dockerfile": "FROM ubuntu\nCOPY --chmod=644 f /\n",
            "a/f": "1\n",
            "a/.dockerignore": "*.md\n",
            "b/Dockerfile": "FROM r.example/a\n",
            "c/Dockerfile": "FROM debian\nADD https://e.example/f /\n",
        }
    )
    workspace.commit()
    return workspace


def edited(space: Workspace, files: dict[str, str]) -> str:
    space.write(files)
    space.commit()
    return space.git("rev-parse", "HEAD").strip()


def replay(space: Workspace, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = space.document("replay", *arguments)
    return document


def rebuilds(document: dict[str, Any]) -> list[dict[str, bool]]:
    return [{image["name"]: image["own"] for image in one["rebuilds"]} for one in document["commits"]]


def test_own_inputs_and_parents(space: Workspace) -> None:
    edited(space, {"a/f": "2\n"})
    edited(space, {"notes.md": "n\n"})
    edited(space, {"b/Dockerfile": "FROM r.example/a\nRUN b\n"})
    document = replay(space, "HEAD~3..HEAD")
    assert rebuilds(document) == [{"a": True, "b": False}, {}, {"b": True}]
    assert document["commits"][0]["unsure"] == ["c"]
    assert rebuilds(replay(space, "HEAD~3"))[0] == {"a": True, "b": True, "c": True}


def test_a_pin_that_follows_its_parent_is_no_input_of_its_own(space: Workspace) -> None:
    edited(space, {"b/Dockerfile": f"FROM r.example/a@sha256:{'1' * 64}\nRUN b\n"})
    edited(space, {"a/f": "2\n", "b/Dockerfile": f"FROM r.example/a@sha256:{'2' * 64}\nRUN b\n"})
    assert rebuilds(replay(space, "HEAD~1..HEAD")) == [{"a": True, "b": False}]


def test_a_commit_that_cannot_be_read_is_passed_over(space: Workspace) -> None:
    first = space.git("rev-parse", "HEAD").strip()
    edited(space, {"b/Dockerfile": "FROM ${X}\n"})
    edited(space, {"images.yaml": "version: 2\n"})
    space.git("rm", "-q", "images.yaml")
    space.git("commit", "-q", "-m", "gone")
    space.git("revert", "--no-edit", "HEAD", "HEAD~1")
    edited(space, {"b/Dockerfile": "FROM r.example/a\nRUN b\n"})
    document = replay(space, "HEAD~6..HEAD")
    errors = [one["error"] or "" for one in document["commits"]]
    assert "ARG X has no value" in errors[0]
    assert "version" in errors[1]
    assert "no graph file" in errors[2]
    assert rebuilds(document)[-1] == {"b": True}
    assert document["commits"][-1]["against"] == first
    assert document["summary"]["unreadable"] == 5


def test_a_merge_is_compared_with_its_first_parent(space: Workspace) -> None:
    space.git("checkout", "-q", "-b", "side")
    edited(space, {"a/f": "2\n"})
    space.git("checkout", "-q", "main")
    edited(space, {"b/Dockerfile": "FROM r.example/a\nRUN b\n"})
    space.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    assert rebuilds(replay(space, "--first-parent", "HEAD~2..HEAD")) == [{"b": True}, {"a": True, "b": False}]
    assert len(rebuilds(replay(space, "HEAD~2..HEAD"))) == 3


def test_simpler_rules(space: Workspace) -> None:
    edited(space, {"a/notes.md": "ignored\n"})
    edited(space, {"images.yaml": (space.root / "images.yaml").read_text().replace("c}}", "c, labels: {l: m}}}")})
    document = replay(space, "--compare", "directory-hash,path-filter,everything", "HEAD~2..HEAD")
    ignored, labelled = (one["rules"] for one in document["commits"])
    assert ignored["directory-hash"] == {"over": ["a", "b"], "under": []}
    assert ignored["everything"] == {"over": ["a", "b", "c"], "under": []}
    assert labelled["path-filter"] == {"over": [], "under": ["c"]}
    assert document["rules"][0] == {"rule": "directory-hash", "rebuilds": 2, "over": 2, "under": 1}


def test_labels(space: Workspace, tmp_path: Path) -> None:
    one = edited(space, {"a/f": "2\n"})
    two = edited(space, {"notes": "n\n"})
    edited(space, {"a/f": "3\n"})
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({one[:10]: ["a", "gone"], two: ["c"]}))
    document = replay(space, "--labels", os.fspath(labels), "HEAD~3..HEAD")
    found = {entry.pop("image"): {key for key, value in entry.items() if value} for entry in document["labels"]}
    assert found == {"a": {"true", "unrecorded"}, "b": {"false", "unrecorded"}, "c": {"missed"}, "gone": {"absent"}}
    history = {"family": {"rebuild_commits": [{"commit": one[:7], "rebuilt": ["a", "b"]}], "paths": []}}
    labels.write_text(json.dumps(history))
    document = replay(space, "--labels", os.fspath(labels), "HEAD~3..HEAD")
    assert [entry["true"] for entry in document["labels"]] == [1, 1]


@pytest.mark.parametrize("text", ["", "[]", "3", '{"main": []}', '{"0123456": "a"}', '{"x": {}}', '{"0123456": [1]}'])
def test_what_is_no_labels(space: Workspace, tmp_path: Path, text: str) -> None:
    (tmp_path / "labels").write_text(text)
    run = space.planner("replay", "HEAD", "--labels", os.fspath(tmp_path / "labels"))
    assert (run.returncode, "holds no labels" in run.stderr, run.stdout) == (1, True, "")
    assert "object has no attribute" not in run.stderr


def test_one_fixed_graph_file(space: Workspace) -> None:
    edited(space, {"d/Dockerfile": "FROM r.example/b\n"})
    edited(space, {"a/f": "2\n"})
    graph = (space.root / "images.yaml").read_text().replace("c}}", "c}, d: {context: d}}")
    space.git("rm", "-q", "images.yaml")
    space.git("commit", "-q", "-m", "no graph")
    space.write({"mine.yaml": graph})
    run = space.planner("-f", "mine.yaml", "replay", "--fixed", "HEAD", "--format", "json")
    document = json.loads(run.stdout)
    assert [one["images"] for one in document["commits"]] == [3, 4, 4, 4]
    assert rebuilds(document)[1:] == [{"d": True}, {"a": True, "b": False, "d": False}, {}]


def test_a_bare_repository_and_a_folder_below_the_root(space: Workspace, tmp_path: Path) -> None:
    (space.root / "sub").mkdir()
    space.git("mv", "a", "b", "c", "images.yaml", "sub")
    space.git("commit", "-q", "-m", "below")
    edited(space, {"sub/a/f": "2\n"})
    expected = [{"a": True, "b": True, "c": True}, {"a": True, "b": False}]
    run = space.planner("-f", "sub/images.yaml", "replay", "HEAD~1..HEAD", "--format", "json")
    assert rebuilds(json.loads(run.stdout)) == expected[1:]
    space.git("clone", "-q", "--bare", ".", os.fspath(tmp_path / "bare"))
    bare = Workspace(tmp_path / "bare", init=False)
    run = bare.planner("replay", "HEAD", "--format", "json")
    assert rebuilds(json.loads(run.stdout))[0] == {"a": True, "b": True, "c": True}
    assert json.loads(run.stdout)["commits"][1]["error"] is None, "the last commit has no graph file at the top"
    run = bare.planner("-f", "images.yaml", "replay", "HEAD", "--format", "json")
    assert json.loads(run.stdout)["commits"][1]["error"] == "images.yaml: there is no graph file"


def test_a_shallow_clone_begins_where_it_begins(space: Workspace, tmp_path: Path) -> None:
    edited(space, {"a/f": "2\n"})
    edited(space, {"a/f": "3\n"})
    space.git("clone", "-q", "--depth", "2", f"file://{space.root}", os.fspath(tmp_path / "shallow"))
    shallow = Workspace(tmp_path / "shallow", init=False)
    assert rebuilds(replay(shallow, "HEAD")) == [{"a": True, "b": True, "c": True}, {"a": True, "b": False}]


def test_pictures_and_text(space: Workspace, tmp_path: Path) -> None:
    hostile = "<&\"'\x1b[31m>|"
    space.write({"a/f": "2\n"})
    space.git("commit", "-q", "-a", "-m", hostile)
    edited(space, {"b/Dockerfile": "FROM ${X}\n"})
    svg = space.planner("replay", "HEAD", "--format", "svg", "-o", os.fspath(tmp_path / "h.svg"))
    assert (svg.returncode, svg.stdout) == (0, "")
    drawn = (tmp_path / "h.svg").read_text()
    ET.fromstring(drawn)  # noqa: S314 -- drawn by ourselves
    assert "\x1b" not in drawn
    assert drawn.count('class="own"') == 3 + 1 + 1  # two commits, and the legend
    text = space.planner("replay", "HEAD").stdout
    assert "2 of 3    a, (b)" in text
    assert "cannot be read" in text
    assert "\x1b" not in text
    assert "\\|" in space.planner("replay", "HEAD", "--format", "markdown").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere..HEAD"], "nowhere"),
        (["HEAD", "--compare", "directory-hsh"], 'did you mean "directory-hash"?'),
        (["HEAD", "--labels", "none.json"], "cannot be read"),
        (["HEAD", "-o", "none/x"], "cannot be written"),
    ],
)
def test_bad_questions(space: Workspace, arguments: list[str], message: str) -> None:
    run = space.planner("replay", *arguments)
    assert run.returncode in (1, 2)
    assert message in run.stderr
    assert "Traceback" not in run.stderr
