"""`planner affected` on a repository: paths by hand, from standard input and from a revision."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from planner.model.lock import Lock, LockedImage, LockedPlatform
from planner.sources import lock_file
from tests.cli.test_documents import check
from tests.workspace import Workspace

FILES = {
    "images.yaml": """\
version: 1
registry: r.example
images:
  base: {dockerfile: base.Dockerfile}
  tool: {dockerfile: tool.Dockerfile, args: {LEVEL: "1"}}
  docs: {dockerfile: docs.Dockerfile}
""",
    "base.Dockerfile": "FROM alpine:3.20\nCOPY scripts/*.sh /\n",
    "tool.Dockerfile": "FROM r.example/base\nARG LEVEL\nRUN --mount=type=bind,source=src,target=/s make $LEVEL\n",
    "docs.Dockerfile": "FROM alpine:3.20\nCOPY docs /docs\n",
    "scripts/a.sh": "a\n",
    "src/x.c": "x\n",
    "docs/index.md": "i\n",
}


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(FILES)
    workspace.commit()
    return workspace


def names(space: Workspace, *arguments: str) -> list[str]:
    document = space.document("affected", *arguments)
    check("affected", document)
    return [image["name"] for image in document["images"]]


def test_the_text(space: Workspace) -> None:
    run = space.planner("affected", "scripts/new.sh", "docs.Dockerfile")
    assert run.stdout == (
        "base  scripts/new.sh  (base.Dockerfile:2)\n"
        "docs  docs.Dockerfile, its Dockerfile  (images.yaml:6)\n"
        "tool  by base\n"
        "\n"
        "3 of 3 images are affected\n"
    )
    assert space.planner("affected", "notes").stdout == "0 of 3 images are affected\n"


def test_the_document(space: Workspace) -> None:
    document = space.document("affected", "./src//x.c", "../elsewhere")
    check("affected", document)
    assert document == {
        "version": 1,
        "paths": ["src/x.c"],
        "outside": ["../elsewhere"],
        "images": [
            {
                "name": "tool",
                "direct": True,
                "paths": [
                    {
                        "path": "src/x.c",
                        "role": "files",
                        "instruction": "RUN --mount=type=bind,source=src,target=/s make $LEVEL",
                        "file": "tool.Dockerfile",
                        "line": 3,
                    }
                ],
                "parents": [],
            }
        ],
    }


def test_direct_and_the_exit_status(space: Workspace) -> None:
    assert names(space, "scripts/a.sh") == ["base", "tool"]
    assert names(space, "scripts/a.sh", "--direct") == ["base"]
    assert space.planner("affected", "scripts/a.sh", "--exit-code").returncode == 3
    assert space.planner("affected", "notes", "--exit-code").returncode == 0
    assert space.planner("affected", "scripts/a.sh").returncode == 0


def test_since_a_revision(space: Workspace) -> None:
    assert names(space, "--since", "HEAD") == []
    space.write({"docs/more/new.md": "n\n"})
    (space.root / "scripts/a.sh").unlink()
    assert names(space, "--since", "HEAD") == ["base", "docs", "tool"]
    space.commit()
    assert names(space, "--since", "HEAD") == []
    assert names(space, "--since", "HEAD~1", "--direct") == ["base", "docs"]
    space.write({".gitignore": "*.md\n", "docs/made.md": "m\n"})
    assert names(space, "--since", "HEAD", "--direct") == ["docs"], "git ignores it, COPY does not"


def test_an_edit_that_is_undone_is_none(space: Workspace) -> None:
    space.write({"scripts/a.sh": "other\n"})
    space.commit()
    space.write({"scripts/a.sh": "a\n"})
    assert names(space, "--since", "HEAD~1") == []
    assert names(space, "--since", "HEAD") == ["base", "tool"]


def test_the_graph_file(space: Workspace) -> None:
    """By hand it counts for all images; with a revision for those whose keys it changed."""
    assert names(space, "images.yaml", "--direct") == ["base", "docs", "tool"]
    space.write({"images.yaml": FILES["images.yaml"].replace('"1"', '"2"')})
    assert names(space, "--since", "HEAD") == ["tool"]
    assert names(space, "images.yaml", "--since", "HEAD") == ["base", "docs", "tool"]
    space.write({"images.yaml": FILES["images.yaml"] + "# a comment\n"})
    assert names(space, "--since", "HEAD") == []
    space.write({"images.yaml": FILES["images.yaml"] + "  new: {dockerfile: docs.Dockerfile}\n"})
    assert names(space, "--since", "HEAD") == ["new"]


def test_the_lock(space: Workspace) -> None:
    """By hand it counts for all readers of externals; with a revision for those whose keys it changed."""
    assert names(space, "images.lock", "--direct") == ["base", "docs"]
    digest = f"sha256:{'1' * 64}"
    image = LockedImage(digest=digest, platforms={"linux/amd64": LockedPlatform(digest=digest)})
    space.write({"images.lock": lock_file.write(Lock(images={"docker.io/library/alpine:3.20": image}))})
    assert names(space, "--since", "HEAD") == ["base", "docs", "tool"]
    space.commit()
    unread = {"docker.io/library/unread:1": image, "docker.io/library/alpine:3.20": image}
    space.write({"images.lock": lock_file.write(Lock(images=unread))})
    assert names(space, "--since", "HEAD") == []


def test_paths_from_standard_input(space: Workspace) -> None:
    command = [sys.executable, "-m", "planner.cli.main", "-C", os.fspath(space.root), "affected", "--stdin0"]
    run = subprocess.run(command, input=b"docs/a\nb\0src/\xff\0", capture_output=True, check=True)
    assert run.stdout.decode() == (
        "docs  docs/a\\x0ab  (docs.Dockerfile:2)\n"
        "tool  src/\\xdcff  (tool.Dockerfile:3)\n\n"
        "2 of 3 images are affected\n"
    )
    nothing = subprocess.run(command, input=b"", capture_output=True, check=True)
    assert nothing.stdout == b"0 of 3 images are affected\n"


def test_paths_are_relative_to_where_one_works(space: Workspace, tmp_path: Path) -> None:
    """As git prints them at the root, though the graph file is in a folder."""
    outer = Workspace(tmp_path / "outer")
    outer.write({f"family/{path}": text for path, text in FILES.items()})
    outer.commit()
    run = outer.planner("-f", "family/images.yaml", "affected", "family/src/x.c", "src/x.c")
    assert run.stdout.splitlines()[0].startswith("tool  src/x.c")
    assert "src/x.c: is outside of the workspace" in run.stderr
    absolute = os.fspath(space.root / "src" / "x.c")
    assert names(space, absolute) == ["tool"]


def test_what_is_wrong_with_the_command(space: Workspace) -> None:
    run = space.planner("affected")
    assert (run.returncode, "give paths" in run.stderr) == (2, True)
    run = space.planner("affected", "--since", "no-such")
    assert (run.returncode, "there is no revision" in run.stderr) == (1, True)


STAR = {
    "images.star": 'load("//tools:cuda.star", "cuda")\npackages("sub")\ncuda("one")\n',
    "tools/cuda.star": 'def cuda(name):\n    image(name, context = "c", args = {"CUDA": "11"})\n',
    "sub/images.star": 'image("two", args = {"LEVEL": "1"})\n',
    "c/Dockerfile": "FROM scratch\nARG CUDA\nENV C=$CUDA\n",
    "sub/Dockerfile": "FROM scratch\nARG LEVEL\nENV L=$LEVEL\n",
}
COMPOSE = {
    "compose.yaml": """\
