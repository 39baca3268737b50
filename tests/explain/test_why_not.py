"""Why not: a true reason for every file that does not count, judged by editing the file and looking at the keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.digest.compared import changed_paths
from planner.local.disk_tree import DiskTree
from tests.cli.test_documents import check
from tests.workspace import Workspace

FILES = {
    "images.yaml": """\
version: 1
registry: r.example
images:
  base: {dockerfile: docker/base.Dockerfile}
  part: {context: part}
  app: {dockerfile: docker/app.Dockerfile, target: final}
""",
    ".dockerignore": "# what never counts\nignored\n!ignored/kept\n*.md\ndocker\nimages.yaml\n.dockerignore\n",
    "docker/base.Dockerfile": "FROM scratch\nCOPY base.txt ignored/kept /\n",
    "docker/app.Dockerfile": """\
FROM r.example/base AS early
COPY early.txt /
FROM r.example/base AS final
COPY --exclude=*.tmp --exclude=deep/no src /src
FROM early
""",
    "part/Dockerfile": "FROM scratch\nCOPY one /\n",
    "part/one": "1",
    "part/two": "2",
    "base.txt": "base",
    "early.txt": "early",
    "README.md": "words",
    "unread": "x",
    "ignored/lost": "x",
    "ignored/kept": "x",
    "src/a.c": "x",
    "src/b.tmp": "x",
    "src/deep/no/x": "x",
    "src/deep/yes": "x",
}
EXPECTED = {
    "app": {
        "base.txt": "read-by-a-parent",
        "ignored/kept": "read-by-a-parent",
        "early.txt": "stage-not-reached",
        "README.md": "ignored",
        "ignored/lost": "ignored",
        "unread": "not-selected",
        "part/one": "not-selected",
        "src/a.c": "read",
        "src/b.tmp": "excluded",
        "src/deep/no/x": "excluded",
        "src/deep/yes": "read",
        "docker/app.Dockerfile": "dockerfile",
        "images.yaml": "ignored",
    },
    "part": {
        "part/one": "read",
        "part/two": "not-selected",
        "unread": "outside-the-context",
        "README.md": "outside-the-context",
    },
}
COUNTS = {"read", "read-by-a-parent", "dockerfile"}


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(FILES)
    workspace.commit()
    return workspace


def asked(space: Workspace, image: str, *arguments: str) -> dict[str, Any]:
    run = space.planner("why-not", image, "--from", "HEAD", "--format", "json", *arguments)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@pytest.mark.parametrize("image", sorted(EXPECTED))
def test_each_reason_by_name(space: Workspace, image: str) -> None:
    words = [word for path in EXPECTED[image] for word in ("--file", path)]
    found = asked(space, image, *words)
    assert {one["path"]: one["ruling"] for one in found["passed_over"]} == EXPECTED[image]
    lines = {one["path"]: (one.get("file"), one.get("line")) for one in found["passed_over"]}
    if image == "app":
        assert lines["README.md"] == (".dockerignore", 4)
        assert lines["ignored/lost"] == (".dockerignore", 2)
        assert lines["early.txt"] == ("docker/app.Dockerfile", 2)
        assert lines["src/b.tmp"] == ("docker/app.Dockerfile", 4)


def test_a_file_counts_exactly_when_why_not_says_so(space: Workspace) -> None:
    """Every file of the workspace but those that define the family: edit it, and see whether the key moves."""
    paths = [path for path in FILES if path.endswith(("Dockerfile", "yaml", ".dockerignore")) is False]
    words = [word for path in paths for word in ("--file", path)]
    rulings = {
        image: {one["path"]: one["ruling"] for one in asked(space, image, *words)["passed_over"]}
        for image in ("base", "part", "app")
    }
    before = space.keys()
    for path in paths:
        text = (space.root / path).read_text()
        space.write({path: f"{text} edited"})
        moved = {image for image, key in space.keys().items() if key != before[image]}
        assert moved == {image for image, found in rulings.items() if found[path] in COUNTS}, path
        space.write({path: text})


def test_an_ignore_file_counts_though_no_instruction_copies_it(space: Workspace) -> None:
    paths = (".dockerignore", "docker/app.Dockerfile.dockerignore", "part/.dockerignore")
    words = [word for path in paths for word in ("--file", path)]
    found = {image: [one["ruling"] for one in asked(space, image, *words)["passed_over"]] for image in ("app", "part")}
    assert found == {
        "app": ["read", "read", "not-selected"],
        "part": ["outside-the-context", "outside-the-context", "read"],
    }


def test_what_changed_without_counting_is_listed(space: Workspace) -> None:
    space.write({"README.md": "other", "unread": "other", "new": "x"})
    (space.root / "ignored/lost").unlink()
    run = space.planner("why-not", "app", "--from", "HEAD")
    assert run.stdout.splitlines() == [
        "app is not rebuilt, HEAD → WORKTREE",
        "  equal: 2 instructions, 1 parent, 1 platform, 1 selection, 2 files",
        "  changed, and does not count:",
        "    README.md: it is ignored by the rule *.md  (.dockerignore:4)",
        "    ignored/lost: it is ignored by the rule ignored  (.dockerignore:2)",
        "    new: no COPY, ADD or mount of a stage that is reached selects it",
        "    unread: no COPY, ADD or mount of a stage that is reached selects it",
    ]
    space.write({"src/a.c": "other"})
    assert space.planner("why-not", "app", "--from", "HEAD").stdout.startswith("app is rebuilt, HEAD → WORKTREE")


def test_a_path_out_of_the_workspace_is_refused(space: Workspace) -> None:
    run = space.planner("why-not", "app", "--file", "../x")
    assert run.returncode == 1
    assert "leads out of the workspace" in run.stderr


def test_changed_paths_are_those_whose_bytes_or_mode_differ(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep/same").write_text("same")
        (tmp_path / name / "mode").write_text("x")
        (tmp_path / name / "deep/edited").write_text(name)
    (tmp_path / "b/mode").chmod(0o755)
    (tmp_path / "a/gone").write_text("")
    (tmp_path / "b/kind").mkdir()
    (tmp_path / "b/kind/inside").write_text("")
    (tmp_path / "a/kind").write_text("")
    (tmp_path / "b/link").symlink_to("x")
    found = list(changed_paths(DiskTree(tmp_path / "a"), DiskTree(tmp_path / "b")))
    assert found == ["deep/edited", "gone", "kind/inside", "kind", "link", "mode"]


def test_what_counts_stands_apart(space: Workspace) -> None:
    words = ("why-not", "app", "--from", "HEAD", "--file", "src/a.c", "--file", "README.md")
    lines = space.planner(*words).stdout.splitlines()
    assert lines[2] == "  counts:"
    assert lines[3].startswith("    src/a.c: ")
    assert lines[4] == "  does not count:"
    assert lines[5].startswith("    README.md: ")
    space.write({"src/a.c": "other"})
    lines = space.planner(*words).stdout.splitlines()
    assert lines[1] == "  counts:"


def test_several_images_are_one_document(space: Workspace) -> None:
    document = space.document("why-not", "app", "part", "--from", "HEAD")
    check("why-not", document)
    assert [one["image"] for one in document["answers"]] == ["part", "app"]
    one = space.document("why-not", "app", "--from", "HEAD")
    check("why-not", one)
    assert one == document["answers"][1]
    document = space.document("why", "app", "part", "--from", "HEAD")
    check("why", document)
    assert [one["image"] for one in document["answers"]] == ["part", "app"]


def test_what_is_gone_and_was_selected_counts(space: Workspace) -> None:
    (space.root / "src/a.c").unlink()
    run = space.planner("why-not", "app", "--from", "HEAD", "--file", "src/a.c", "--file", "README.md")
    lines = run.stdout.splitlines()
    assert lines[1:4] == [
        "  counts:",
        "    src/a.c: it is gone, and was selected  (docker/app.Dockerfile:4)",
        "  does not count:",
    ]
    assert "src/a.c" not in space.planner("why-not", "app", "--from", "HEAD").stdout


def test_a_selected_folder_that_comes_or_goes_with_a_file_that_is_not(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write({"Dockerfile": "FROM scratch\nCOPY --exclude=docs/* src /x\n", "src/main": "m\n", "src/docs/a": "a\n"})
    space.write({"images.yaml": "version: 1\nimages: {app: {context: .}}\n"})
    space.commit()
    (space.root / "src/docs/a").unlink()
    (space.root / "src/docs").rmdir()
    words = ("why-not", "app", "--file", "src/docs/a", "--from")
    assert (
        "    src/docs/a: src/docs is gone with it, and was selected  (Dockerfile:2)"
        in space.planner(*words, "HEAD").stdout
    )
    space.git("commit", "-aqm", "gone")
    space.write({"src/docs/a": "a\n"})
    assert (
        "    src/docs/a: src/docs came with it, and is selected  (Dockerfile:2)" in space.planner(*words, "HEAD").stdout
    )
    space.commit()
    assert "    src/docs/a: --exclude=docs/* leaves it out" in space.planner(*words, "HEAD").stdout
