"""Images and where they are written: the records that every front door ends in."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import NewType

from planner.model.frozen import dataclass, field
from planner.model.lock import Lock

ImageName = NewType("ImageName", str)
Pairs = tuple[tuple[str, str], ...]

DEFAULT_PLATFORM = "linux/amd64"
"""The platform of an image that names none, on every machine."""
EPOCH = "SOURCE_DATE_EPOCH"
YEAR_2000 = "946684800"
"""The time of everything that a build makes, unless the image has an argument of that name: that of contexts' files.

It depends on nothing, since a time that follows commits or clocks would make equal inputs unequal images; and it is
not 1970, which some archives cannot hold (zip begins with 1980).
"""


WITHHELD = frozenset({"PLANNER_SIGNING_KEY", "PLANNER_SIGNING_KEY_FILE"})
"""Variables that no graph file sees, and no build: they hold or name this run's private key."""


def seconds_of(time: str) -> str | None:
    """What BuildKit v0.32.2 makes of a SOURCE_DATE_EPOCH (`resolveSourceDateEpochValue`): its seconds, "" for no time.

    None for the time of a stage's or a named context's source, which nobody knows before it is asked for.
    """
    if time in ("", "context"):  # A local context has no time.
        return ""
    digits = time[1:] if time.startswith(("+", "-")) else time
    if not (digits.isascii() and digits.isdigit()):
        return None
    digits = digits.lstrip("0") or "0"
    if len(digits) > 19:
        return None
    seconds = -int(digits) if time.startswith("-") else int(digits)
    return str(seconds) if -(1 << 63) <= seconds < 1 << 63 else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A place in a file. `line` and `column` count from 1; `end_line` is the last line that belongs to it."""

    file: str
    line: int
    column: int = 1
    end_line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Kind(enum.StrEnum):
    """Where an image stands in its family."""

    BASE = "base"
    CUDA = "cuda"
    DERIVED = "derived"


@dataclass(frozen=True, kw_only=True, slots=True)
class KindDefaults:
    """What a kind carries for all its images: CI runner, layer-cache backend, resources per build."""

    runner: str = ""
    cache: str = ""
    resources: Pairs = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """One node of the graph as declared: names and paths only, nothing read yet.

    Paths are relative to the workspace, with `/`, normalised, never leading out of it. `context` is "." for the
    workspace itself. `contexts` and `args` keep their declared order; order never enters a key. `inline` is the
    Dockerfile's own text where a definition carries it; `dockerfile` is then no path, but says where it is written.
    `options` are further options of the build that may change what it makes, as buildx calls them (`add-host`).
    `package` is the folder of a Starlark package, `stack` the calls that made the image, the outermost first;
    `visibility` are the packages whose images may read it (`//pkg`, `//pkg/...`), all of them where none is named.
    """

    name: ImageName
    span: Span
    context: str = "."
    dockerfile: str = "Dockerfile"
    target: str = ""
    args: Pairs = ()
    contexts: Pairs = ()
    tags: tuple[str, ...] = ()
    platforms: tuple[str, ...] = (DEFAULT_PLATFORM,)
    labels: Pairs = ()
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    network: str = ""
    declared_kind: Kind | None = None
    inline: str = ""
    options: Pairs = ()
    package: str = ""
    stack: tuple[Span, ...] = ()
    visibility: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The image's label in the form that Bazel gives names: `//PACKAGE:NAME`."""
        return f"//{self.package}:{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """Something about an image that its definition leaves open: what a reference means, or (`context`) its context."""

    image: ImageName
    role: str
    reference: str
    reason: str
    span: Span
    hint: str = ""


DISCOVERED = "Dockerfiles"
"""What stands in for the name of the graph file of a family that nobody wrote down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """A whole graph file: its images in declared order and what they share.

    `lock` is that of the file beside it, `doubts` are what the family leaves open. `contested` are published names that
    several images claim, where the definition allows it: whoever reads one reads it is not known whose. `written` is
    what the tree said of every path that was asked for to read all that, where somebody took note: another tree that
    says the same has the same family. `notes` are lines to say wherever the family is read.
    """

    file: str
    images: tuple[Image, ...]
    registry: str = ""
    algorithm: str = "xxh3_128"
    kinds: tuple[tuple[str, KindDefaults], ...] = field(default=())
    lock: Lock = field(default_factory=Lock)
    doubts: tuple[Doubt, ...] = ()
    contested: tuple[tuple[str, tuple[ImageName, ...]], ...] = ()
    written: Mapping[str, str] = field(default_factory=dict, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    def kind_defaults(self, kind: str) -> KindDefaults:
        """The defaults of a kind; empty ones where the file declares none."""
        return dict(self.kinds).get(kind, KindDefaults())
