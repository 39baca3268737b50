"""Turns the paths of Dockerfiles into image names, and into the readings of what each image may be known by.

A reading is a name by a convention of folders and files: `base/Dockerfile`, `base.Dockerfile` and `Dockerfile.base` may
all be `base`; `base/cuda.Dockerfile` may be `base:cuda`, `base-cuda`, `base/cuda` or `cuda`.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from planner.model.frozen import dataclass
from planner.sources.discovery.files import OWN_NAMES, SEPARATORS

GENERIC = frozenset(
    {
        ".devcontainer",
        ".docker",
        "build",
        "ci",
        "container",
        "containers",
        "deploy",
        "docker",
        "dockerfile",
        "dockerfiles",
        "image",
        "images",
    }
)
"""Folders that say what kind of file stands in them, not which image."""

ROOT = "root"
"""The name of the image whose Dockerfile stands in the workspace itself: its folder may have any name."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class Strength(enum.IntEnum):
    """How much of a reference a reading explains; the strongest reading wins."""

    FOLDER = 0  # the only Dockerfile of its folder, named after something else
    NAME = 1
    PATH = 2  # the last two components
    TAG = 3  # name and tag
    FOLDERS = 4  # a tag that two folders or more spell


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One name that a Dockerfile's image may have: a last component, with the one above it or a tag where given."""

    name: str
    above: str = ""
    tag: str = ""
    strength: Strength


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a Dockerfile stands: its folders, and what its file name adds to `Dockerfile` ("" for nothing)."""

    path: str
    folders: tuple[str, ...]
    word: str
    first: bool  # the word stands before `.Dockerfile`, not behind `Dockerfile.`


def place_of(path: str) -> Place:
    """Take a Dockerfile's path apart."""
    *folders, name = path.split("/")
    if name in OWN_NAMES:
        return Place(path=path, folders=tuple(folders), word="", first=True)
    own = next((own for own in OWN_NAMES if name.startswith(own) and name[len(own)] in SEPARATORS), "")
    word = name[len(own) + 1 :] if own else name.rpartition(".")[0]
    return Place(path=path, folders=tuple(folders), word=word, first=not own)


def telling(folders: Sequence[str]) -> tuple[str, ...]:
    """Folders without those at the end that name no image; all of them where nothing else is left."""
    kept = list(folders)
    while kept and kept[-1].lower() in GENERIC:
        kept.pop()
    return tuple(kept or folders)


def spelled(text: str) -> str:
    """A name in one spelling: `NodeBase`, `node_base` and `node-base` are the same."""
    return re.sub(r"[_-]+", "-", _HUMP.sub("-", text)).lower().strip("-")


def readings(paths: Sequence[str]) -> dict[str, tuple[Reading, ...]]:
    """The readings of every Dockerfile."""
    places = [place_of(path) for path in paths]
    inside = Counter(place.folders for place in places)
    return {place.path: tuple(dict.fromkeys(_readings(place, inside[place.folders]))) for place in places}


def _readings(place: Place, siblings: int) -> Iterator[Reading]:
    words = [place.word] if place.word else []
    for folders in dict.fromkeys((telling(place.folders), place.folders)):
        parts = [*folders, *words]
        if not parts:
            continue
        name = spelled(parts[-1])
        yield Reading(name=name, strength=Strength.NAME)
        yield Reading(name=name.replace("-", ""), strength=Strength.NAME)
        if len(parts) > 1:
            above = spelled(parts[-2])
            yield Reading(name=name, above=above, strength=Strength.PATH)
            yield Reading(name=f"{above}-{name}", strength=Strength.NAME)
            yield Reading(name=above, tag=name, strength=Strength.TAG)
        if words and siblings == 1 and folders and folders[-1].lower() not in GENERIC:
            yield Reading(name=spelled(folders[-1]), strength=Strength.FOLDER)
    for at, letter in enumerate(place.word):
        if letter in "._" and 0 < at < len(place.word) - 1:
            yield Reading(name=spelled(place.word[:at]), tag=spelled(place.word[at + 1 :]), strength=Strength.TAG)


def image_names(paths: Sequence[str]) -> dict[str, str]:
    """A name for every Dockerfile: as short as tells it from all others, whatever the order of the paths."""
    places = {path: place_of(path) for path in paths}
    plain = {place.folders for place in places.values() if not place.word}
    names: dict[str, str] = {}
    waiting, longer = sorted(paths), 0
    while waiting:
        short = {path: _name(places[path], places[path].folders in plain, longer) for path in waiting}
        count = Counter([*names.values(), *short.values()])
        deepest = all(len(places[path].folders) <= longer for path in waiting)
        for path, name in short.items():
            if count[name] == 1:
                names[path] = name
            elif deepest:
                names[path] = _numbered(_sound(path), set(names.values()))
        waiting, longer = [path for path in waiting if path not in names], longer + 1
    return names


def _name(place: Place, beside_plain: bool, longer: int) -> str:
    folders = telling(place.folders)
    generic = not folders or folders[-1].lower() in GENERIC
    if not place.word:
        last = folders[-1:] or (ROOT,)
    elif generic or (place.first and not beside_plain):
        last = (place.word,)
    else:
        last = (f"{folders[-1]}-{place.word}",)
    above = folders if last == (place.word,) else folders[:-1]
    return _sound("/".join([*above[len(above) - min(longer, len(above)) :], *last]))


def _sound(text: str) -> str:
    """A text that may name an image."""
    parts = [_NO_NAME.sub("-", part).strip("._-") for part in text.split("/")]
    return re.sub(r"\.\.+", ".", "/".join(part for part in parts if part)) or "image"


def _numbered(name: str, taken: set[str]) -> str:
    number = 1
    found = name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found
