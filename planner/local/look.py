"""One look of git at a worktree: questions that run side by side, started before anything heavy is imported.

A look is exact or it is none: wherever git's answers do not fit together (another repository than the one found here,
an index that changed meanwhile, an option of the environment that moves things) there is no look, and whoever asked
goes the long way, which also knows how to say what is wrong.
"""

from __future__ import annotations

import os

from planner.local import git_dir
from planner.local.spawn import Asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from planner.local.disk_tree import DiskTree
    from planner.local.unseen import Unseen

HIDDEN = frozenset({".git", ".planner"})
"""Names that are part of no tree: a repository's own folder, and the planner's."""

STATUS = (
    "-c",
    "core.ignoreCase=false",
    "-c",
    "core.trustctime=true",
    "-c",
    "core.checkStat=default",
    "status",
    "--porcelain=v2",
    "-z",
    "--branch",
    "--no-ahead-behind",
    "--no-renames",
    "--untracked-files=normal",
    "--ignored=matching",
    "--ignore-submodules=none",
    "--",
    ".",
)
"""Asked with settings of our own. Names differ that differ by case: where the disk has them as one, both are named.
All that the disk tells of a file counts: its size and the time of its bytes may be set as they were, not the rest.
"""
REPOSITORY = (
    "rev-parse",
    "--is-inside-work-tree",
    "--show-object-format",
    "--absolute-git-dir",
    "--git-path",
    "index",
    "--git-path",
    "info/attributes",
    "--show-prefix",
)
REPLACED = "--glob=refs/replace/*"
"""Asked last: what stands in the place of other objects."""
CONFIG = (
    "config",
    "-z",
    "--get-regexp",
    r"^(core\.(autocrlf|eol|attributesfile|filemode|sparsecheckout)|attr\.tree|sparse\.expectfilesoutsideofpatterns)$",
)
HARMLESS = (
    "GIT_AUTHOR_",
    "GIT_COMMITTER_",
    "GIT_CONFIG",
    "GIT_SSH",
    "GIT_TRACE",
    "GIT_ASKPASS",
    "GIT_CURL_",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_GLOB_PATHSPECS",
    "GIT_HTTP_",
    "GIT_ICASE_PATHSPECS",
    "GIT_LFS_",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OPTIONAL_LOCKS",
    "GIT_PAGER",
    "GIT_PS1_",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SSL_",
    "GIT_TERMINAL_PROMPT",
)
"""Beginnings of the variables of git's environment that move neither the repository nor its index."""


class Look:
    """What git said of the worktree around `folder`.

    `head` is HEAD's commit, "" when unborn; `since` that of the revision asked for, "" without one. `changed` are the
    paths, from the repository's root, whose bytes must be read from disk: those that git status names (a folder that
    git does not keep is one path), and those that it is silent about; `ignored` are those among them that git ignores.
    `modes` are git's of tracked ones, where it was told that the disk's mean nothing. `nested` are other repositories.
    `cache` is the folder of disposable files that belong to this worktree.
    `disk` is what was looked at on disk while git was at work, None where nothing was.
    """

    def __init__(self, place: Place, revision: str, facts: Facts, status: Status) -> None:
        self.folder = place.folder
        self.cache = place.cache
        self.revision = revision
        self.algorithm = facts.algorithm
        self.prefix = facts.prefix
        self.since = facts.since
        self.head = status.head
        self.changed = sorted(set(status.changed))
        self.ignored = status.ignored
        self.modes = status.modes
        self.nested = status.nested
        self.question: list[str] = []
        self.disk: DiskTree | None = None


class Place:
    """A workspace, its repository's private files for it, and the index's checksum and HEAD before git looked."""

    def __init__(self, folder: str, private: str) -> None:
        self.folder = folder
        self.git_dir = private
        self.index = git_dir.checksum(f"{private}/index")
        self.head = git_dir.head(private)
        self.cache = f"{private}/planner"

    def is_unmoved(self) -> bool:
        """Whether neither the index nor HEAD was written since. Git's status resolves HEAD twice."""
        return git_dir.checksum(f"{self.git_dir}/index") == self.index and git_dir.head(self.git_dir) == self.head


class Facts:
    """What git says of the repository itself."""

    def __init__(self, algorithm: str, attributes: str, prefix: str, since: str) -> None:
        self.algorithm = algorithm
        self.attributes = attributes
        self.prefix = prefix
        self.since = since


class Status:
    """What git's status says: HEAD's commit, the paths that it names, the ignored ones, and modes of tracked ones.

    `nested` are the paths of other repositories.
    """

    def __init__(
        self,
        head: str,
        changed: list[str],
        ignored: list[str],
        modes: dict[str, int],
        nested: Sequence[str] = (),
    ) -> None:
        self.head = head
        self.changed = changed
        self.ignored = ignored
        self.modes = modes
        self.nested = nested

    def add(self, known: Unseen, config: str, folder: str, prefix: str) -> None:
        """Add what git's status is silent about; modes are kept where git's settings say that the disk has none."""
        from planner.local import unseen

        paths = known.paths(folder, prefix)
        self.changed += paths
        self.nested = known.nested
        modes = {} if unseen.has_modes(config) else known.modes(paths) | self.modes
        self.modes = modes


class Started:
    """Questions that are under way; `cache` is the folder of disposable files, "" where there is none.

    `status` is the question that git works on longest, None where nothing is asked.
    """

    def __init__(self, cache: str, finish: Callable[[], Look | None], status: Asked | None = None) -> None:
        self.cache = cache
        self.finish = finish
        self.status = status


