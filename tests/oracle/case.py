"""One example for the oracles: files, a Dockerfile in pieces, and what a build is asked for."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

CONTEXT = "ctx"
EXECUTABLE = "x"
LINK = "l"
PLAIN = "f"


@dataclass(frozen=True)
class File:
    """A file's text, or the target of a link; `kind` is one of PLAIN, EXECUTABLE, LINK."""

    text: str
    kind: str = PLAIN


@dataclass(frozen=True)
class Piece:
    """An instruction, comment or blank of a Dockerfile. `number` stays when the text is changed."""

    number: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """Paths of `files` are relative to the workspace; the build context is its folder `ctx`.

    `locked` gives the planner a lock, which tells what base images hand to their children. `mark` is a byte-order mark
    at the start of the Dockerfile, `ended` whether its last line ends.
    """

    files: dict[str, File] = field(default_factory=dict)
    pieces: tuple[Piece, ...] = ()
    dockerfile: str = f"{CONTEXT}/Dockerfile"
    newline: str = "\n"
    mark: bool = False
    ended: bool = True
    args: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    target: str = ""
    platform: str = "linux/amd64"
    network: str = ""
    locked: bool = False

    @property
    def text(self) -> str:
        """The Dockerfile."""
        lines = self.newline.join(line for piece in self.pieces for line in piece.text.split("\n"))
        return ("\ufeff" if self.mark else "") + lines + (self.newline if self.ended else "")

    def write(self, root: Path) -> None:
        """Write the workspace anew."""
        shutil.rmtree(root, ignore_errors=True)
        (root / CONTEXT).mkdir(parents=True)
        for path, file in self.files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if file.kind == LINK:
                place.symlink_to(file.text)
            else:
                place.write_text(file.text)
                place.chmod(0o755 if file.kind == EXECUTABLE else 0o644)
        place = root / self.dockerfile
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(self.text.encode())

    def shown(self) -> str:
        """For people: the Dockerfile, the files, the rest."""
        ends = f"{' (CRLF)' if self.newline != chr(10) else ''}{' (marked)' if self.mark else ''}"
        lines = [f"--- {self.dockerfile}{ends}{'' if self.ended else ' (not ended)'}", self.text.rstrip("\r\n")]
        for path, file in sorted(self.files.items()):
            lines.append(f"--- {path} {file.kind} {file.text!r}")
        names = ("args", "labels", "named", "target", "platform", "network", "locked")
        rest = {name: getattr(self, name) for name in names}
        lines.append("--- " + ", ".join(f"{name}={value!r}" for name, value in rest.items() if value))
        return "\n".join(lines)


@dataclass(frozen=True)
class Pair:
    """A case before and after one mutation, and what the mutation is called."""

    before: Case
    after: Case
    mutation: str


def with_pieces(case: Case, pieces: tuple[Piece, ...]) -> Case:
    return replace(case, pieces=pieces)


def valid(case: Case) -> bool:
    """Whether the files can stand in one file system: no file is also a folder, no link has files below it."""
    paths = set(case.files)
    for path in (*paths, case.dockerfile):
        if any(os.fspath(above) in paths for above in PurePosixPath(path).parents):
            return False
    return case.dockerfile not in paths