include: [more/compose.yaml]
services:
  web:
    extends: {file: common.yaml, service: common}
    build: {args: {TAG: "${TAG}"}}
""",
    "common.yaml": "services:\n  common:\n    build: {context: c, args: {LEVEL: '1'}}\n",
    "more/compose.yaml": "services:\n  job:\n    build: {context: ../c, args: {LEVEL: '1'}}\n",
    ".env": "TAG=1\n",
    "c/Dockerfile": "FROM scratch\nARG TAG\nARG LEVEL\nENV L=$LEVEL T=$TAG\n",
}
BAKE = {
    "docker-bake.hcl": 'target "one" {\n  context = "c"\n  args = { LEVEL = "1" }\n}\n',
    "c/Dockerfile": "FROM scratch\nARG LEVEL\nENV L=$LEVEL\n",
}
OVERRIDE = 'target "one" {\n  args = { LEVEL = "2" }\n}\n'
DEFINITIONS = [
    (STAR, "tools/cuda.star", STAR["tools/cuda.star"].replace("11", "12"), ["one"], ["one", "two"]),
    (STAR, "sub/images.star", STAR["sub/images.star"].replace("1", "2"), ["two"], ["one", "two"]),
    (COMPOSE, ".env", "TAG=2\n", ["web"], ["job", "web"]),
    (COMPOSE, "common.yaml", COMPOSE["common.yaml"].replace("1", "2"), ["web"], ["job", "web"]),
    (COMPOSE, "more/compose.yaml", COMPOSE["more/compose.yaml"].replace("1", "2"), ["job"], ["job", "web"]),
    (BAKE, "docker-bake.override.hcl", OVERRIDE, ["one"], ["one"]),
    (BAKE, "images.yaml", "version: 1\nimages: {other: {context: c}}\n", ["other"], ["other"]),
]


@pytest.mark.parametrize(("files", "path", "edit", "changed", "every"), DEFINITIONS, ids=[d[1] for d in DEFINITIONS])
def test_every_file_of_the_definition(
    tmp_path: Path, files: dict[str, str], path: str, edit: str, changed: list[str], every: list[str]
) -> None:
    """Also those that the graph file loads, and those that are not there yet but would be read."""
    space = Workspace(tmp_path / "family")
    space.write(files)
    space.commit()
    before = sorted(space.keys())
    assert names(space, path) == before
    space.planner("plan", "--since", "HEAD")  # What it keeps is no reason to leave out an image.
    assert names(space, path) == before
    space.write({path: edit})
    assert sorted(space.rebuilds()) == changed
    assert names(space, "--since", "HEAD", "--direct") == changed
    assert names(space, path, "--direct") == every
    (touch, *_) = space.document("affected", path)["images"][0]["paths"]
    assert (touch["path"], touch["role"]) == (path, "graph-file")


def test_a_dockerfile_of_a_family_that_nobody_wrote_down(tmp_path: Path) -> None:
    """One more or one less may change who reads whom."""
    space = Workspace(tmp_path / "family")
    space.write({"app/Dockerfile": "FROM acme/base\n", "base/Dockerfile": "FROM scratch\n"})
    space.commit()
    (space.root / "base/Dockerfile").unlink()
    assert sorted(space.rebuilds()) == ["app"]
    assert names(space, "--since", "HEAD") == ["app"]
    space.commit()
    assert names(space, "base/Dockerfile") == ["app"]
    assert names(space, "images.yaml") == ["app"]
    assert names(space, "base/notes") == []


def test_paths_as_git_prints_them_at_the_top(tmp_path: Path) -> None:
    """In a folder of a bigger repository they are not those of the folder, unless git is told so."""
    outer = Workspace(tmp_path / "outer")
    outer.write({f"family/{path}": text for path, text in FILES.items()} | {"notes": "n\n", "README.md": "r\n"})
    outer.commit()
    inner = Workspace(outer.root / "family", init=False)
    run = inner.planner("affected", "family/src/x.c", "notes", "docs/index.md")
    assert "3 images are affected" not in run.stdout
    assert "family/src/x.c and 1 path more" in run.stderr
    assert "git diff --relative" in run.stderr
    assert "docs/index.md" not in run.stderr
    (inner.root / "README.md").write_text("r\n")
    inner.commit()
    (inner.root / "README.md").unlink()
    assert inner.planner("affected", "README.md", "docs/new.md").stderr == "", "it was here"


def test_lines_are_no_paths_that_end_with_nul(space: Workspace) -> None:
    command = [sys.executable, "-m", "planner.cli.main", "-C", os.fspath(space.root), "affected", "--stdin0"]
    run = subprocess.run(command, input=b"docs/a\nsrc/x.c\n", capture_output=True, check=True)
    assert b"no NUL" in run.stderr
    assert b"git diff --name-only -z" in run.stderr
    assert subprocess.run(command, input=b"docs/a\nb\0", capture_output=True, check=True).stderr == b""
