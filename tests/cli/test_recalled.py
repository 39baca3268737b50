"""Questions answered from what a plan kept give the answers that reading everything gives."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from planner.cli import asides, family, recalled, start
from planner.cli.main import parser_of
from planner.model.build import Store, Stored
from planner.model.image import ImageName
from planner.schedule import requests
from tests.cli.test_affected import FILES
from tests.workspace import Workspace

MORE = {
    "images.yaml": FILES["images.yaml"] + "  link: {context: linked}\n  rest: {dockerfile: rest.Dockerfile}\n"
    "  trigger: {dockerfile: trigger.Dockerfile}\n  child: {dockerfile: child.Dockerfile}\n",
    "trigger.Dockerfile": "# syntax=docker/dockerfile:1\nFROM alpine:3.20\nONBUILD COPY docs /docs\n",
    "child.Dockerfile": "FROM r.example/trigger\nARG TOKEN\nCOPY --from=r.example/tool / /tool\n",
    "linked/Dockerfile": "FROM scratch\nCOPY here /\n",
    "linked/there": "there\n",
    "rest.Dockerfile": "FROM scratch AS unused\nCOPY notes /\nFROM r.example/tool\nCOPY --exclude=*.md docs src* /\n",
    "rest.Dockerfile.dockerignore": "docs/x\n",
}
PATHS = (
    "scripts/a.sh", "scripts/new.sh", "scripts", "src", "src/x.c", "docs/index.md", "docs/x", "docs/y", "src2", "",
    "base.Dockerfile", "images.yaml", "images.lock", ".dockerignore", "linked/there", "linked/here", "linked/other",
    "linked/", "linked/.dockerignore", "rest.Dockerfile.dockerignore", "tool.Dockerfile.dockerignore", "notes", "new/x",
)  # fmt: skip
EDITS = {
    "none": {},
    "a file": {"src/x.c": "y\n"},
    "a new file": {"docs/new": "n\n"},
    "an ignore file": {"linked/.dockerignore": "there\n"},
    "a Dockerfile": {"base.Dockerfile": "FROM alpine:3.20\nCOPY src /\n"},
    "the graph file": {"images.yaml": MORE["images.yaml"].replace('"1"', '"2"')},
}
QUESTIONS: tuple[tuple[str, ...], ...] = (
    ("key",),
    ("plan",),
    ("plan", "--format", "json"),
    ("query", "rdeps(//..., base)"),
    ("query", "labels(files, //...)"),
    ("query", "affected(HEAD)"),
    ("why", "tool", "rest", "--from", "HEAD"),
    ("why", "tool", "--from", "HEAD", "--diff", "--format", "json"),
    ("why-not", "tool", "docs", "rest", "--from", "HEAD"),
    ("why-not", "rest", "--file", "notes", "--file", "docs/index.md", "--from", "HEAD"),
)


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write({**FILES, **MORE})
    (workspace.root / "linked/here").symlink_to("there")
    workspace.commit()
    assert workspace.planner("plan", "--since", "HEAD").returncode == 0
    return workspace


@pytest.fixture
def answer(
    space: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in this process, as the console script does."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["planner", "-C", os.fspath(space.root), *words])
        asides.said_so_far.clear()
        status = start.main()
        return (status, *capsys.readouterr())

    return run


@pytest.mark.parametrize("edit", EDITS)
def test_the_answers_are_those_of_reading_everything(
    space: Workspace, answer: Callable[..., tuple[int, str, str]], edit: str
) -> None:
    space.write(EDITS[edit])
    questions = [*QUESTIONS, *(("affected", path) for path in PATHS), ("affected", "--since", "HEAD")]
    kept = [answer(*question) for question in questions]
    cache = space.root / ".git/planner"
    assert list(cache.glob("facts-*"))
    for question, before in zip(questions, kept, strict=True):
        shutil.rmtree(cache, ignore_errors=True)
        assert answer(*question) == before


@pytest.mark.parametrize("edit", [*EDITS, "a file of ONBUILD"])
def test_what_is_kept_with_its_steps_asks_an_engine_for_the_same_builds(space: Workspace, edit: str) -> None:
    space.write(EDITS.get(edit, {"docs/index.md": "edited\n"}))
    options = parser_of(["build"]).parse_args(["-C", os.fspath(space.root), "build"])
    kept, whole = recalled.keys_kept(options), family.keys_now(options)
    assert kept.keys == whole.keys
    if edit in ("none", "a file"):
        assert not kept.made_by.loaded.alone
    stored = {name: Stored(store=Store.LAYOUT, digest=f"sha256:{at:064}") for at, name in enumerate(kept.keys)}
    for name in kept.keys:
        deep = recalled.with_steps(kept, [name])
        assert requests.request_of(deep, name, stored, registry="r.example") == requests.request_of(
            whole, name, stored, registry="r.example"
        )


def test_only_what_is_built_is_read_again(space: Workspace) -> None:
    space.write({"notes": "edited\n"})
    options = parser_of(["build"]).parse_args(["-C", os.fspath(space.root), "build"])
    deep = recalled.with_steps(recalled.keys_kept(options), [ImageName("link")])
    assert list(deep.made_by.loaded.dockerfiles) == ["linked/Dockerfile"]
    assert len(deep.made_by.loaded.graph.order) == len(deep.keys) > 3


def test_a_graph_file_that_is_named_is_no_other_one(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write({"images.star": 'image(name = "a")\n', "Dockerfile": "FROM scratch\nCOPY f /\n", "f": "f\n"})
    space.commit()
    assert space.planner("key").returncode == 0
    assert list((space.root / ".git/planner").glob("facts-*"))
    for words in (("key",), ("plan", "--since", "HEAD")):
        run = space.planner("-f", "images.yaml", *words)
        assert run.returncode == 1
        assert "images.yaml: there is no graph file" in run.stderr
        assert space.planner(*words).returncode == 0


def test_files_that_a_checkout_may_convert_are_compared_by_their_bytes(
    space: Workspace, answer: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    space.write({".gitattributes": "* text=auto eol=lf\n"})
    space.commit()
    assert answer("plan", "--since", "HEAD")[0] == 0
    space.write({"src/x.c": "edited\n"})
    monkeypatch.setattr(family, "load_family", mock.Mock(side_effect=AssertionError))
    kept = answer("plan", "--since", "HEAD")
    monkeypatch.undo()
    shutil.rmtree(space.root / ".git/planner")
    assert answer("plan", "--since", "HEAD") == kept
