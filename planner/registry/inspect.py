"""Turns a reference into what a lock keeps of it: digests by platform, and what a child inherits.

Engines read JSON as Go does: names in any case, and of a field that stands twice both. What that reads in another way
than is read here is refused.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Collection
from typing import Any

from planner.errors import RegistryError
from planner.model.lock import LockedImage, LockedPlatform
from planner.model.names import Platform, Reference
from planner.registry.client import HttpRegistry

MAX_CONFIG = 8 << 20
MAX_PLATFORMS = 64


def inspect(registry: HttpRegistry, reference: Reference, platforms: Collection[str]) -> LockedImage:
    """What a registry says of a reference now, for these platforms. Raises RegistryError, also for a missing one.

    A plain manifest stands for every platform, as BuildKit takes it.
    """
    digest, document = _manifest(registry, reference, reference.digest or reference.tag or "latest")
    if _at(document, "manifests") is None:
        facts = _facts(registry, reference, digest, document)
        return LockedImage(digest=digest, platforms=dict.fromkeys(sorted(platforms), facts))
    entries = _entries(reference, document)
    found: dict[str, LockedPlatform] = {}
    for platform in sorted(platforms):
        entry = _matching(entries, platform)
        if entry is None:
            raise RegistryError(f"{reference}: is not there for {platform}, only for {', '.join(sorted(entries))}")
        found[platform] = _facts(registry, reference, entry, _manifest(registry, reference, entry)[1])
    return LockedImage(digest=digest, platforms=found)


def offered(registry: HttpRegistry, reference: Reference) -> frozenset[str]:
    """The platforms that an index has; none for a plain manifest, which stands for every one. Raises RegistryError."""
    _, document = _manifest(registry, reference, reference.digest or reference.tag or "latest")
    return frozenset() if _at(document, "manifests") is None else frozenset(_entries(reference, document))


class _Object(dict[str, Any]):
    """An object of a JSON text; `twice` are the names that stand in it more than once, in whatever case."""

    twice: frozenset[str] = frozenset()


def _read(text: bytes) -> _Object:
    """The object of a JSON text. Raises ValueError."""
    found = json.loads(text, object_pairs_hook=_object)
    if not isinstance(found, _Object):
        raise ValueError("is no object")
    return found


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    counts = Counter(name.casefold() for name, _ in pairs)
    if len(counts) < len(pairs):
        made.twice = frozenset(name for name, count in counts.items() if count > 1)
    return made


def _at(found: _Object, name: str) -> Any:
    """A field of an object. Raises ValueError where an engine would take another one for it."""
    folded = name.casefold()
    if folded in found.twice or (name not in found and any(one.casefold() == folded for one in found)):
        raise ValueError(f"its field {name} is written in two ways")
    return found.get(name)


def _manifest(registry: HttpRegistry, reference: Reference, name: str) -> tuple[str, _Object]:
    found = registry.fetch(reference.repository, name)
    if found is None:
        raise RegistryError(f"{reference.repository}: has no {name}")
    try:
        return found.digest, _read(found.body)
    except (ValueError, RecursionError) as error:
        raise RegistryError(f"{reference}: its manifest cannot be read") from error


def _entries(reference: Reference, document: _Object) -> dict[str, str]:
    """Platforms and digests of an index; what is no image (attestations) has no platform that one could ask for.

    Of two entries for one platform BuildKit takes the first, and none that wants features which nobody asks for
    (`Match` of containerd's platforms). Raises RegistryError for more platforms than there are.
    """
    listed = document["manifests"]
    found: dict[str, str] = {}
    for entry in listed if isinstance(listed, list) else []:
        named = _platform(reference, entry) if isinstance(entry, _Object) else None
        if named is not None:
            found.setdefault(*named)
        if len(found) > MAX_PLATFORMS:
            raise RegistryError(f"{reference}: its index names more than {MAX_PLATFORMS} platforms")
    return found


def _platform(reference: Reference, entry: _Object) -> tuple[str, str] | None:
    """The platform and the digest of an entry, None for one that is not taken for any."""
    try:
        digest, facts = _at(entry, "digest"), _at(entry, "platform")
        if not isinstance(facts, _Object) or not isinstance(digest, str):
            return None
        os, *rest = (_at(facts, name) for name in ("os", "architecture", "variant"))
        features = _at(facts, "os.features")
    except ValueError as error:
        raise RegistryError(f"{reference}: its index cannot be read") from error
    if os == "unknown" or (features and os != "windows"):
        return None
    with contextlib.suppress(ValueError):
        return str(Platform.parse("/".join(str(part) for part in (os, *rest) if part))), digest
    return None


def _matching(entries: dict[str, str], platform: str) -> str | None:
    """The entry of exactly this platform, else one of the same system and architecture."""
    if platform in entries:
        return entries[platform]
    wanted = Platform.parse(platform)
    near = (
        digest
        for name, digest in entries.items()
        if (one := Platform.parse(name)).os == wanted.os and one.architecture == wanted.architecture
    )
    return next(near, None)


def _facts(registry: HttpRegistry, reference: Reference, digest: str, manifest: _Object) -> LockedPlatform:
    try:
        named = _at(_part(manifest, "config"), "digest")
        if not isinstance(named, str):
            raise RegistryError(f"{reference}: its manifest names no configuration")
        inner = _part(_read(registry.blob(reference.repository, named, MAX_CONFIG)), "config")
        return LockedPlatform(
            digest=digest,
            env=tuple((name, value) for name, _, value in (text.partition("=") for text in _texts(inner, "Env"))),
            workdir=str(_at(inner, "WorkingDir") or ""),
            user=str(_at(inner, "User") or ""),
            shell=_texts(inner, "Shell"),
            onbuild=_texts(inner, "OnBuild"),
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise RegistryError(f"{reference}: its configuration cannot be read") from error


def _part(found: _Object, name: str) -> _Object:
    """The object in a field; an empty one where there is none. Raises ValueError."""
    part = _at(found, name) or _Object()
    if not isinstance(part, _Object):
        raise ValueError(f"its field {name} is no object")
    return part


def _texts(found: _Object, name: str) -> tuple[str, ...]:
    return tuple(str(one) for one in _at(found, name) or ())