def begin(folder: str, revision: str = "") -> Started:
    """Start the questions."""
    folder = folder or "."
    private = git_dir.of(folder)
    moved = any(name[:4] == "GIT_" and not name.startswith(HARMLESS) for name in os.environ)
    place = None if private is None else Place(folder, private)
    if place is None or moved or not place.index or revision.startswith("-"):
        return Started("", lambda: None)
    since = (f"{revision}^{{commit}}",) if revision else ()
    try:
        questions = (STATUS, (*REPOSITORY, *since, REPLACED), CONFIG)
        asked = [Asked(folder, question, hears=question is STATUS) for question in questions]
        # Loaded only now that git is at work, as in all of this module.
        from planner.local import unseen

        known = unseen.remembered(unseen.place(place.cache, folder), place.index)
        listings = _listings(folder) if known is None else None
    except OSError:
        return Started("", lambda: None)

    def finish() -> Look | None:
        answers = [question.answer() for question in asked]
        listed = None if listings is None else [listing.answer() for listing in listings]
        return _look(place, revision, answers, asked[0].said, known, listed)

    return Started(place.cache, finish, asked[0])


def _listings(folder: str) -> list[Asked]:
    from planner.local import index_times, unseen

    return [Asked(folder, question) for question in (unseen.LISTING, index_times.TIMES)]


_ahead: dict[str, Started] = {}


def ahead(folder: str, revision: str = "") -> str:
    """Start looking at a folder now; whoever takes the look of this folder first gets it. Gives the cache's folder."""
    started = begin(folder, revision)
    _ahead[os.path.realpath(folder)] = started
    return started.cache


def under_way(folder: str) -> Asked | None:
    """What git was asked ahead of this folder, None where it was asked nothing."""
    started = _ahead.get(os.path.realpath(folder))
    return None if started is None else started.status


def wait(folder: str) -> Look | None:
    """The look that was started ahead, which can still be taken once. None where git could not tell."""
    look = taken(folder)
    _ahead[os.path.realpath(folder)] = Started("" if look is None else look.cache, lambda: look)
    return look


def taken(folder: str) -> Look | None:
    """The look that was started ahead, once; else a look that starts now. None where git could not tell."""
    return (_ahead.pop(os.path.realpath(folder), None) or begin(folder)).finish()


def _look(
    place: Place,
    revision: str,
    answers: list[tuple[int, bytes]],
    said: bytes,
    known: Unseen | None,
    listed: list[tuple[int, bytes]] | None,
) -> Look | None:
    from planner.local import unseen

    (failed, status), (lost, told), (wrong, configured) = answers
    facts = _facts(told.decode("utf-8", "surrogateescape"), place, revision)
    if failed or lost or wrong not in (0, 1) or facts is None:
        return None
    seen = parsed(status, facts.prefix)
    seen.changed += unseen.not_looked_at(said)
    config = configured.decode("utf-8", "surrogateescape")
    attributes = unseen.attributes_of(place.folder, facts.prefix, facts.attributes)
    said_by = unseen.said_by(place.index, config, attributes, seen.changed)
    fresh = known is None or known.said_by != said_by
    if known is None or fresh:
        (failed, listing), (lost, times) = listed or [asked.answer() for asked in _listings(place.folder)]
        if failed or lost:
            return None
        known = unseen.told(place.folder, facts.prefix, listing, times, config, attributes, seen.changed)
        known.said_by = said_by or []
    if not place.is_unmoved():
        return None
    if said_by and fresh and known.lasts:
        unseen.remember(unseen.place(place.cache, place.folder), known)
    seen.add(known, config, place.folder, facts.prefix)
    return Look(place, revision, facts, seen)


def _facts(told: str, place: Place, revision: str) -> Facts | None:
    """What git says of the repository, where it sees the same one as we do."""
    lines = told.split("\n")
    asked = 8 if revision else 7
    if len(lines) < asked or lines[0] != "true":
        return None
    if len(lines) > asked:  # Something is replaced, which few repositories have.
        from planner.local.repository import shows_others

        if not all(map(_is_id, lines[asked - 1 : -1])) or shows_others(place.folder):
            return None
    _, algorithm, its_dir, index, attributes, prefix, *_ = lines
    since = lines[6] if revision else ""
    its_index = os.path.realpath(os.path.join(place.folder, index))  # noqa: PTH118
    if os.path.realpath(its_dir) != place.git_dir or its_index != os.path.realpath(f"{place.git_dir}/index"):
        return None
    if revision and not _is_id(since):
        return None
    return Facts(algorithm, os.path.join(place.folder, attributes), prefix, since)  # noqa: PTH118


def _is_id(text: str) -> bool:
    return len(text) in (40, 64) and not text.strip("0123456789abcdef")


def parsed(out: bytes, prefix: str) -> Status:
    """What git status said (`--porcelain=v2 -z --branch`).

    Paths of no tree are left out; what the folders above the workspace (`prefix`) are called does not count.
    """
    head = ""
    changed: list[str] = []
    ignored: list[str] = []
    modes: dict[str, int] = {}
    for text in out.decode("utf-8", "surrogateescape").split("\0"):
        if text.startswith("# branch.oid "):
            head = text.removeprefix("# branch.oid ").replace("(initial)", "")
        elif text[:2] in ("? ", "! "):
            changed.append(text[2:].rstrip("/"))
            if text[0] == "!":
                ignored.append(changed[-1])
        elif text[:2] in ("1 ", "u "):
            # Of a conflict git tells two ids more, and one mode.
            fields = text.split(" ", 8 if text[0] == "1" else 10)
            changed.append(fields[-1])
            modes[fields[-1]] = int(fields[5 if text[0] == "1" else 6], 8)
    start = len(prefix)
    counted = [path for path in changed if not path.startswith(prefix) or HIDDEN.isdisjoint(path[start:].split("/"))]
    return Status(head, counted, ignored, modes)
