"""Turns `images.lock` into a Lock and back. The file is JSON, sorted and one fact a line, so that diffs are small.

It is written by `planner lock`, but read as if anybody had written it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from planner.errors import DefinitionError, Mistake
from planner.model.image import Pairs
from planner.model.lock import Lock, LockedImage, LockedPlatform
from planner.model.names import SHA256, Platform, Reference
from planner.ports import Tree

NAME = "images.lock"
VERSION = 1
MAX_BYTES = 16 << 20
_SOURCE = re.compile(r"sha256:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{64}")


def read_in(tree: Tree) -> Lock:
    """The lock beside the graph file; an empty one where there is none. Raises DefinitionError."""
    return Lock() if tree.entry(NAME) is None else read(tree.read(NAME, MAX_BYTES))


def read(data: bytes) -> Lock:
    """The lock that a file says. Raises DefinitionError with every mistake."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        raise _refused([f"is no JSON: {error}"], line) from error
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise _refused([f"is no lock of version {VERSION}"])
    reader = _Reader()
    images = document.get("images")
    if not isinstance(images, dict):
        raise _refused(["has no images"])
    found = {reference: image for reference, entry in images.items() if (image := reader.image(reference, entry))}
    frontends = reader.pins(document, "frontends", "digest", SHA256)
    sources = reader.pins(document, "sources", "is", _SOURCE)
    if reader.mistakes:
        raise _refused(reader.mistakes)
    return Lock(images=found, frontends=frontends, sources=sources)


def _refused(whats: list[str], line: int = 0) -> DefinitionError:
    hint = "write it anew with planner lock, or take back what was edited by hand"
    return DefinitionError(Mistake(file=NAME, line=line, what=what, hint=hint) for what in whats)


class _Reader:
    """Reads entries; collects what is wrong with them."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def wrong(self, where: str, what: str) -> None:
        self.mistakes.append(f"{where}: {what}")

    def image(self, reference: str, entry: Any) -> LockedImage | None:
        try:
            if str(Reference.parse(reference)) != reference:
                self.wrong(reference, "is not in Docker's normal form")
        except ValueError as error:
            self.wrong(reference, str(error))
        if not isinstance(entry, dict) or not isinstance(entry.get("platforms"), dict):
            self.wrong(reference, "needs a digest and platforms")
            return None
        platforms: dict[str, LockedPlatform] = {}
        for name, facts in entry["platforms"].items():
            self._check_platform(reference, name)
            platforms[name] = self._platform(f"{reference}, {name}", facts)
        return LockedImage(digest=self._digest(reference, entry), platforms=platforms)

    def pins(self, document: dict[str, Any], room: str, field: str, form: re.Pattern[str]) -> dict[str, str]:
        """What is locked by one value each; a lock from before there were any has none."""
        entries = document.get(room, {})
        if not isinstance(entries, dict):
            self.wrong(room, "is no mapping")
            return {}
        found: dict[str, str] = {}
        for name, entry in entries.items():
            value = entry.get(field) if isinstance(entry, dict) else None
            if isinstance(value, str) and form.fullmatch(value):
                found[name] = value
            else:
                self.wrong(name, f"has a malformed {'digest' if field == 'digest' else 'checksum or commit'}")
        return found

    def _check_platform(self, reference: str, name: str) -> None:
        try:
            Platform.parse(name)
        except ValueError as error:
            self.wrong(reference, str(error))

    def _platform(self, where: str, facts: Any) -> LockedPlatform:
        if not isinstance(facts, dict):
            self.wrong(where, "needs a digest")
            return LockedPlatform(digest="")
        return LockedPlatform(
            digest=self._digest(where, facts),
            env=self._env(where, facts.get("env", [])),
            workdir=self._text(where, facts.get("workdir", "")),
            user=self._text(where, facts.get("user", "")),
            shell=self._texts(where, facts.get("shell", [])),
            onbuild=self._texts(where, facts.get("onbuild", [])),
        )

    def _digest(self, where: str, entry: dict[str, Any]) -> str:
        digest = entry.get("digest")
        if not isinstance(digest, str) or not SHA256.fullmatch(digest):
            self.wrong(where, "has a malformed digest")
            return ""
        return digest

    def _text(self, where: str, value: Any) -> str:
        if not isinstance(value, str):
            self.wrong(where, f"{value!r} is no text")
            return ""
        return value

    def _texts(self, where: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            self.wrong(where, f"{value!r} is no list")
            return ()
        return tuple(self._text(where, item) for item in value)

    def _env(self, where: str, value: Any) -> Pairs:
        return tuple((name, rest) for name, _, rest in (text.partition("=") for text in self._texts(where, value)))


def write(lock: Lock) -> str:
    """The text of a lock."""
    images = {
        reference: {
            "digest": image.digest,
            "platforms": {name: _facts(facts) for name, facts in sorted(image.platforms.items())},
        }
        for reference, image in sorted(lock.images.items())
    }
    document: dict[str, object] = {"version": VERSION, "images": images}
    if lock.frontends:
        document["frontends"] = {name: {"digest": digest} for name, digest in sorted(lock.frontends.items())}
    if lock.sources:
        document["sources"] = {name: {"is": value} for name, value in sorted(lock.sources.items())}
    return json.dumps(document, indent=1) + "\n"


def _facts(facts: LockedPlatform) -> dict[str, object]:
    """The facts of one platform; what is empty is left out."""
    found: dict[str, object] = {
        "digest": facts.digest,
        "env": [f"{name}={value}" for name, value in facts.env],
        "workdir": facts.workdir,
        "user": facts.user,
        "shell": list(facts.shell),
        "onbuild": list(facts.onbuild),
    }
    return {name: value for name, value in found.items() if value}
