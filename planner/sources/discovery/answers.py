"""Turns the references of discovered Dockerfiles into who answers each: one image, nobody, or an open question.

An edge needs two things: exactly one Dockerfile whose place reads like the reference, and an owner in the reference
that is the workspace's own. Whatever stays open is a Doubt, never a guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from planner.model.frozen import dataclass, field
from planner.model.names import DEFAULT_REGISTRY, LATEST, OFFICIAL, Reference
from planner.sources.discovery.likeness import (
    begins_with,
    folders_shared,
    holds,
    in_any_order,
    is_local,
    listed,
    run_together,
    stands_beside,
    tells,
)
from planner.sources.discovery.names import Reading, Strength, spelled
from planner.sources.discovery.official import COMMON_NAMES, OFFICIAL_IMAGES, is_public
from planner.sources.discovery.tags import SpelledTags

MAX_WORDS = 8
"""Words of a name that a shorter one may begin it with."""

_OFFICIAL = f"{DEFAULT_REGISTRY}/{OFFICIAL}"
HINT = "write it down in an images.yaml: planner init proposes one"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a reference means: the Dockerfile of `path`, or something outside (""), or a question (`doubt`).

    `may` are the Dockerfiles that a question is about.
    """

    path: str = ""
    why: str = ""
    doubt: str = ""
    may: tuple[str, ...] = ()


@dataclass
class _Owner:
    """What was seen below one `registry/owner`: repositories that one Dockerfile or several may answer, and others."""

    here: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)


