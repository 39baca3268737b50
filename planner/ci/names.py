"""Turns names of images into ids of CI jobs: stable, safe in YAML, expressions and shells, and never two alike.

Whatever cannot be written safely is refused, never repaired into something else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from planner.errors import PlannerError

IMAGE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/+-]{0,253}[A-Za-z0-9_+-])?", re.ASCII)
LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9 ._:/=@+-]{0,253}[A-Za-z0-9_=+-])?", re.ASCII)
PLACE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,98}[A-Za-z0-9_-])?", re.ASCII)
PLATFORM = re.compile(r"[a-z0-9_.-]+(?:/[a-z0-9_.-]+){1,2}", re.ASCII)
LONGEST = 60
"""Letters of a name that an id keeps."""


def job_id(prefix: str, name: str) -> str:
    """`PREFIX-NAME` in lower-case letters, digits, `-` and `_`; with a digest of the name where it had others.

    GitHub's ids begin with a letter or `_` and go on with those and `-`; GitLab's and Buildkite's take them too.
    """
    text = re.sub(r"[^a-z0-9_-]+", "-", name.lower())[:LONGEST]
    digest = f"-{hashlib.sha256(name.encode()).hexdigest()[:10]}" if text != name else ""
    return f"{prefix}-{text}{digest}"


def of_place(name: str, place: str) -> str:
    """A name of a pipeline's own that tells its family from another one; a place with other letters goes by an id."""
    if not place:
        return name
    return f"{name} in {place if PLACE.fullmatch(place) and '--' not in place else job_id('folder', place)}"


def refuse_unsafe(names: Iterable[str], runners: Iterable[str], platforms: Iterable[str]) -> None:
    """Raise PlannerError, naming everything that a CI file cannot hold safely: `${{ }}`, quotes, newlines, dashes."""
    wrong = [f"  an image named {name!r}" for name in names if not IMAGE.fullmatch(name) or ".." in name]
    wrong += [f"  a runner {runner!r}" for runner in runners if not LABEL.fullmatch(runner)]
    wrong += [f"  a platform {platform!r}" for platform in platforms if not PLATFORM.fullmatch(platform)]
    if wrong:
        told = "\n".join(dict.fromkeys(wrong))
        raise PlannerError(
            f"this cannot be written safely into CI\n{told}\n"
            "  names are letters, digits and . _ / + -, runners also space : = @, and none begins with a dash"
        )


def refuse_alike(ids: Iterable[str]) -> None:
    """Raise PlannerError where two jobs would have one id."""
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise PlannerError(f"two images would be one CI job, {one}\n  rename one of them")
        seen.add(one)


def refuse_lines(texts: Iterable[str]) -> None:
    """Raise PlannerError for a text of the command line with letters that end a line or move a cursor."""
    for text in texts:
        if not text.isprintable():
            raise PlannerError(f"this cannot be written safely into CI: {text!r} holds control characters")
