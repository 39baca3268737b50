"""Keeps what buildx wrote down of a builder for the next run: writing it anew is a good part of a small build."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MOST = 32
"""Notes that are kept, of builders that were named last."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """A file of buildx's own, where a run has it and where it is kept. Nothing is lost where it cannot be kept."""

    written: Path
    kept: Path

    @classmethod
    def of(cls, notes: Path, config: Path, name: str, command: Sequence[str]) -> Note:
        """The note of a builder that this `command`, whose first word is a program, writes below `config`.

        Another program, or one that was put in its place, and other options make another note.
        """
        words = "\0".join([_state(Path(command[0])), *command]).encode("utf-8", "surrogateescape")
        kept = notes / f"{name}-{hashlib.sha256(words).hexdigest()[:12]}"
        return cls(written=config / "instances" / name, kept=kept)

    def restore(self, address: str) -> bool:
        """Put the file where buildx looks for it; whether there is one that names this address."""
        try:
            names = address in self.kept.read_text(errors="replace")
        except OSError:
            return False
        return names and _copied(self.kept, self.written)

    def keep(self) -> None:
        """Keep the file that buildx has written."""
        if _copied(self.written, self.kept):
            _tidy(self.kept.parent)

    def forget(self) -> None:
        """Remove the file from both places."""
        for place in (self.written, self.kept):
            with contextlib.suppress(OSError):
                place.unlink()


def _copied(source: Path, target: Path) -> bool:
    draft = target.with_name(f"{target.name}.draft")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, draft)
        draft.replace(target)
    except OSError:
        return False
    return True


def _tidy(folder: Path) -> None:
    with contextlib.suppress(OSError):
        files = sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime)
        for old in files[: max(0, len(files) - MOST)]:
            old.unlink()


def _state(program: Path) -> str:
    try:
        status = program.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"
