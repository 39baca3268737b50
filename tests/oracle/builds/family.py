"""A family in one state: its files and its images, each of them a case of the other oracle without files of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from posixpath import relpath
from typing import Any

from tests.oracle.case import Case, File, Piece, valid

REGISTRY = "registry.example/fam"
PIN = "sha256:" + "1" * 64
GRAPH_FILE = "images.yaml"
TARGET = "target:"
TIME = 946_684_800
LONG = 100


@dataclass(frozen=True, kw_only=True)
class Member:
    """One image. The case has no files; its named contexts may be `target:NAME`, an image of the family."""

    name: str
    case: Case
    context: str = "ctx"


@dataclass(frozen=True, kw_only=True)
class State:
    """`members` stand after all that they read. `order` is that of the graph file, `note` a comment in it."""

    files: Mapping[str, File]
    members: tuple[Member, ...]
    order: tuple[str, ...] = ()
    note: str = ""

    def case(self, member: Member) -> Case:
        """An image with the files of the family."""
        return replace(member.case, files=dict(self.files))

    def with_case(self, member: Member, case: Case) -> State:
        """The state that an edit of one image and of the files leads to."""
        fresh = replace(member, case=replace(case, files={}))
        return replace(self, files=case.files, members=tuple(fresh if one == member else one for one in self.members))

    def is_valid(self) -> bool:
        """Whether all files can stand in one file system."""
        dockerfiles = {member.case.dockerfile for member in self.members}
        if dockerfiles & set(self.files):
            return False
        placed = {**self.files, **dict.fromkeys(dockerfiles, File(""))}
        return valid(Case(files=placed, dockerfile=GRAPH_FILE))

    def write(self, root: Path) -> None:
        """Write the workspace anew."""
        Case(files=dict(self.files), dockerfile=GRAPH_FILE).write(root)
        (root / GRAPH_FILE).write_text(self.graph_file())
        for member in self.members:
            place = root / member.case.dockerfile
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(member.case.text.encode())
        _set_times(root)

    def graph_file(self) -> str:
        """The graph file; JSON is YAML."""
        by_name = {member.name: member for member in self.members}
        names = [*(name for name in self.order if name in by_name), *by_name]
        lines = ["version: 1", f"registry: {REGISTRY}", *([f"# {self.note}"] if self.note else []), "images:"]
        lines += [f"  {name}: {json.dumps(_fields(by_name[name]))}" for name in dict.fromkeys(names)]
        return "\n".join(lines) + "\n"

    def shown(self) -> str:
        """For people: the graph file, the Dockerfiles, the files."""
        lines = [self.graph_file().rstrip()]
        for member in self.members:
            ends = " (CRLF)" if member.case.newline != "\n" else ""
            lines += [f"--- {member.case.dockerfile}{ends}", member.case.text.rstrip()]
        for path, file in sorted(self.files.items()):
            text = repr(file.text if len(file.text) < LONG else file.text.replace("\0", "")[:LONG])
            lines.append(f"--- {path} {file.kind} {text}")
        return "\n".join(lines)


def _set_times(root: Path) -> None:
    """One time for all: a stage that is a named context and does nothing else is an image of files with their times."""
    for folder, folders, files in os.walk(root, topdown=False):
        for name in (*files, *folders):  # A link to a folder is among the folders.
            os.utime(f"{folder}/{name}", (TIME, TIME), follow_symlinks=False)
        os.utime(folder, (TIME, TIME))


def _fields(member: Member) -> dict[str, Any]:
    case = member.case
    fields: dict[str, Any] = {
        "context": member.context,
        "dockerfile": relpath(case.dockerfile, member.context),
        "target": case.target,
        "args": case.args,
        "contexts": case.named,
        "platforms": [case.platform],
        "labels": case.labels,
        "network": case.network,
    }
    return {name: value for name, value in fields.items() if value}


def names_of(name: str) -> tuple[str, str]:
    """The names under which BuildKit looks for an image of the family: with a pin and without one."""
    return f"{REGISTRY}/{name}", f"{REGISTRY}/{name}@{PIN}"


def written(state: State) -> dict[str, Any]:
    """A state as JSON."""
    return asdict(state)


def read(document: Mapping[str, Any]) -> State:
    """A state that `written` made."""
    members = []
    for one in document["members"]:
        case = {**one["case"], "pieces": tuple(Piece(**piece) for piece in one["case"]["pieces"])}
        members.append(Member(name=one["name"], case=Case(**case), context=one["context"]))
    return State(
        files={path: File(**file) for path, file in document["files"].items()},
        members=tuple(members),
        order=tuple(document["order"]),
        note=document["note"],
    )
