"""A family whose images say what they were built from, and random edits of it.

`/state` in each image is the text of its own file after that of all its parents, so that what an image must hold can be
computed without building anything. Files have two contents each that come back, and now and then one that never was,
so that a long run meets old states again and never ends to make new ones. Git tracks the files of some images, ignores
those of others, and does not know those of the rest; contents have the same size for long, and half of the files are
exchanged for others with the same times, as `cp -p` and tar leave them.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.workspace import Workspace

PARENTS = {
    "base": (),
    "left": ("base",),
    "right": ("base",),
    "join": ("left", "right"),
    "leaf": ("right",),
    "top": ("join",),
}
IGNORED = ("right", "leaf")
UNTRACKED = ("left",)
BESIDE = 80
"""Files that never change beside an ignored one: the planner remembers ids of ignored files where there are many."""
CONTENTS = 2
NEW = 0.5
"""The part of edits of a file that give it a content which no file had before."""


@dataclass
class SoakFamily:
    """The present state of the family in a workspace."""

    workspace: Workspace
    registry: str
    own: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARENTS, 0))
    swapped: bool = False
    remark: int = 0
    newest: int = CONTENTS

    def parents(self, name: str) -> tuple[str, ...]:
        """The parents of an image; the leaf changes its own now and then."""
        return ("left",) if name == "leaf" and self.swapped else PARENTS[name]

    def state(self, name: str) -> str:
        """What `/state` of an image must hold."""
        return "".join(self.state(parent) for parent in self.parents(name)) + f"{name} {self.own[name]}\n"

    def edit(self, chance: random.Random) -> None:
        """Change a thing or two; sometimes only what counts for nothing."""
        for _ in range(chance.choice([1, 1, 1, 2])):
            what = chance.random()
            if what < 0.7:
                self.own[chance.choice(list(PARENTS))] = self._content(chance)
            elif what < 0.85:
                self.swapped = not self.swapped
            else:
                self.remark += 1
        self.write(chance)

    def _content(self, chance: random.Random) -> int:
        if chance.random() >= NEW:
            return chance.randrange(CONTENTS)
        self.newest += 1
        return self.newest

    def write(self, chance: random.Random) -> None:
        """Write what has changed."""
        images = "".join(f"  {name}: {{dockerfile: {name}.Dockerfile}}\n" for name in PARENTS)
        files = {"images.yaml": f"version: 1\nregistry: {self.registry}\nimages:\n{images}", ".gitignore": "ignored/\n"}
        for name in PARENTS:
            files[f"{_folder(name)}/{name}.txt"] = f"{name} {self.own[name]}\n"
            files[f"{name}.Dockerfile"] = self._dockerfile(name)
        for name in IGNORED:
            files |= {f"{_folder(name)}/{number:02}": f"{name}\n" for number in range(BESIDE)}
        for path, text in files.items():
            place = self.workspace.root / path
            if not place.exists():
                self.workspace.write({path: text})
            elif place.read_text() != text:
                _exchange(place, text, same_times=chance.random() < 0.5)

    def _dockerfile(self, name: str) -> str:
        parents = self.parents(name)
        lines = [f"# remark {self.remark}", f"FROM {self.registry}/{parents[0]}" if parents else "FROM ubuntu:22.04"]
        lines += [f"COPY --from={self.registry}/{other} /state /other" for other in parents[1:]]
        lines.append(f"COPY {_folder(name)} /own")
        lines.append(f"RUN sleep 0.1; cat {'/other ' if parents[1:] else ''}/own/{name}.txt >> /state")
        return "\n".join(lines) + "\n"


def _folder(name: str) -> str:
    """The folder of an image's own file."""
    return f"{'ignored' if name in IGNORED else 'untracked' if name in UNTRACKED else 'tracked'}/{name}"


def _exchange(place: Path, text: str, *, same_times: bool) -> None:
    """Write another text into a file, or put another file with the same times in its place."""
    if not same_times:
        place.write_text(text)
        return
    new, before = place.with_name(f".{place.name}"), place.stat()
    new.write_text(text)
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(place)


def new_family(root: Path, registry: str) -> SoakFamily:
    """The family, written and committed."""
    family = SoakFamily(Workspace(root), registry)
    family.write(random.Random(0))  # noqa: S311 -- nothing is there that could be exchanged
    family.workspace.git("add", "--all", "--", ".", ":!untracked")
    family.workspace.git("commit", "-q", "-m", "state")
    return family
