"""What is asked of an engine that builds, and what it answers: records only."""

from __future__ import annotations

import enum
import re

from planner.model.frozen import dataclass
from planner.model.image import ImageName, Pairs

_FROM = re.compile(r"\[[^\]]*\] FROM ")


class Store(enum.StrEnum):
    """Where built images are kept: the planner's own OCI layout, a Docker Engine, or a registry."""

    LAYOUT = "layout"
    ENGINE = "engine"
    REGISTRY = "registry"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A built image where it is kept. `repository` is empty but for a registry, `digest` names manifest or index."""

    store: Store
    digest: str
    repository: str = ""


LAST_SECOND = 253_402_300_799
"""The last second that a date can tell, of the year 9999: no time is later, and no build takes longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileEntry:
    """One file of a build context.

    `path` is where it stands in the context, `source` where the workspace has it, both with `/` and without a
    leading one. `mode` is git's: 0o100644, 0o100755 or 0o120000 (a symlink). `oid` is its git blob id.
    """

    path: str
    source: str
    mode: int
    oid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FilesContext:
    """A build context made of exactly these files."""

    files: tuple[FileEntry, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageContext:
    """A built image of the graph as a build context."""

    image: Stored


@dataclass(frozen=True, kw_only=True, slots=True)
class UrlContext:
    """A build context that the engine fetches by itself: `docker-image://…`, a git URL, an https archive."""

    url: str


Context = FilesContext | ImageContext | UrlContext


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRequest:
    """Everything an engine needs for one image, with nothing left to decide.

    `contexts` are named contexts, by the name BuildKit looks for. `sources` are what ADD fetches, with the checksum or
    the commit that it must be. `dockerfile_path` is where the workspace has it, for messages. `policy` is the build
    policy beside it, None where there is none. `repository` is where the result is pushed to, empty for nowhere; `tags`
    (REPOSITORY:TAG) name it there and elsewhere. `untold` are stages over a base whose triggers are not known, as
    BuildKit calls them, with its reference. `key` names the state that is built. With `no_cache` every step runs.
    """

    image: ImageName
    platforms: tuple[str, ...]
    key: str
    dockerfile: bytes
    dockerfile_path: str
    context: FilesContext
    policy: bytes | None = None
    target: str = ""
    args: Pairs = ()
    contexts: tuple[tuple[str, Context], ...] = ()
    labels: Pairs = ()
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    network: str = ""
    options: Pairs = ()
    sources: Pairs = ()
    untold: Pairs = ()
    repository: str = ""
    tags: tuple[str, ...] = ()
    no_cache: bool = False

    @property
    def repositories(self) -> tuple[str, ...]:
        """Every repository that the result is pushed to: its own, and those of its tags."""
        return tuple(dict.fromkeys([self.repository, *(tag.rpartition(":")[0] for tag in self.tags)]))


@dataclass(frozen=True, kw_only=True, slots=True)
class StepTime:
    """One step of a build as the engine named it, how long it ran (seconds) and whether it came from cache."""

    name: str
    seconds: float
    cached: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildResult:
    """An image that was built and is verified to be stored, how long it took (seconds), and its steps."""

    image: Stored
    seconds: float
    steps: tuple[StepTime, ...] = ()

    @property
    def cached(self) -> bool:
        """Whether every step came from cache. A FROM, which runs nothing, is never told to."""
        steps = [step for step in self.steps if not _FROM.match(step.name)]
        return bool(steps) and all(step.cached for step in steps)


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """An image that was built once: (image, platforms, key) -> where it is. Written only after it is stored.

    `manifests` are the manifests behind the key in the text form of `planner.digest.written`; they let a later plan
    say what changed. `built_at` is in seconds since 1970, UTC. `seconds` is what its inputs cost: of a build that came
    from cache alone, what the build before it took. `retries` counts the tries before it that failed in a way that may
    pass.
    """

    image: ImageName
    platforms: tuple[str, ...]
    key: str
    resolved_key: str
    stored: Stored
    built_at: float
    seconds: float
    manifests: str
    steps: tuple[StepTime, ...] = ()
    retries: int = 0
