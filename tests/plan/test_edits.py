"""One edit at a time on a small family: exactly the right images rebuild, for the right reason."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workspace import Workspace

FILES = {
    "images.yaml": """\
version: 1
registry: registry.example/fam
variables: {LEVEL: "1"}
images:
  base: {dockerfile: base.Dockerfile}
  tool: {dockerfile: tool.Dockerfile, args: {LEVEL: "${LEVEL}", UNUSED: "1"}}
  app: {dockerfile: app.Dockerfile, target: final}
  docs: {dockerfile: docs.Dockerfile}
""",
    "base.Dockerfile": """\
# the base of all
FROM alpine:3.20
COPY scripts/setup.sh /setup.sh
RUN sh /setup.sh
""",
    "tool.Dockerfile": """\
ARG VERSION=3
FROM registry.example/fam/base@sha256:1111111111111111111111111111111111111111111111111111111111111111
ARG LEVEL=0
ARG VERSION
COPY src/*.c /src/
RUN --mount=type=bind,source=mounted,target=/m make LEVEL=$LEVEL
COPY <<EOF /etc/conf
level ${LEVEL}
EOF
""",
    "app.Dockerfile": """\
FROM registry.example/fam/tool AS build
COPY . /all
FROM scratch AS unreached
COPY LICENSE /
FROM registry.example/fam/base AS final
COPY --from=build /all /all
LABEL kind=app
""",
    "docs.Dockerfile": "FROM alpine:3.20\nCOPY link.md docs /docs/\n",
    ".dockerignore": "ignored\n!ignored/kept.txt\n**/*.tmp\n",
    "scripts/setup.sh": "echo setup\n",
    "scripts/other.sh": "echo other\n",
    "src/a.c": "int a;\n",
    "src/a.h": "int a;\n",
    "mounted/data": "data\n",
    "ignored/lost.txt": "lost\n",
    "ignored/kept.txt": "kept\n",
    "docs/index.md": "docs\n",
    "docs/target.md": "target\n",
    "LICENSE": "free\n",
}
BASE_DOWN = {"base", "tool", "app"}

Edit = Callable[[Path], None]


def replace(path: str, old: str, new: str) -> Edit:
    def edit(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))

    return edit


def write(path: str, text: str) -> Edit:
    def edit(root: Path) -> None:
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)

    return edit


def remove(path: str) -> Edit:
    return lambda root: (root / path).unlink()


def rename(old: str, new: str) -> Edit:
    def edit(root: Path) -> None:
        (root / old).rename(root / new)

    return edit


def chmod(path: str, mode: int) -> Edit:
    return lambda root: (root / path).chmod(mode)


def touch(path: str) -> Edit:
    return lambda root: os.utime(root / path, (1, 1))


def relink(root: Path) -> None:
    (root / "link.md").unlink()
    (root / "link.md").symlink_to("docs/index.md")


NOTHING: set[str] = set()
TOOL_DOWN = {"tool", "app"}
EDITS: list[tuple[str, Edit, set[str], str]] = [
    ("content of a copied file", write("scripts/setup.sh", "new\n"), BASE_DOWN, "file-changed"),
    ("content only the whole context has", write("scripts/other.sh", "new\n"), {"app"}, "file-changed"),
    ("glob hit", write("src/b.c", "int b;\n"), TOOL_DOWN, "file-added"),
    ("glob miss", write("src/b.h", "int b;\n"), {"app"}, "file-added"),
    ("removal", remove("src/a.h"), {"app"}, "file-removed"),
    ("rename", rename("src/a.c", "src/z.c"), TOOL_DOWN, "file-added"),
    ("executable bit", chmod("scripts/setup.sh", 0o755), BASE_DOWN, "mode-changed"),
    ("group and other bits", chmod("scripts/setup.sh", 0o600), NOTHING, ""),
    ("modification time", touch("scripts/setup.sh"), NOTHING, ""),
    ("bind mount", write("mounted/data", "new\n"), TOOL_DOWN, "file-changed"),
    ("heredoc body", replace("tool.Dockerfile", "level $", "LEVEL $"), TOOL_DOWN, "instruction-changed"),
    ("comment, in a context that holds it", replace("base.Dockerfile", "of all", "of"), {"app"}, "file-changed"),
    ("ignored file", write("ignored/lost.txt", "new\n"), NOTHING, ""),
    ("file ignored by a glob", write("src/x.tmp", "new\n"), NOTHING, ""),
    ("re-included file", write("ignored/kept.txt", "new\n"), {"app"}, "file-changed"),
    ("symlink", relink, {"app", "docs"}, "file-changed"),
    ("target of a symlink", write("docs/target.md", "new\n"), {"app", "docs"}, "file-changed"),
]


