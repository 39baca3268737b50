"""What is asked of an engine that builds, and what it answers: records only."""

from __future__ import annotations

from dataclasses import dataclass

from planner.model.image import ImageName, Pairs


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
    """An image as a build context: by digest in the local store, or in `repository` where that is not empty."""

    digest: str
    repository: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class UrlContext:
    """A build context that the engine fetches by itself: `docker-image://…`, a git URL, an https archive."""

    url: str


Context = FilesContext | ImageContext | UrlContext


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRequest:
    """Everything an engine needs for one image, with nothing left to decide.

    `contexts` are named contexts, by the name BuildKit looks for. `push` is the reference the result is pushed
    to; empty means it goes to the local store only.
    """

    image: ImageName
    platforms: tuple[str, ...]
    dockerfile: bytes
    dockerfile_name: str
    context: FilesContext
    target: str = ""
    args: Pairs = ()
    contexts: tuple[tuple[str, Context], ...] = ()
    labels: Pairs = ()
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    network: str = ""
    push: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepTime:
    """One step of a build as the engine named it, how long it ran (seconds) and whether it came from cache."""

    name: str
    seconds: float
    cached: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildResult:
    """An image that was built and is stored: `digest` is that of its manifest, or of its index."""

    digest: str
    seconds: float
    steps: tuple[StepTime, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """An image that was built once: (image, platforms, key) -> digest. Written only after the image is stored.

    `manifest` is the manifest behind the key in the text form of `planner.digest.manifest`; it lets a later plan
    say what changed. `built_at` is in seconds since 1970, UTC. `repository` is empty for the local store.
    """

    image: ImageName
    platforms: tuple[str, ...]
    key: str
    resolved_key: str
    digest: str
    repository: str
    built_at: float
    seconds: float
    manifest: str
    steps: tuple[StepTime, ...] = ()
