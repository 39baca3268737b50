"""Asks git which paths of a worktree may differ from HEAD: one status, and the flags that hide files from it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from planner.local.process import answer, ask, environment, git_argv, start

CONVERTING = ("filter", "text", "eol", "crlf", "ident", "working-tree-encoding")


def changed_paths(folder: Path, attributes_file: str) -> tuple[str, list[str]]:
    """HEAD's commit ("" when unborn), and the paths, from the repository's root, whose bytes must be read from disk.

    A folder that git does not keep is one path. Staged, changed, conflicting, untracked and ignored paths are named,
    and so are files that git was told to assume unchanged, submodules, and files whose checkout converts bytes.
    `attributes_file` is the repository's own attributes file, which may not exist.
    """
    status = start(
        folder,
        "status",
        "--porcelain=v2",
        "-z",
        "--branch",
        "--no-renames",
        "--untracked-files=normal",
        "--ignored=matching",
        "--ignore-submodules=none",
        "--",
        ".",
    )
    listing = start(folder, "ls-files", "-v", "-s", "-z", "--full-name", "--", ".")
    config = start(folder, "config", "--get-regexp", r"^core\.(autocrlf|eol|attributesfile)$")
    head, changed = _parsed(answer(status))
    tracked: list[str] = []
    attributes = False
    for tag, mode, path in _listed(answer(listing)):
        tracked.append(path)
        if tag.islower() or mode == "160000":
            changed.append(path)
        attributes = attributes or path == ".gitattributes" or path.endswith("/.gitattributes")
    settings = answer(config, accepted=(0, 1)).decode("utf-8", "replace").splitlines()
    if attributes or any(not line.endswith(" false") for line in settings) or (folder / attributes_file).exists():
        changed.extend(_converted(folder, tracked, settings))
    return head, changed


def _parsed(out: bytes) -> tuple[str, list[str]]:
    head = ""
    changed: list[str] = []
    for field in out.split(b"\0"):
        text = field.decode("utf-8", "surrogateescape")
        if text.startswith("# branch.oid "):
            head = text.removeprefix("# branch.oid ").replace("(initial)", "")
        elif text[:2] in ("? ", "! "):
            changed.append(text[2:].rstrip("/"))
        elif text.startswith("1 "):
            changed.append(text.split(" ", 8)[8])
        elif text.startswith("u "):
            changed.append(text.split(" ", 10)[10])
    return head, changed


def _listed(out: bytes) -> Iterator[tuple[str, str, str]]:
    """`TAG MODE OID STAGE<tab>PATH`, as `ls-files -v -s` prints it."""
    for field in out.split(b"\0"):
        if field:
            facts, _, path = field.partition(b"\t")
            tag, mode, *_ = facts.decode().split()
            yield tag, mode, path.decode("utf-8", "surrogateescape")


def _converted(folder: Path, tracked: list[str], settings: list[str]) -> list[str]:
    """The tracked paths whose bytes on disk may differ from git's."""
    top = ask(folder, "rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape").rstrip("\n")
    if any(_converts_all(line) for line in settings):
        return tracked
    asked = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in tracked)
    run = subprocess.run(
        git_argv("check-attr", "-z", "--stdin", *CONVERTING),
        cwd=top,
        env=environment(),
        input=asked,
        capture_output=True,
        check=True,
    )
    fields = run.stdout.split(b"\0")
    found = {
        path.decode("utf-8", "surrogateescape")
        for path, value in zip(fields[::3], fields[2::3], strict=False)
        if value not in (b"unspecified", b"unset", b"auto")
    }
    return sorted(found)


def _converts_all(setting: str) -> bool:
    """Whether `core.autocrlf` or `core.eol` rewrites the line ends of every text file."""
    name, _, value = setting.partition(" ")
    return name != "core.attributesfile" and value not in ("false", "native", "lf", "input")
