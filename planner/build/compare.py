"""Says in what two images of the planner's own store differ: which layer, which file in it, and what of that file."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planner.build.layout import MAX_DOCUMENT, Incomplete, Layout

MAX_FILES = 1_000_000
MAX_TOLD = 20
"""Files told of one layer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing that is not the same: `step` is what made the layer, `what` names the fact, with both its values.

    `path` is empty where the layer as a whole or the configuration differs.
    """

    step: str
    path: str
    what: str
    one: str
    other: str


def differences(layout: Layout, one: str, other: str) -> tuple[Difference, ...]:
    """What tells two images apart, () for equal digests. Raises Incomplete or OSError for one that is not whole."""
    if one == other:
        return ()
    first, second = _document(layout, one), _document(layout, other)
    if "manifests" in first and "manifests" in second:
        pairs = zip(first["manifests"], second["manifests"], strict=False)
        return tuple(found for a, b in pairs for found in differences(layout, a["digest"], b["digest"]))
    return tuple(_of_manifests(layout, first, second))


def _of_manifests(layout: Layout, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Difference]:
    configs = [_document(layout, document["config"]["digest"]) for document in (one, other)]
    steps = [str(step.get("created_by", "")) for step in configs[0].get("history", []) if not step.get("empty_layer")]
    layers = [[layer["digest"] for layer in document["layers"]] for document in (one, other)]
    if len(layers[0]) != len(layers[1]):
        counts = (str(len(layers[0])), str(len(layers[1])))
        yield Difference(step="", path="", what="layers", one=counts[0], other=counts[1])
        return
    for number, (a, b) in enumerate(zip(*layers, strict=True)):
        if a != b:
            yield from _of_layers(layout, steps[number] if number < len(steps) else "", a, b)
    for field in sorted(configs[0].keys() | configs[1].keys()):
        values = [json.dumps(config.get(field), sort_keys=True) for config in configs]
        if field != "rootfs" and values[0] != values[1]:
            yield Difference(step="", path="", what=f"configuration: {field}", one=values[0], other=values[1])


def _of_layers(layout: Layout, step: str, one: str, other: str) -> Iterator[Difference]:
    try:
        before, after = _files(layout, one), _files(layout, other)
    except (tarfile.TarError, EOFError) as error:
        yield Difference(
            step=step, path="", what=f"bytes, of a layer that cannot be read ({error})", one=one, other=other
        )
        return
    count = 0
    for path in sorted(before.keys() | after.keys()):
        facts, others = before.get(path, {}), after.get(path, {})
        for what in (what for what in (facts or others) if facts.get(what) != others.get(what)):
            count += 1
            if count <= MAX_TOLD:
                values = (facts.get(what, "(not there)"), others.get(what, "(not there)"))
                yield Difference(step=step, path=path, what=what, one=values[0], other=values[1])
    if count > MAX_TOLD:
        yield Difference(step=step, path="", what=f"{count - MAX_TOLD} facts more", one="", other="")
    if not count:
        yield Difference(step=step, path="", what="order or packing of the same files", one=one, other=other)


def _files(layout: Layout, digest: str) -> dict[str, dict[str, str]]:
    """The files of a layer with what is known of each."""
    found: dict[str, dict[str, str]] = {}
    with tarfile.open(layout.blob(digest), "r|*") as archive:
        for member in archive:
            if len(found) >= MAX_FILES:
                raise tarfile.TarError("too many files")
            facts = {"time": str(member.mtime), "mode": f"{member.mode:o}", "owner": f"{member.uid}:{member.gid}"}
            if member.isfile():
                stream = archive.extractfile(member)
                content = hashlib.file_digest(stream, "sha256").hexdigest() if stream is not None else ""  # type: ignore[arg-type]
                facts |= {"size": str(member.size), "content": content}
            elif member.issym() or member.islnk():
                facts |= {"target": member.linkname}
            found[member.name] = facts
    return found


def _document(layout: Layout, digest: str) -> dict[str, Any]:
    with open(layout.blob(digest), "rb") as stream:
        found = json.loads(stream.read(MAX_DOCUMENT))
    if not isinstance(found, dict):
        raise Incomplete(f"{digest}: is no document")
    return found
