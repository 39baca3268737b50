"""References, digests and platforms in Docker's normal form, and which reference an image of the graph answers to.

Grammar and normal form are those of the distribution/reference library; the name that BuildKit looks for among named
contexts is that of `dockerui.Client.NamedContext` (v0.32.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from planner.model.frozen import dataclass, replace

LATEST = "latest"
"""The tag that is meant where none is written."""

DEFAULT_REGISTRY = "docker.io"
OFFICIAL = "library"
MAX_NAME = 255

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}")
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
"""The only digest that images and blobs of ours are named by."""
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""The whole name of a git commit, in either object format."""


def is_repository(path: str) -> bool:
    """Whether a text is the path of a repository in its normal form, without a registry."""
    return len(path) <= MAX_NAME and _PATH.fullmatch(path) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A reference in normal form: `docker.io/library/ubuntu`, with a tag, a digest, both or neither."""

    registry: str
    path: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference as Docker does. Raises ValueError with a sentence for people."""
        rest, _, digest = text.partition("@")
        if "@" in text and not _DIGEST.fullmatch(digest):
            raise ValueError(f'"{text}" has a malformed digest after the @: write sha256: with 64 digits')
        if _IDENTIFIER.fullmatch(text):
            raise ValueError(f'"{text}" is an identifier, not the name of an image')
        name, tag = rest, ""
        head, colon, last = rest.rpartition(":")
        if colon and "/" not in last:
            name, tag = head, last
            if not _TAG.fullmatch(tag):
                raise ValueError(f'"{text}" has a malformed tag')
        registry, path = _split(name)
        if path != path.lower():
            raise ValueError(f'"{text}" is no reference: a repository name is in lower case')
        if not is_repository(path) or not _REGISTRY.fullmatch(registry):
            raise ValueError(f'"{text}" is no reference to an image')
        return cls(registry=registry, path=path, tag=tag, digest=digest)

    @property
    def repository(self) -> str:
        """The full name without tag and digest."""
        return f"{self.registry}/{self.path}"

    @property
    def familiar(self) -> str:
        """The name of the BuildKit named context that takes this reference's place."""
        name = self.repository
        if self.registry == DEFAULT_REGISTRY:
            name = self.path.removeprefix(f"{OFFICIAL}/") if self.path.count("/") == 1 else self.path
        tag = f":{self.tag}" if self.tag else ""
        text = f"{name}{tag}@{self.digest}" if self.digest else f"{name}{tag}"
        return text.removesuffix(":latest")

    def __str__(self) -> str:
        if self.digest:
            tag = f":{self.tag}" if self.tag else ""
            return f"{self.repository}{tag}@{self.digest}"
        return f"{self.repository}:{self.tag or 'latest'}"


def _split(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    is_registry = slash and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    registry, path = (first, rest) if is_registry else (DEFAULT_REGISTRY, name)
    if registry == "index.docker.io":
        registry = DEFAULT_REGISTRY
    if registry == DEFAULT_REGISTRY and "/" not in path:
        path = f"{OFFICIAL}/{path}"
    return registry, path


_PROCESSORS = """
    386 aarch64 amd64 amd64p32 arm arm64 arm64be armbe armel armhf i386 loong64 mips mips64 mips64le mips64p32
    mips64p32le mipsle ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm x86-64 x86_64
"""
PROCESSORS = frozenset(_PROCESSORS.split())
"""The architectures that containerd knows, by all their names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """An operating system and architecture in containerd's normal form."""

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read `linux/arm64/v8` or `arm64`. Raises ValueError with a sentence for people.

        A system alone is refused: containerd gives it the architecture of the machine that reads it.
        """
        parts = text.lower().split("/")
        if len(parts) == 1 and parts[0] in PROCESSORS:
            parts = ["linux", *parts]
        if not 2 <= len(parts) <= 3 or not all(re.fullmatch(r"[a-z0-9_.-]+", part) for part in parts):
            raise ValueError(f'"{text}" is no platform; write it as linux/amd64')
        architecture, variant = _normal_architecture(parts[1], parts[2] if len(parts) == 3 else "")
        os = "darwin" if parts[0] == "macos" else parts[0]
        return cls(os=os, architecture=architecture, variant=variant)

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


def _normal_architecture(architecture: str, variant: str) -> tuple[str, str]:
    match architecture:
        case "i386":
            return "386", ""
        case "x86_64" | "x86-64" | "amd64":
            return "amd64", "" if variant == "v1" else variant
        case "aarch64" | "arm64":
            return "arm64", "" if variant in {"8", "v8"} else variant
        case "armhf":
            return "arm", "v7"
        case "armel":
            return "arm", "v6"
        case "arm":
            return "arm", f"v{variant}" if variant.isdecimal() else variant or "v7"
    return architecture, variant


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A name that an image is known by. A tag of "" answers to no tag, `latest` or a digest; `*` to any tag."""

    repository: str
    tag: str = ""

    @classmethod
    def parse(cls, text: str) -> Published:
        """Read an entry of `tags`. Raises ValueError with a sentence for people."""
        if text.endswith(":*"):
            return cls(repository=Reference.parse(text[:-2]).repository, tag="*")
        reference = Reference.parse(text)
        if reference.digest:
            raise ValueError(f'"{text}": a published name has no digest')
        return cls(repository=reference.repository, tag=reference.tag)

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" if self.tag else self.repository

    def answers(self, reference: Reference) -> bool:
        """Whether a reference means the image with this name. A digest pins a release of it, whatever the tag."""
        if reference.repository != self.repository:
            return False
        if self.tag == "*":
            return True
        tag = reference.tag or ("" if reference.digest else LATEST)
        return tag in ({self.tag} if self.tag else {LATEST, ""})

    @property
    def in_full(self) -> Published:
        """The name with its tag written out: two that are equal in full are one name."""
        return replace(self, tag=self.tag or LATEST)


Index = Mapping[str, tuple[tuple[Published, str], ...]]
"""Published names and their owners, by repository."""


def index_of(names: Iterable[tuple[Published, str]]) -> Index:
    """Collect published names for look-ups by repository."""
    found: dict[str, tuple[tuple[Published, str], ...]] = {}
    for published, owner in names:
        found[published.repository] = (*found.get(published.repository, ()), (published, owner))
    return found


def owner_of(index: Index, reference: Reference) -> str | None:
    """The image that a reference means; an exact tag wins over `*`."""
    answers = [item for item in index.get(reference.repository, ()) if item[0].answers(reference)]
    answers.sort(key=lambda item: item[0].tag == "*")
    return answers[0][1] if answers else None


def familiar(reference: str) -> str:
    """The name of the named context that takes a reference's place."""
    try:
        return Reference.parse(reference).familiar
    except ValueError:
        return reference.lower()
