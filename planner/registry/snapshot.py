"""Keeps in the state folder what a registry said of records, so that it need not be said again.

Everything in it is checked against its digest when it is read, so that a damaged or edited snapshot is a missing one.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from planner.digest.written import Unreadable
from planner.errors import StateError
from planner.model.build import LAST_SECOND
from planner.registry import artefact
from planner.registry.artefact import recorded_key
from planner.registry.client import digest_of, read_json

VERSION = 1
MAX_FILE = 256 << 20
MAX_TAGS = 32
"""Records kept of one image, the newest ones."""
SPARE_LAYERS = 64
"""Layers more than there are records, from which on those that no record leads to are removed."""
ABANDONED = 3600.0
"""Seconds after which a file that is half written has nobody who writes it."""


class Snapshot:
    """The snapshot below one folder: manifests by repository and tag in one file, layers in files by digest.

    May be used from several threads. Two processes may write at once: one of them wins, and nothing is lost but work.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "snapshot.json"
        self._times = folder / "looked.json"
        self._lock = threading.Lock()
        found = self._read(self._file)
        # Without what was seen, to have looked means nothing.
        times = self._read(self._times) if found else {}
        self._changed = not found
        self._tags: dict[str, dict[str, str]] = {
            repository: {tag: text for tag, text in tags.items() if isinstance(text, str) and _is_kept(text)}
            for repository, tags in _object(found.get("tags")).items()
            if isinstance(tags, dict)
        }
        self._looked: dict[str, float] = {
            name: float(at)
            for name, at in _object(times.get("looked")).items()
            if isinstance(at, int | float) and 0 <= at <= LAST_SECOND
        }

    @staticmethod
    def _read(file: Path) -> Mapping[str, Any]:
        try:
            with open(file, "rb") as stream:
                found = read_json(stream.read(MAX_FILE)) or {}
        except OSError:
            return {}
        return found if found.get("version") == VERSION else {}

    def looked_at(self, prefix: str) -> float | None:
        """When a registry was last asked for all that was wanted (seconds since 1970); None for never."""
        return self._looked.get(prefix)

    def last_prefix(self) -> str | None:
        """The registry that was looked at last, None for none."""
        return max(self._looked, key=self._looked.__getitem__, default=None)

    def newest_keys(self, prefix: str) -> Iterator[tuple[str, str]]:
        """For each repository below a prefix the key whose record was read last."""
        for repository, tags in self._tags.items():
            if repository.startswith(f"{prefix}/"):
                newest = next(filter(None, map(recorded_key, reversed(tags))), "")
                if newest:
                    yield repository, newest

    def manifest(self, repository: str, tag: str) -> bytes | None:
        """The bytes of the manifest that a tag named when it was last asked for."""
        text = self._tags.get(repository, {}).get(tag)
        return None if text is None else text.encode("utf-8", "surrogateescape")

    def keep(self, repository: str, tag: str, body: bytes) -> None:
        """Remember what a tag names."""
        text = body.decode("utf-8", "surrogateescape")
        with self._lock:
            tags = self._tags.setdefault(repository, {})
            if tags.pop(tag, None) != text:
                self._changed = True
            tags[tag] = text
            while len(tags) > MAX_TAGS:
                del tags[next(iter(tags))]

    def forget(self, repository: str, tag: str) -> None:
        """A tag is gone."""
        with self._lock:
            if self._tags.get(repository, {}).pop(tag, None) is not None:
                self._changed = True

    def blob(self, digest: str) -> bytes | None:
        """The bytes of a layer, None where they are not here or not what the digest names."""
        try:
            data = self._place(digest).read_bytes()
        except OSError:
            return None
        return data if digest_of(data) == digest else None

    def keep_blob(self, data: bytes) -> None:
        """Remember a layer. A folder that cannot be written remembers nothing."""
        with contextlib.suppress(OSError):
            self._write(self._place(digest_of(data)), data)

    def save(self, prefix: str, at: float) -> None:
        """Write what is new, and that this registry was looked at. Raises StateError."""
        with self._lock:
            self._looked[prefix] = at
            changed, self._changed = self._changed, False
            tags = {repository: dict(some) for repository, some in self._tags.items()} if changed else {}
            document = {"version": VERSION, "tags": tags}
            data = json.dumps(document, separators=(",", ":")).encode("ascii") if changed else b""
            times = json.dumps({"version": VERSION, "looked": self._looked}).encode("ascii")
        try:
            if changed:
                self._write(self._file, data)
                self._tidy(tags)
            # The times come last: they say that what was seen until then is kept.
            self._write(self._times, times)
        except OSError as error:
            hint = "the state folder needs room and must be writable; --state DIR names another one"
            raise StateError(f"{self._file}: cannot be written: {error.strerror}\n  {hint}") from error

    def _tidy(self, tags: Mapping[str, Mapping[str, str]]) -> None:
        """Remove the layers that no record here leads to, where they are many, and what killed processes left.

        Another process may miss what goes: it asks the registry again.
        """
        folder = self.folder / "layers"
        names = _names(folder)
        layers = {name for name in names if not name.startswith(".")}
        gone: list[Path] = []
        if len(layers) > sum(map(len, tags.values())) + SPARE_LAYERS:
            gone += [folder / name for name in layers - _layers(tags)]
        halves = [folder / name for name in names if name.startswith(".")]
        halves += [self.folder / name for name in _names(self.folder) if name.startswith(".")]
        for place in (*gone, *filter(_is_abandoned, halves)):
            with contextlib.suppress(OSError):
                place.unlink()

    def _place(self, digest: str) -> Path:
        return self.folder / "layers" / digest.removeprefix("sha256:")

    @staticmethod
    def _write(place: Path, data: bytes) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, staging = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        try:
            with open(handle, "wb") as stream:
                stream.write(data)
            Path(staging).replace(place)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(staging)  # noqa: PTH108
            raise


def _object(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


def _is_kept(text: str) -> bool:
    """Whether a text can be one that `keep` kept."""
    try:
        return text.isascii() or bool(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return False


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 -- names are all that is asked for
    except OSError:
        return []


def _is_abandoned(place: Path) -> bool:
    try:
        return time.time() - place.stat().st_mtime > ABANDONED
    except OSError:
        return False


def _layers(tags: Mapping[str, Mapping[str, str]]) -> set[str]:
    """The names of the files of layers that records lead to."""
    found = set()
    for text in {text for some in tags.values() for text in some.values()}:
        with contextlib.suppress(Unreadable):
            document = read_json(text.encode("utf-8", "surrogateescape")) or {}
            found.add(artefact.summary(document).layer.removeprefix("sha256:"))
    return found
