"""Turns a reference into what a lock keeps of it: digests by platform, and what a child inherits."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
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
    digest, document = registry.manifest(reference.repository, reference.digest or reference.tag or "latest")
    if "manifests" not in document:
        facts = _facts(registry, reference, digest, document)
        return LockedImage(digest=digest, platforms=dict.fromkeys(sorted(platforms), facts))
    entries = _entries(reference, document)
    found: dict[str, LockedPlatform] = {}
    for platform in sorted(platforms):
        entry = _matching(entries, platform)
        if entry is None:
            raise RegistryError(f"{reference}: is not there for {platform}, only for {', '.join(sorted(entries))}")
        _, manifest = registry.manifest(reference.repository, entry)
        found[platform] = _facts(registry, reference, entry, manifest)
    return LockedImage(digest=digest, platforms=found)


def _entries(reference: Reference, document: Mapping[str, Any]) -> dict[str, str]:
    """Platforms and digests of an index; what is no image (attestations) has no platform that one could ask for.

    Of two entries for one platform BuildKit takes the first. Raises RegistryError for more platforms than there are.
    """
    listed = document.get("manifests")
    found: dict[str, str] = {}
    for entry in listed if isinstance(listed, list) else []:
        facts = entry.get("platform") if isinstance(entry, dict) else None
        if isinstance(facts, dict) and isinstance(entry.get("digest"), str) and facts.get("os") != "unknown":
            parts = (facts.get("os"), facts.get("architecture"), facts.get("variant"))
            text = "/".join(str(part) for part in parts if part)
            with contextlib.suppress(ValueError):
                found.setdefault(str(Platform.parse(text)), entry["digest"])
        if len(found) > MAX_PLATFORMS:
            raise RegistryError(f"{reference}: its index names more than {MAX_PLATFORMS} platforms")
    return found


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


def _facts(registry: HttpRegistry, reference: Reference, digest: str, manifest: Mapping[str, Any]) -> LockedPlatform:
    config = manifest.get("config")
    named = config.get("digest") if isinstance(config, dict) else None
    if not isinstance(named, str):
        raise RegistryError(f"{reference}: its manifest names no configuration")
    try:
        document = json.loads(registry.blob(reference.repository, named, MAX_CONFIG))
        inner = document.get("config") or {}
        return LockedPlatform(
            digest=digest,
            env=tuple((name, value) for name, _, value in (str(one).partition("=") for one in inner.get("Env") or ())),
            workdir=str(inner.get("WorkingDir") or ""),
            user=str(inner.get("User") or ""),
            shell=tuple(str(word) for word in inner.get("Shell") or ()),
            onbuild=tuple(str(text) for text in inner.get("OnBuild") or ()),
        )
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise RegistryError(f"{reference}: its configuration cannot be read") from error
