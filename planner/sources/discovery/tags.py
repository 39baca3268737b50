"""Turns the folders above Dockerfiles into the tags that they spell: `web/1.2/alpine/Dockerfile` may be
`web:1.2-alpine`, and `1.2/alpine/Dockerfile` may be that tag of whatever repository has several such tags.

Two folders at least must spell the tag; one is a name like any other (`names.py`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from planner.model.names import Reference
from planner.sources.discovery.names import place_of, spelled, telling

ARCHITECTURES = frozenset({"amd64", "arm32v5", "arm32v6", "arm32v7", "arm64", "arm64v8", "i386", "ppc64le", "s390x"})
"""Last folders that a tag for every architecture leaves out."""

ENOUGH = 2
"""Folders that must spell a tag, and tags of a repository that must be spelled where no folder has its name."""

MAX_FOLDERS = 12
MAX_CANDIDATES = 500
"""Of more Dockerfiles that share a word of a tag, each may be the one."""


_Words = tuple[str, ...]
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)+")


class SpelledTags:
    """The tags that folders spell, for the references that the Dockerfiles have: (reader's path, reference)."""

    def __init__(self, paths: Iterable[str], reads: Sequence[tuple[str, Reference]]) -> None:
        self._readers: dict[str, set[str]] = defaultdict(set)
        tags: dict[str, dict[str, Reference]] = defaultdict(dict)
        for reader, reference in reads:
            if reference.tag:
                self._readers[_tagged(reference)].add(reader)
                tags[reference.repository][reference.tag] = reference
        self._names = {_name(reference) for those in tags.values() for reference in those.values()}
        self._below: dict[tuple[str, str], dict[str, tuple[_Words, ...]]] = defaultdict(dict)
        self._whole: dict[tuple[_Words, bool], set[str]] = defaultdict(set)
        self._in: dict[tuple[str, ...], str] = {}
        self._beside: dict[tuple[tuple[str, ...], str], dict[str, tuple[_Words, ...]]] = defaultdict(dict)
        for path in sorted(paths):
            self._enter(path)
        self._makers: dict[str, tuple[str, ...]] = {}
        self._repositories: set[str] = set()
        for repository, those in tags.items():
            self._answer(repository, tuple(those.values()))

    def makers(self, reference: Reference) -> tuple[str, ...]:
        """The Dockerfiles whose folders spell the tag of a reference, sorted."""
        return self._makers.get(_tagged(reference), ())

    def made_here(self, repository: str) -> bool:
        """Whether folders spell several tags of a repository."""
        return repository in self._repositories

    def _enter(self, path: str) -> None:
        place = place_of(path)
        names = [*telling(place.folders), *([place.word] if place.word else [])][-MAX_FOLDERS:]
        parts = [_words(name) for name in names]
        if not place.word:
            self._in[place.folders] = path
        if parts and parts[-1]:
            self._beside[place.folders[: None if place.word else -1], parts[-1][0]][path] = tuple(parts)
        for at in range(len(parts) - ENOUGH + 1):
            self._whole[sum(parts[at:], ()), True].add(path)
            if _is_architecture(parts[-1]) and len(parts) - at > ENOUGH:
                self._whole[sum(parts[at:-1], ()), False].add(path)
        for at, name in enumerate(names[: max(len(parts) - ENOUGH, 0)]):
            if (said := spelled(name)) in self._names:
                for word in set(sum(parts[at + 1 :], ())):
                    self._below[said, word][path] = tuple(parts[at + 1 :])

    def _answer(self, repository: str, references: Sequence[Reference]) -> None:
        """Answer the references to one repository. A Dockerfile that starts from a reference is not what makes it."""
        named = {ref: self._named(ref) - self._readers[_tagged(ref)] for ref in references}
        whole = {ref: self._unnamed(ref) - self._readers[_tagged(ref)] for ref in references if not named[ref]}
        alone = {ref: found for ref, found in whole.items() if found}
        if len(alone) < ENOUGH or 2 * len(alone) < len(references):
            alone = {}
        found = {ref: paths for ref, paths in [*named.items(), *alone.items()] if paths}
        self._makers.update((_tagged(ref), tuple(sorted(paths))) for ref, paths in found.items())
        if len(found) >= ENOUGH:
            self._repositories.add(repository)

    def _unnamed(self, reference: Reference) -> set[str]:
        """The Dockerfiles whose last folders are the tag, all of it, whatever folder they are in.

        Where none is, those that are told by where a reader stands: in a folder below the one that is the tag
        (`1.2/full/Dockerfile` reads `1.2.7`), or beside the one that ends it, with folders in between left out.
        """
        tag = _words(reference.tag)
        if whole := self._whole.get((tag, True)) or self._whole.get((tag, False)):
            return whole
        near: set[str] = set()
        beginnings = [_beginnings(word) for word in tag]
        for reader in self._readers[_tagged(reference)]:
            near |= self._above(place_of(reader).folders, beginnings) or self._next_to(reader, beginnings)
        return near

    def _above(self, folders: Sequence[str], tag: Sequence[_Words]) -> set[str]:
        """The Dockerfile of the nearest folder above one that is a tag."""
        for count in range(len(folders) - 1, 0, -1):
            path = self._in.get(tuple(folders[:count]), "")
            waiting = list(tag)
            if path and all(_taken(word, waiting) for word in _words(folders[count - 1])) and not waiting:
                return {path}
        return set()

    def _next_to(self, reader: str, tag: Sequence[_Words]) -> set[str]:
        """The Dockerfiles beside a reader whose folders a tag says most of."""
        place = place_of(reader)
        beside = place.folders[: None if place.word else -1]
        words = {word for beginnings in tag for word in beginnings}
        found = {path: parts for word in words for path, parts in self._beside.get((beside, word), {}).items()}
        return _least_unsaid(tag, found)

    def _named(self, reference: Reference) -> set[str]:
        """The Dockerfiles below a folder of the repository's name that a tag says most of."""
        name, tag = _name(reference), [_beginnings(word) for word in _words(reference.tag)]
        having = [[self._below.get((name, word), {}) for word in words] for words in tag]
        fewest = min(having, key=lambda found: sum(map(len, found)), default=[])
        candidates = {path: parts for found in fewest for path, parts in found.items()}
        if len(candidates) > MAX_CANDIDATES:
            return set(candidates)
        return _least_unsaid(tag, candidates)


def _least_unsaid(tag: Sequence[_Words], candidates: Mapping[str, Sequence[_Words]]) -> set[str]:
    """The Dockerfiles whose folders a tag says most of."""
    best: dict[tuple[int, int], set[str]] = defaultdict(set)
    for path, parts in candidates.items():
        unsaid = _unsaid(tag, parts)
        if unsaid is not None:
            best[unsaid].add(path)
    return best[min(best)] if best else set()


def _unsaid(tag: Sequence[_Words], parts: Sequence[_Words]) -> tuple[int, int] | None:
    """How many folders a tag leaves out, and how many of its words begin like a folder; None where it is not spelled.

    `tag` has each word with its beginnings. Every word must be in a folder (`1.2.3` in one of `1.2`), no folder may be
    said by half, and the last one must be said, or be an architecture and the one above it said.
    """
    waiting, said = list(tag), []
    longer = 0
    for words in parts:
        left = list(waiting)
        found = [_taken(word, left) for word in words]
        said.append(bool(words) and all(found))
        if said[-1]:
            waiting = left
            longer += sum(has[0] != word for has, word in zip(found, words, strict=True))
    last = said[-1] or (_is_architecture(parts[-1]) and said[-2])
    if waiting or not last or sum(said) < ENOUGH:
        return None
    return said.count(False), longer


def _is_architecture(words: _Words) -> bool:
    return len(words) == 1 and words[0] in ARCHITECTURES


def _name(reference: Reference) -> str:
    return spelled(reference.path.rpartition("/")[2])


def _taken(word: str, waiting: list[_Words]) -> _Words:
    """Take the first word that begins like a folder's out of those that wait; () where there is none."""
    for at, beginnings in enumerate(waiting):
        if word in beginnings:
            return waiting.pop(at)
    return ()


def _beginnings(word: str) -> _Words:
    """A word of a tag and the versions that it refines: `1.2.3`, `1.2` and `1`."""
    if not _VERSION.fullmatch(word):
        return (word,)
    numbers = word.split(".")
    return tuple(".".join(numbers[:count]) for count in range(len(numbers), 0, -1))


def _words(text: str) -> _Words:
    return tuple(word for word in text.lower().replace("_", "-").split("-") if word)


def _tagged(reference: Reference) -> str:
    return f"{reference.repository}:{reference.tag}"