class Answers:
    """Answers references over one set of Dockerfiles. `reads` are (reader's path, reference) over the whole family."""

    def __init__(self, readings: Mapping[str, Sequence[Reading]], reads: Iterable[tuple[str, str]]) -> None:
        self._by_name: dict[str, list[tuple[str, Reading]]] = defaultdict(list)
        self._longer: dict[str, set[str]] = defaultdict(set)
        self._by_words: dict[str, set[str]] = defaultdict(set)
        self._below: dict[str, set[str]] = defaultdict(set)
        for path in sorted(readings):
            for folder in path.split("/")[:-1]:
                self._below[run_together(folder)].add(path)
            for reading in readings[path]:
                self._by_name[reading.name].append((path, reading))
                words = reading.name.split("-")[:MAX_WORDS] if reading.strength is Strength.NAME else []
                for count in range(1, len(words)):
                    self._longer["-".join(words[:count])].add(path)
                if reading.strength is Strength.NAME:
                    self._by_words[in_any_order(reading.name)].add(path)
        self._owners: dict[str, _Owner] = defaultdict(_Owner)
        self._own_readers: dict[str, set[str]] = defaultdict(set)
        self._known_as: dict[str, set[str]] = defaultdict(set)
        known = [(path, parsed) for path, text in sorted(set(reads)) if (parsed := _parsed(text)) is not None]
        self._spelled = SpelledTags(readings, known)
        self._count_of_dockerfiles = len(readings)
        self._readers: dict[str, set[str]] = defaultdict(set)
        for path, parsed in known:
            self._readers[parsed.repository].add(path)
            self._count(path, parsed)
        self._read = {answer.path for path, parsed in known if (answer := self._found(path, parsed, "")) is not None}

    def _count(self, reader: str, reference: Reference) -> None:
        owner = self._owners[_prefix(reference)]
        found, _ = self.candidates(reference)
        if reader in found and len(found) == 1:
            self._own_readers[reference.repository].add(reader)
        if self._spelled.makers(reference):
            owner.here.add(f"{reference.repository}:{reference.tag}")
        elif found and reader not in found:
            owner.here.add(reference.repository)
            if len(found) == 1:
                self._known_as[found[0]].add(reference.repository)
        else:
            owner.elsewhere.add(reference.repository)

    def candidates(self, reference: Reference) -> tuple[tuple[str, ...], str]:
        """The Dockerfiles whose place reads most like a reference, sorted, and how it does."""
        if spelled_out := self._spelled.makers(reference):
            return spelled_out, _HOW[Strength.FOLDERS]
        above, name = _last(reference)
        best: dict[Strength, dict[str, str]] = defaultdict(dict)
        for path, reading in self._by_name.get(name, ()):
            if reading.tag:
                if (tag := _tag(reference)) and holds(tag, reading.tag):
                    best[reading.strength][path] = reading.tag
            elif not reading.above or reading.above == above:
                best[reading.strength][path] = reading.above
        for strength in sorted(best, reverse=True):
            found = best[strength]
            longest = max(len(part) for part in found.values()) if strength is Strength.TAG else 0
            paths = tuple(sorted(path for path, part in found.items() if len(part) >= longest))
            return paths, _HOW[strength]
        return (), ""

    def answer(self, reader: str, text: str) -> Answer:
        """What a reference in the Dockerfile of `reader` means."""
        parsed = _parsed(text)
        if parsed is None:
            return Answer()
        found = self._found(reader, parsed, text)
        return self._variant(reader, parsed) if found is None else found

    def _found(self, reader: str, reference: Reference, text: str) -> Answer | None:
        """What the Dockerfiles that read like a reference make of it; None where there is none."""
        found, how = self.candidates(reference)
        if not found:
            return None
        if found == (reader,):
            return Answer()
        outside = self._outside(
            reference, beside=stands_beside(reader, found) and bool(self._spelled.makers(reference))
        )
        if outside is not None:
            return outside
        if len(found) > 1:
            return Answer(doubt=f"{listed(found)} may all answer it")
        if others := self._elsewhere_known(found[0], reference):
            return Answer(doubt=f"it may be somebody else's: {found[0]} makes what is read as {listed(others)}")
        return Answer(path=found[0], why=f"{how} read like {text}")

    def _outside(self, reference: Reference, *, beside: bool) -> Answer | None:
        """Why a reference is not the workspace's own, or a doubt about it; None where it is.

        An official image is made where one Dockerfile of a folder starts from the tag that spells another one's
        (`beside`): so are the repositories that official images come from.
        """
        prefix = _prefix(reference)
        _, name = _last(reference)
        readers = self._own_readers[reference.repository]
        if beside:
            return None
        if prefix == _OFFICIAL:
            if name in OFFICIAL_IMAGES or reference.path.rpartition("/")[2] in OFFICIAL_IMAGES:
                return Answer()
        elif not is_local(reference.registry):
            here = len(self._owners[prefix].here)
            elsewhere = len(self._owners[prefix].elsewhere - self._owners[prefix].here)
            if here < 2 and is_public(prefix):
                return Answer()
            if elsewhere > here or (elsewhere == here == 1):
                what = f"{prefix}/ holds {here} that a Dockerfile here may make and {elsewhere} that none does"
                return Answer(doubt=f"it may be this workspace's or somebody else's: {what}")
            if here < 2 and name in OFFICIAL_IMAGES | COMMON_NAMES:
                return Answer(doubt=f"it may be this workspace's or somebody else's: \"{name}\" is a common name")
            if here > 1:
                # An owner that is the workspace's own: who starts from itself starts from an older release.
                return None
        if readers:
            return Answer(doubt=f"{listed(sorted(readers))} reads like it, but starts from it")
        return None

    def _elsewhere_known(self, path: str, reference: Reference) -> tuple[str, ...]:
        """What a Dockerfile is known as below an owner of more that is made here, where a reference names the only one.

        Who copies somebody's images to an owner of his own keeps their names.
        """
        prefix = _prefix(reference)
        if len(self._owners[prefix].here) > 1 or is_local(reference.registry) or prefix == _OFFICIAL:
            return ()
        known = self._known_as[path] - {reference.repository}
        return tuple(sorted(one for one in known if len(self._owners[one.rpartition("/")[0]].here) > 1))

    def _variant(self, reader: str, reference: Reference) -> Answer:
        """What to make of a name that no Dockerfile reads like, below an owner that is the workspace's own.

        `acme/base-full` beside `base/Dockerfile` may be made by the latter, with a target or an argument of its own;
        `acme/base` by `base-debian/Dockerfile`.
        """
        owner = self._owners[_prefix(reference)]
        _, name = _last(reference)
        official = _prefix(reference) == _OFFICIAL and name in OFFICIAL_IMAGES
        if self._spelled.made_here(reference.repository) and not official:
            return Answer(doubt="no folders read like its tag, and like others of its repository some do")
        ours = (len(owner.here) > 1 and len(owner.here) >= len(owner.elsewhere)) or is_local(reference.registry)
        unowned = _prefix(reference) == _OFFICIAL and not official
        words = name.split("-")
        for count in range(len(words) - 1, 0, -1):
            shorter = "-".join(words[:count])
            makers = self._named(shorter) - {reader}
            if makers and (ours or unowned):
                what = "no Dockerfile is named like it; another target or argument may make it from"
                return Answer(doubt=f"{what} {listed(sorted(makers))}", may=tuple(sorted(makers)))
        longer = self._longer[name] - {reader} if ours else ()
        if longer:
            what = f"no Dockerfile is named like it; {listed(sorted(longer))} may make it"
            return Answer(doubt=what, may=tuple(sorted(longer)))
        if official or is_public(_prefix(reference)):
            return Answer()
        if unread := self._kin(reader, reference) - self._read - {reader}:
            what = "no Dockerfile is named like it, but nothing else here reads"
            return Answer(doubt=f"{what} {listed(sorted(unread))}, which may make it", may=tuple(sorted(unread)))
        if unowned:
            what = "no Dockerfile is named like it, and it is none of Docker's official images"
            return Answer(doubt=f"{what}: something makes it before the build, or gives a context of that name")
        return Answer()

    def _kin(self, reader: str, reference: Reference) -> set[str]:
        """The Dockerfiles that may make a reference whose name says more than theirs, or something else.

        `acme/data-base` and `acme/data:base` may be made by `base/Dockerfile`, `acme/base-image:ubi9` by
        `base/ubi9/Dockerfile`, `acme/data-java-template` by `template/java/Dockerfile`, `acme/web` by what stands below
        `web` or `AcmeWeb`. What most start from may be made by a base, whatever its name. `acme/http-proxy` is somebody
        else's in `proxy/Dockerfile`, as `acme/proxy` is.
        """
        _, name = _last(reference)
        words = name.split("-")[:MAX_WORDS]
        parts = [part for at in range(1, len(words)) if tells(part := "-".join(words[at:]))]
        kin = set().union(*(self._by_words.get(in_any_order(part), ()) for part in parts))
        if reader in kin:
            return set()
        if tells(tag := spelled(reference.tag)):
            kin |= self._named(tag)
        for count in range(1, len(words) + 1):
            for path, reading in self._by_name.get("-".join(words[:count]), ()):
                if reading.tag and reference.tag and holds(reference.tag, reading.tag):
                    kin.add(path)
        kin = kin or self._far_below(reference)
        readers = self._readers[reference.repository]
        if len(readers) > 1 and 2 * len(readers) >= self._count_of_dockerfiles:
            kin |= self._named("base")
        return kin

    def _far_below(self, reference: Reference) -> set[str]:
        """What stands anywhere below a folder of the name, or of owner and name; of these what the tag begins with."""
        above, name = _last(reference)
        names = {name, f"{above}-{name}"} if above else {name}
        found = {path for one in names if tells(one) for path in self._below.get(run_together(one), ())}
        return {
            path for path in found if any(begins_with(reference.tag, part) for part in path.split("/")[:-1])
        } or found

    def _named(self, name: str) -> set[str]:
        return {path for path, reading in self._by_name.get(name, ()) if reading.strength is Strength.NAME}

    def placeholder(self, reader: str, word: str) -> Answer:
        """What a default such as `<base>` means: the nearest Dockerfile of that name, as seen from its reader."""
        parsed = _parsed(word.lower())
        found = [path for path in (self.candidates(parsed)[0] if parsed else ()) if path != reader]
        if not found or word.lower() in OFFICIAL_IMAGES:
            return Answer()
        shared = {path: folders_shared(path, reader) for path in found}
        nearest = [path for path in found if shared[path] == max(shared.values())]
        if len(nearest) > 1:
            return Answer(doubt=f"{listed(nearest)} may all be meant by <{word}>")
        return Answer(path=nearest[0], why=f"nearest to its reader among what reads like <{word}>")


_HOW = {
    Strength.FOLDERS: "its folders",
    Strength.TAG: "its folder and file",
    Strength.PATH: "its last two folders",
    Strength.NAME: "its folder or file",
    Strength.FOLDER: "its folder, where it stands alone,",
}


def _parsed(text: str) -> Reference | None:
    try:
        return Reference.parse(text)
    except ValueError:
        return None


def _tag(reference: Reference) -> str:
    """The tag that a reference names or, without a digest, means."""
    return reference.tag or ("" if reference.digest else LATEST)


def _prefix(reference: Reference) -> str:
    return reference.repository.rpartition("/")[0]


def _last(reference: Reference) -> tuple[str, str]:
    """The last component of a reference's path and the one above it, in one spelling."""
    *above, name = reference.path.split("/")
    return (spelled(above[-1]) if above else ""), spelled(name)
