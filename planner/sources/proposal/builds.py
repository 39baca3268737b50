"""One build as some file of the workspace asks for it, and how its texts are taken: never evaluated."""

from __future__ import annotations

import posixpath
import re

from planner.model.frozen import dataclass
from planner.model.image import Pairs, Span

_WITH_DEFAULT = re.compile(r"\$\{\w+:?-([^${}]*)\}")
_VARIABLE = re.compile(r"\$\{\{.*?\}\}|\$[({].*?[)}]|\$\w+|\{\{.*?\}\}|`[^`]*`", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """A build: paths are relative to the workspace. `open` are the texts that hold variables, left out elsewhere.

    `dockerfile` is "" where the file that asks for the build leaves it, or its context, to a variable.
    """

    span: Span
    name: str = ""
    context: str = "."
    dockerfile: str = ""
    target: str = ""
    args: Pairs = ()
    tags: tuple[str, ...] = ()
    open: tuple[str, ...] = ()


def is_open(text: str) -> bool:
    """Whether a text holds a variable, so that only whoever runs the build knows what it says."""
    return bool(_VARIABLE.search(text))


def repository_of(tag: str) -> str:
    """What a published name says before its tag; "" where that holds a variable itself."""
    start = found.start() if (found := _VARIABLE.search(tag)) else len(tag)
    repository, colon, rest = tag[:start].rpartition(":")
    if not colon and start == len(tag):
        return tag
    return repository if colon and "/" not in rest and repository else ""


def with_defaults(text: str) -> str:
    """A text of Compose with `${NAME:-default}` at its default."""
    return _WITH_DEFAULT.sub(r"\1", text)


def hidden_variables(text: str) -> str:
    """A command line in which each variable is one word to a tokeniser; `shown_variables` takes it back."""
    return _VARIABLE.sub(lambda found: "\ue000" + found[0].encode().hex() + "\ue001", text)


def shown_variables(text: str) -> str:
    """The text with its variables as they were."""
    return re.sub("\ue000([0-9a-f]*)\ue001", lambda found: bytes.fromhex(found[1]).decode(), text)


def below(folder: str, path: str) -> str | None:
    """A path relative to a folder of the workspace as one of the workspace; None where it leads out of it."""
    if "://" in path or path.startswith(("/", "git@", "~")):
        return None
    joined = posixpath.normpath(posixpath.join(folder, path))
    return None if joined == ".." or joined.startswith("../") else joined


def made(
    span: Span,
    folder: str,
    *,
    context: str,
    dockerfile: str = "",
    name: str = "",
    target: str = "",
    args: Pairs = (),
    tags: tuple[str, ...] = (),
    beside_context: bool = True,
) -> Build | None:
    """A build from texts that may hold variables. None where it reads nothing of the workspace.

    The Dockerfile is relative to the context (as Compose and Bake have it) or, without `beside_context`, to `folder`.
    """
    opened = [text for text in (context, dockerfile, target) if is_open(text)]
    place = None if is_open(context) else below(folder, context)
    if place is None and not is_open(context):
        return None
    file = ""
    if place is not None and not is_open(dockerfile):
        start = place if beside_context or not dockerfile else folder
        file = below(start, dockerfile or "Dockerfile") or ""
    opened.extend(f"{key}={value}" for key, value in args if is_open(value))
    opened.extend(tag for tag in tags if is_open(tag))
    return Build(
        span=span,
        name=name,
        context=place or ".",
        dockerfile=file,
        target="" if is_open(target) else target,
        args=tuple((key, value) for key, value in args if not is_open(value)),
        tags=tuple(tag for tag in tags if not is_open(tag)),
        open=tuple(dict.fromkeys(opened)),
    )
