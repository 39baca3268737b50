"""Random contexts: files, links, ignore files, named contexts. Knows no instruction."""

from __future__ import annotations

import random

from tests.oracle import dialect
from tests.oracle.case import CONTEXT, EXECUTABLE, LINK, PLAIN, File

BASES = ("ubuntu:22.04", "golang:1.20", "python:3.11-alpine", "node:20")
TRIGGERING = "node:20-onbuild"
"""A base image with triggers, which a plan knows by the lock alone."""
NAMES = ("a", "b", "c.txt", "d.sh", "lib", "src", ".hid", "e e", "aa", "b.c")
FOLDERS = ("", "lib", "src", "src/deep", ".hid", "lib/src")
RULES = (
    "*",
    "src",
    "lib",
    "**/*.c",
    "a",
    "!a",
    "!src/a",
    "!src/deep",
    "*.txt",
    "src/*",
    "# note",
    "!**/b.c",
    "**",
    "!lib/**",
)


class ContextMaker:
    """Makes files and named contexts."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.files: dict[str, File] = {}
        self.named: dict[str, str] = {}

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def contexts(self) -> None:
        rng = self.rng
        for path in ("a", "c.txt", "src/b.c", "src/deep/a", "lib/d.sh", ".hid/a"):
            if self.chance(0.8):
                self.files[f"{CONTEXT}/{path}"] = self.file()
        for _ in range(rng.randint(1, 6)):
            self.files[self.new_path(CONTEXT)] = self.file()
        for _ in range(rng.randint(0, 2)):
            self.files[rng.choice((self.new_path(CONTEXT), "ctx/link", "ctx/lib/link"))] = File(
                self.link_target(), LINK
            )
        if self.chance(0.5):
            self.files["ctx/.dockerignore"] = File(self.ignore_text())
        if self.chance(0.15):
            place = rng.choice(("ctx/Dockerfile", "ctx/src/my.Dockerfile", "docker/Dockerfile"))
            self.files[f"{place}.dockerignore"] = File(self.ignore_text())
        if self.chance(0.3):
            for _ in range(rng.randint(1, 4)):
                self.files[self.new_path("more")] = self.file()
            self.named[rng.choice(("extra", "one", "golang:1.20"))] = "more"
            if self.chance(0.2):
                self.files["more/.dockerignore"] = File(self.ignore_text())
        if self.rare_context():
            self.files.setdefault("more/a", self.file())

    def rare_context(self) -> bool:
        """Now and then a named context that is an image, or whose name means something else; whether it has files."""
        rng = self.rng
        if self.chance(0.1):
            self.named[rng.choice(("img", "two", "ubuntu:22.04"))] = f"docker-image://{rng.choice(BASES)}"
        if not self.chance(dialect.RARE / 2):
            return False
        value = rng.choice(("more", "docker-image://scratch", f"docker-image://{BASES[3]}"))
        self.named[rng.choice(dialect.NAMED)] = value
        return value == "more"

    def file(self) -> File:
        return File(self.rng.choice(("one\n", "two\n", "", "#!/bin/sh\n")), EXECUTABLE if self.chance(0.2) else PLAIN)

    def new_path(self, root: str) -> str:
        folder = self.rng.choice(FOLDERS)
        if self.chance(dialect.RARE / 2):
            return "/".join(part for part in (root, folder, self.rng.choice(dialect.FILE_NAMES)) if part)
        return "/".join(part for part in (root, folder, self.rng.choice(NAMES)) if part)

    def link_target(self) -> str:
        return self.rng.choice(("a", "src", "../a", "lib/src", "src/deep", "/src/a", "b", "../more/a", "missing", "."))

    def ignore_text(self) -> str:
        return "".join(f"{self.rng.choice(RULES)}\n" for _ in range(self.rng.randint(0, 4)))