@pytest.fixture
def family(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(FILES)
    (workspace.root / "link.md").symlink_to("docs/target.md")
    workspace.commit()
    return workspace


@pytest.mark.parametrize(("edit", "expected", "code"), [row[1:] for row in EDITS], ids=[row[0] for row in EDITS])
def test_exactly_the_right_images_rebuild(family: Workspace, edit: Edit, expected: set[str], code: str) -> None:
    edit(family.root)
    found = family.rebuilds()
    assert set(found) == expected
    if code:
        assert any(code in codes for codes in found.values()), found


DOCS = "{dockerfile: docs.Dockerfile}"
DEFINITIONS: list[tuple[str, Edit, set[str]]] = [
    ("white space", replace("tool.Dockerfile", "ARG LEVEL=0", "ARG   LEVEL=0  "), NOTHING),
    ("comment", replace("base.Dockerfile", "# the base of all", "# words\n"), NOTHING),
    ("keyword case", replace("base.Dockerfile", "COPY", "copy"), NOTHING),
    ("continuation", replace("base.Dockerfile", "COPY scripts", "COPY \\\n scripts"), NOTHING),
    ("own pin", replace("tool.Dockerfile", "1111", "2222"), NOTHING),
    ("unreached stage", replace("app.Dockerfile", "COPY LICENSE /", "RUN false"), NOTHING),
    ("name of a stage", replace("app.Dockerfile", "build", "builder"), NOTHING),
    ("shadowed default", replace("tool.Dockerfile", "LEVEL=0", "LEVEL=9"), NOTHING),
    ("unused argument", replace("images.yaml", 'UNUSED: "1"', 'UNUSED: "2"'), NOTHING),
    ("order of the graph file", replace("images.yaml", "images:\n  base", "images:\n\n  base"), NOTHING),
    ("used argument", replace("images.yaml", '{LEVEL: "1"}', '{LEVEL: "2"}'), TOOL_DOWN),
    ("global argument", replace("tool.Dockerfile", "VERSION=3", "VERSION=4"), TOOL_DOWN),
    ("label", replace("app.Dockerfile", "kind=app", "kind=tool"), {"app"}),
    ("external", replace("docs.Dockerfile", "3.20", "3.21"), {"docs"}),
    ("frontend", replace("docs.Dockerfile", "FROM", "# syntax=docker/dockerfile:1\nFROM"), {"docs"}),
    ("platform", replace("images.yaml", DOCS, DOCS[:-1] + ", platforms: [linux/arm64]}"), {"docs"}),
    ("ignore rule without effect", replace(".dockerignore", "**/*.tmp", "**/*.tmp\nnone"), NOTHING),
]


@pytest.mark.parametrize(("edit", "expected"), [row[1:] for row in DEFINITIONS], ids=[row[0] for row in DEFINITIONS])
def test_edits_of_what_defines_the_family(family: Workspace, edit: Edit, expected: set[str]) -> None:
    """The definitions are kept out of the context here, so that only their meaning counts."""
    (family.root / ".dockerignore").write_text(FILES[".dockerignore"] + "*.Dockerfile\nimages.yaml\n.dockerignore\n")
    family.commit()
    edit(family.root)
    assert set(family.rebuilds()) == expected


def test_the_same_bytes_have_the_same_keys_everywhere(family: Workspace, tmp_path: Path) -> None:
    """Dirty, staged, committed, a linked worktree in another folder, another umask without git."""
    (family.root / "src/a.c").write_text("int other;\n")
    dirty = family.keys()
    family.git("add", "-A")
    assert family.keys() == dirty
    family.commit()
    assert family.keys() == dirty
    assert family.rebuilds("HEAD") == {}

    family.git("worktree", "add", "-q", "--detach", os.fspath(tmp_path / "linked"))
    assert Workspace(tmp_path / "linked", init=False).keys() == dirty

    plain = tmp_path / "plain"
    shutil.copytree(family.root, plain, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    for path in plain.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o66)
    assert Workspace(plain, init=False).keys() == dirty


def test_narrowing_keeps_the_parents_that_must_be_built(family: Workspace) -> None:
    (family.root / "scripts/setup.sh").write_text("new\n")
    document = family.document("plan", "--since", "HEAD", "tool")
    assert [(image["name"], image["action"]) for image in document["images"]] == [("base", "build"), ("tool", "build")]


def test_the_exit_status_says_whether_anything_rebuilds(family: Workspace) -> None:
    assert family.planner("plan", "--since", "HEAD", "--exit-code").returncode == 0
    (family.root / "docs/index.md").write_text("new\n")
    assert family.planner("plan", "--since", "HEAD", "--exit-code").returncode == 3
