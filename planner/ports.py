"""What the core needs from the world, as small interfaces: a tree of files, records, an engine that builds."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, BinaryIO, Protocol

from planner.model.entry import MODE_EXECUTABLE, MODE_FILE, MODE_FOLDER, MODE_LINK, Entry
from planner.model.frozen import dataclass
from planner.model.image import ImageName

# A plan builds nothing, and records of builds take long to load.
if TYPE_CHECKING:
    from planner.model.build import BuildRequest, BuildResult, Record, Stored

__all__ = [
    "MODE_EXECUTABLE",
    "MODE_FILE",
    "MODE_FOLDER",
    "MODE_LINK",
    "BuildCancelled",
    "BuildFailed",
    "Builder",
    "Entry",
    "Lease",
    "Leases",
    "Passing",
    "Records",
    "Registry",
    "StepNews",
    "StepState",
    "Tree",
]


class Tree(Protocol):
    """The files of a workspace at one moment: a worktree, a git revision, or a plain folder.

    Paths are relative to the workspace, normalised, with `/`; "" is the workspace itself. Symlinks are never
    followed here. `.git` and `.planner`, at any depth, are not part of a tree. Names that are not UTF-8 hold
    surrogates (`os.fsdecode`).
    """

    def entry(self, path: str) -> Entry | None:
        """The entry at `path`, or None where there is none (also when a parent is a file or a symlink)."""
        ...

    def entries(self, path: str) -> Sequence[Entry]:
        """The entries of the folder at `path`, sorted by the bytes of their names; () where it is no folder."""
        ...

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file, or the target of a symlink, as BuildKit would see them.

        Raises InputError when it is no file or link, vanished meanwhile, or is longer than `limit` bytes.
        """
        ...

    def open(self, path: str) -> BinaryIO:
        """A stream of a regular file's bytes; the caller closes it. Raises InputError as `read` does."""
        ...

    def tree_id(self, entries: Sequence[Entry]) -> str:
        """The git tree id of a folder with these entries, in this tree's object format."""
        ...


class Records(Protocol):
    """What was built before: survives a kill at any moment."""

    def find(self, image: ImageName, platforms: tuple[str, ...], key: str) -> Sequence[Record]:
        """The records of exactly this key, written last first; one for each place where the image is kept."""
        ...

    def find_resolved(self, image: ImageName, platforms: tuple[str, ...], resolved_key: str) -> Sequence[Record]:
        """The records of images that were built from exactly these inputs, parents by digest; written last first."""
        ...

    def latest(self, image: ImageName) -> Record | None:
        """The record of this image that was written last, whatever its key and platforms, to explain changes with."""
        ...

    def refused(self, image: ImageName) -> str:
        """Why a record of this image that was found does not count, "" where none was refused so far."""
        ...

    def add(self, record: Record) -> None:
        """Write a record durably: when this returns, a kill no longer loses it."""
        ...

    def forget(self, record: Record) -> None:
        """Drop a record whose image is gone."""
        ...


class StepState(enum.StrEnum):
    """What a piece of news says of a step."""

    STARTED = "started"
    CACHED = "cached"
    DONE = "done"
    FAILED = "failed"
    LOG = "log"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepNews:
    """One thing that happened inside a running build.

    `step` is the engine's name for it (`[base 2/4] RUN make`), `text` a log line or an error. `done` and `total`
    count the steps known so far.
    """

    image: ImageName
    step: str
    state: StepState
    text: str = ""
    done: int = 0
    total: int = 0


class Passing(enum.StrEnum):
    """Why a failure may not happen again: the network or a registry failed, or the engine itself went away."""

    NETWORK = "network"
    ENGINE = "engine"


class BuildFailed(Exception):
    """A build that the engine ran and that failed: the failing step, what it says, its last lines of output.

    `line` is that of the Dockerfile, 0 where the engine does not tell. `passing` says why the same build may well
    succeed a moment later; None where it would fail again.
    """

    def __init__(
        self,
        *,
        step: str,
        message: str,
        tail: tuple[str, ...] = (),
        line: int = 0,
        passing: Passing | None = None,
    ) -> None:
        self.step = step
        self.message = message
        self.tail = tail
        self.line = line
        self.passing = passing
        super().__init__(message)


class BuildCancelled(Exception):
    """A build that was ended because the whole run ends."""


class Builder(Protocol):
    """An engine that builds one image at a time per call; calls may come from several threads."""

    def build(self, request: BuildRequest, tell: Callable[[StepNews], None]) -> BuildResult:
        """Build, store and verify. Raises BuildFailed, BuildCancelled, or BuilderError (the engine does not answer)."""
        ...

    def cancel(self) -> None:
        """End every running build soon; `build` raises BuildCancelled in its thread. May be called twice."""
        ...

    def name(self, request: BuildRequest, image: Stored) -> None:
        """Let the tags of a request name an image that was built before. Raises RegistryError."""
        ...

    def holds(self, image: Stored) -> bool:
        """Whether a stored image is still where it is said to be, and whether this engine can read it there."""
        ...

    def answers(self) -> bool:
        """Whether the engine is there now. Takes seconds at most."""
        ...


class Lease(Protocol):
    """The right to build one key, as long as it is not released."""

    def release(self) -> None:
        """Give it up; called once, after the record is written or the build has failed."""
        ...


class Leases(Protocol):
    """Keeps two runners from building the same key at once."""

    def take(
        self, image: ImageName, key: str, tell: Callable[[str], None], ending: Callable[[], bool]
    ) -> Lease | Record | None:
        """Wait until this run may build the key, or another has: its record then.

        `tell` is told for whom it waits, `ending` says when waiting is of no use any more. None where there is no
        lease to be had: building all the same is safe.
        """
        ...


class Registry(Protocol):
    """A registry, as far as publishing needs it."""

    def digest_of(self, repository: str, reference: str) -> str | None:
        """The digest that a tag or digest names now, None where there is none. Raises RegistryError."""
        ...

    def tag(self, repository: str, digest: str, tag: str) -> None:
        """Let a tag name a manifest that the repository holds. Raises RegistryError."""
        ...
