"""Turns build requests into a Bake file in JSON: what rebuilds, parents linked by `target:` or by digest.

Pure but for the contexts, which somebody else may have written: paths and records in, a text out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planner.build.command import in_layout
from planner.model.build import BuildRequest, Context, FilesContext, ImageContext, Store, Stored, UrlContext
from planner.model.image import ImageName

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_LINK = "target:"
GROUP = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where Bake finds what an image reads: folders of contexts ("" for the build context), and its Dockerfile.

    `dockerfile` is relative to the build context, or absolute; with `inline` the Dockerfile stands in the Bake file.
    """

    contexts: Mapping[str, str]
    dockerfile: str
    inline: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What a command line adds to every target. In cache entries, `{image}` and `{kind}` stand for the image's own."""

    push: bool = False
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Baked:
    """One image of a Bake file."""

    request: BuildRequest
    places: Places
    kind: str


def target_names(images: Iterable[ImageName]) -> dict[ImageName, str]:
    """Names of targets: letters, digits, `_` and `-`; a number tells apart what would be the same."""
    found: dict[ImageName, str] = {}
    taken = {GROUP}
    for image in images:
        plain = name = _NOT_IN_NAMES.sub("_", image)
        number = 1
        while name in taken:
            number += 1
            name = f"{plain}_{number}"
        taken.add(name)
        found[image] = name
    return found


def linked(name: str) -> Stored:
    """What stands for a parent that the same file builds: its target instead of a digest."""
    return Stored(store=Store.LAYOUT, digest=f"{_LINK}{name}")


def bake_file(images: Sequence[Baked], names: Mapping[ImageName, str], wishes: Wishes, layout: str) -> str:
    """The whole file. `layout` is the folder of the planner's own images."""
    targets = {names[one.request.image]: _target(one, wishes, layout) for one in images}
    document = {"group": {GROUP: {"targets": list(targets)}}, **({"target": targets} if targets else {})}
    return json.dumps(_escaped(document), indent=2, ensure_ascii=False)


def _target(baked: Baked, wishes: Wishes, layout: str) -> dict[str, Any]:
    request, places = baked.request, baked.places
    contexts = {name: _context(name, context, places, layout) for name, context in request.contexts}
    found: dict[str, Any] = {
        "context": places.contexts[""],
        "contexts": contexts,
        "dockerfile": "" if places.inline else places.dockerfile,
        "dockerfile-inline": places.inline,
        "target": request.target,
        "args": dict(request.args),
        "labels": dict(request.labels),
        "tags": list(request.tags),
        "platforms": list(request.platforms),
        "secret": [text if "=" in text else f"id={text}" for text in request.secrets],
        "ssh": list(request.ssh),
        "network": request.network,
        "cache-from": _filled(wishes.cache_from, baked),
        "cache-to": _filled(wishes.cache_to, baked),
        "output": ["type=image,push=true"] if wishes.push else [],
        **_options(request.options),
        # Attestations hold the time of the build, so that a digest would never come out twice.
        "attest": ["type=provenance,disabled=true", "type=sbom,disabled=true"],
    }
    return {name: value for name, value in found.items() if value}


def _filled(templates: Sequence[str], baked: Baked) -> list[str]:
    name = _NOT_IN_NAMES.sub("-", baked.request.image)
    return [text.replace("{image}", name).replace("{kind}", baked.kind) for text in templates]


def _context(name: str, context: Context, places: Places, layout: str) -> str:
    match context:
        case FilesContext():
            return places.contexts[name]
        case UrlContext(url=url):
            return url
        case ImageContext(image=image):
            if image.digest.startswith(_LINK):
                return image.digest
            if image.store is Store.REGISTRY:
                return f"docker-image://{image.repository}@{image.digest}"
            if image.store is Store.ENGINE:
                return f"docker-image://{image.repository}"
            return in_layout(layout, image.digest)


def _options(options: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The further options of a build, as attributes of a target."""
    found: dict[str, Any] = {}
    lists = {"ulimit": "ulimits", "allow": "entitlements", "annotation": "annotations"}
    for name, value in options:
        if name in lists:
            found.setdefault(lists[name], []).append(value)
        elif name == "add-host":
            host, _, address = value.partition(":")
            found.setdefault("extra-hosts", {})[host] = address
        elif name == "resource":
            key, _, amount = value.partition("=")
            found.setdefault("resources", {})[key] = amount
        elif name == "no-cache-filter":
            found[name] = value.split(",")
        else:
            found[name] = True if value == "true" else value
    return found


def _escaped(value: Any) -> Any:
    """Every text of a document so that Bake, to which each is a template, reads it as it is."""
    if isinstance(value, str):
        return value.replace("${", "$${").replace("%{", "%%{")
    if isinstance(value, dict):
        return {_escaped(name): _escaped(item) for name, item in value.items()}
    return [_escaped(item) for item in value] if isinstance(value, list) else value
