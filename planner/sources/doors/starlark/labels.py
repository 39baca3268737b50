"""Labels and visibility as Bazel writes them: `//pkg:name`, `:name`, `//pkg:__pkg__`, `//visibility:private`."""

from __future__ import annotations

import re

from planner.model.frozen import dataclass
from planner.sources.doors.starlark.engine import Refused

_PACKAGE = re.compile(r"(?:[A-Za-z0-9_+=,@~-][A-Za-z0-9._+=,@~-]*(?:/[A-Za-z0-9_+=,@~-][A-Za-z0-9._+=,@~-]*)*)?")
_FILE = re.compile(r"[A-Za-z0-9_+=,@~-][A-Za-z0-9._+=,@~-]*(?:/[A-Za-z0-9_+=,@~-][A-Za-z0-9._+=,@~-]*)*")
LONGEST = 300
PUBLIC = "//visibility:public"
PRIVATE = "//visibility:private"


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """Something in a package."""

    package: str
    name: str

    def __str__(self) -> str:
        return f"//{self.package}:{self.name}"


def is_label(text: str) -> bool:
    """Whether a text is written as a label, and not as a path."""
    return text.startswith(":") or (text.startswith("//") and ":" in text)


def label_of(text: str, package: str) -> Label:
    """The label that a text in a package means. Raises Refused."""
    if text.startswith("//"):
        named, colon, name = text[2:].partition(":")
        name = name if colon else named.rpartition("/")[2]
    else:
        named, name = package, text.removeprefix(":")
    if len(text) > LONGEST or not is_package(named) or not name:
        raise Refused(f'"{text[:LONGEST]}" is no label', "labels are //package:name and :name")
    return Label(package=named, name=name)


def is_package(text: str) -> bool:
    """Whether a text may be a package: a folder below the workspace, "" for the workspace itself."""
    return _PACKAGE.fullmatch(text) is not None


def file_of(text: str, package: str) -> str:
    """The path of a file that `load` names. Raises Refused for all that may lead out of the workspace."""
    shown = text[:LONGEST]
    hint = 'write "//folder:file.star", or ":file.star" for one beside this file'
    if text.startswith("/") and not text.startswith("//"):
        raise Refused(f'load: "{shown}" is an absolute path', hint)
    if ".." in re.split(r"[/:]", text):
        raise Refused(f'load: "{shown}" leads upwards', hint)
    if text.startswith("@"):
        raise Refused(f'load: "{shown}" is in another repository', "only files of this workspace can be loaded")
    if not is_label(text) or len(text) > LONGEST:
        raise Refused(f'load: "{shown}" is no label', hint)
    named, _, name = text.partition(":")
    folder = named[2:] if named.startswith("//") else package
    if not is_package(folder) or not _FILE.fullmatch(name) or not name.endswith((".star", ".bzl")):
        raise Refused(f'load: "{shown}" names no .star file', hint)
    return f"{folder}/{name}" if folder else name


def visible_to(entries: tuple[str, ...], package: str) -> tuple[str, ...]:
    """The packages that may read what is declared with this visibility, () for all of them. Raises Refused.

    A package is `//pkg`, one with all below it `//pkg/...`.
    """
    found: list[str] = []
    for text in entries:
        if text == PUBLIC:
            return ()
        if text == PRIVATE:
            continue
        named = text.removesuffix(":__pkg__")
        if text.endswith(":__subpackages__"):
            named = f"{text.removesuffix(':__subpackages__')}/..."
        if not named.startswith("//") or not is_package(named[2:].removesuffix("...").removesuffix("/")):
            hint = f"write {PUBLIC}, {PRIVATE}, //package:__pkg__ or //package:__subpackages__"
            raise Refused(f'visibility: "{text[:LONGEST]}" is none', hint)
        found.append(named)
    return tuple(dict.fromkeys([f"//{package}", *found])) if entries else ()
