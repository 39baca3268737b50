"""The table of edits: a small family of images, one edit at a time, and exactly the images that it rebuilds.

`tests/plan` checks the table against the planner, `tests/build` against BuildKit. The images are of busybox only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

PIN = "1" * 64
IGNORE = "ignored\n!ignored/kept.txt\n**/*.tmp\n.git\n.planner\n"
HIDDEN_DEFINITIONS = IGNORE + "*.Dockerfile\nimages.yaml\n.dockerignore\n"
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
  side: {context: side, target: final}
""",
    "base.Dockerfile": """\
# the base of all
FROM ubuntu:22.04
COPY scripts/setup.sh /setup.sh
RUN sh /setup.sh > /setup.log
""",
    "tool.Dockerfile": f"""\
ARG VERSION=3
FROM registry.example/fam/base@sha256:{PIN}
ARG LEVEL=0
ARG VERSION
COPY src/*.c /src/
RUN --mount=type=bind,source=mounted,target=/m cat /m/* > /made && echo "$LEVEL" >> /made
COPY <<EOF /etc/conf
level ${{LEVEL}}
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
    "docs.Dockerfile": "FROM ubuntu:22.04\nCOPY link.md docs /docs/\n",
    "side/Dockerfile": """\
FROM scratch AS unreached
COPY unread /
FROM scratch AS final
COPY read /
""",
    ".dockerignore": IGNORE,
    "scripts/setup.sh": "echo setup\n",
    "scripts/other.sh": "echo other\n",
    "src/a.c": "int a;\n",
    "src/a.h": "int a;\n",
    "mounted/data": "data\n",
    "ignored/lost.txt": "lost\n",
    "ignored/kept.txt": "kept\n",
    "docs/index.md": "docs\n",
    "docs/target.md": "target\n",
    "side/read": "read\n",
    "side/unread": "unread\n",
    "LICENSE": "free\n",
}
LINKS = {"link.md": "docs/target.md"}

Edit = Callable[[Path], None]
NOTHING: frozenset[str] = frozenset()
BASE_DOWN = frozenset({"base", "tool", "app"})
TOOL_DOWN = frozenset({"tool", "app"})
APP = frozenset({"app"})
DOCS = frozenset({"docs"})


@dataclass(frozen=True, kw_only=True)
class Row:
    """One edit. `expected` rebuilds, and `code` is among the reasons.

    `hidden` has the definitions (Dockerfiles, graph file) ignored, so that only their meaning counts. `offline` says
    why an embedded engine cannot build the edited family.
    """

    name: str
    edit: Edit
    expected: frozenset[str] = NOTHING
    code: str = ""
    hidden: bool = False
    offline: str = ""


def substitute(path: str, old: str, new: str) -> Edit:
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


def as_under_umask_077(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        inner = path.relative_to(root).parts
        if not path.is_symlink() and inner[:1] not in ((".git",), (".planner",)):
            path.chmod(path.stat().st_mode & 0o700)


def reorder(root: Path) -> None:
    lines = (root / "images.yaml").read_text().splitlines(keepends=True)
    start = lines.index("images:\n") + 1
    (root / "images.yaml").write_text("".join([*lines[:start], *reversed(lines[start:])]))


_FILES = (
    Row(
        name="content of a copied file",
        edit=write("scripts/setup.sh", "echo new\n"),
        expected=BASE_DOWN,
        code="file-changed",
    ),
    Row(name="content only the whole context has", edit=write("scripts/other.sh", ""), expected=APP),
    Row(name="glob hit", edit=write("src/b.c", "int b;\n"), expected=TOOL_DOWN, code="file-added"),
    Row(name="glob miss", edit=write("src/b.h", "int b;\n"), expected=APP, code="file-added"),
    Row(name="untracked file", edit=write("docs/new.md", "new\n"), expected=APP | DOCS, code="file-added"),
    Row(name="removal", edit=remove("src/a.h"), expected=APP, code="file-removed"),
    Row(name="rename", edit=rename("src/a.c", "src/z.c"), expected=TOOL_DOWN, code="file-added"),
    Row(name="executable bit", edit=chmod("scripts/setup.sh", 0o755), expected=BASE_DOWN, code="mode-changed"),
    Row(name="group and other bits", edit=chmod("scripts/setup.sh", 0o600)),
    Row(name="umask", edit=as_under_umask_077),
    Row(name="modification time", edit=touch("scripts/setup.sh")),
    Row(name="bind mount", edit=write("mounted/data", "new\n"), expected=TOOL_DOWN, code="file-changed"),
    Row(name="file added to a bind mount", edit=write("mounted/more", "new\n"), expected=TOOL_DOWN, code="file-added"),
    Row(
        name="heredoc body",
        edit=substitute("tool.Dockerfile", "level $", "LEVEL $"),
        expected=TOOL_DOWN,
        code="instruction-changed",
    ),
    Row(
        name="comment, in a context that holds it",
        edit=substitute("base.Dockerfile", "of all", "of"),
        expected=APP,
        code="file-changed",
    ),
    Row(name="ignored file", edit=write("ignored/lost.txt", "new\n")),
    Row(name="file ignored by a glob", edit=write("src/x.tmp", "new\n")),
    Row(name="re-included file", edit=write("ignored/kept.txt", "new\n"), expected=APP, code="file-changed"),
    Row(name="symlink", edit=relink, expected=APP | DOCS, code="file-changed"),
    Row(name="target of a symlink", edit=write("docs/target.md", "new\n"), expected=APP | DOCS, code="file-changed"),
    Row(name="file of an unreached stage only", edit=write("side/unread", "new\n"), expected=APP),
)
_PLATFORM = substitute(
    "images.yaml", "{dockerfile: docs.Dockerfile}", "{dockerfile: docs.Dockerfile, platforms: [linux/arm64]}"
)
_DEFINITIONS = (
    Row(name="white space", edit=substitute("tool.Dockerfile", "ARG LEVEL=0", "ARG   LEVEL=0  ")),
    Row(name="comment", edit=substitute("base.Dockerfile", "# the base of all", "# words\n")),
    Row(name="keyword case", edit=substitute("base.Dockerfile", "COPY", "copy")),
    Row(name="continuation", edit=substitute("base.Dockerfile", "COPY scripts", "COPY \\\n scripts")),
    Row(name="own pin", edit=substitute("tool.Dockerfile", "1111", "2222")),
    Row(name="unreached stage", edit=substitute("app.Dockerfile", "COPY LICENSE /", "RUN false")),
    Row(name="name of a stage", edit=substitute("app.Dockerfile", "build", "builder")),
    Row(name="shadowed default", edit=substitute("tool.Dockerfile", "LEVEL=0", "LEVEL=9")),
    Row(name="unused argument", edit=substitute("images.yaml", 'UNUSED: "1"', 'UNUSED: "2"')),
    Row(name="order of the graph file", edit=reorder),
    Row(name="used argument", edit=substitute("images.yaml", '{LEVEL: "1"}', '{LEVEL: "2"}'), expected=TOOL_DOWN),
    Row(name="global argument", edit=substitute("tool.Dockerfile", "VERSION=3", "VERSION=4"), expected=TOOL_DOWN),
    Row(name="label", edit=substitute("app.Dockerfile", "kind=app", "kind=tool"), expected=APP),
    Row(name="external", edit=substitute("docs.Dockerfile", "ubuntu:22.04", "golang:1.20"), expected=DOCS),
    Row(
        name="frontend",
        edit=substitute("docs.Dockerfile", "FROM", "# syntax=docker/dockerfile:1\nFROM"),
        expected=DOCS,
        offline="the frontend's image is not at hand",
    ),
    Row(name="platform", edit=_PLATFORM, expected=DOCS),
    Row(name="ignore rule without effect", edit=substitute(".dockerignore", "**/*.tmp", "**/*.tmp\nnone")),
)
ROWS = (*_FILES, *(replace(row, hidden=True) for row in _DEFINITIONS))


def write_family(root: Path, *, hidden: bool) -> None:
    """Write the family's files; `hidden` as in Row."""
    files = {**FILES, ".dockerignore": HIDDEN_DEFINITIONS} if hidden else FILES
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    for path, target in LINKS.items():
        (root / path).symlink_to(target)
