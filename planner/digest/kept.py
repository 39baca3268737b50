"""Turns the facts of a family into text that a cache keeps; `planner.digest.restored` turns it back.

Only what a plan needs is kept: not the Dockerfiles, nor what they evaluate to.
"""

from __future__ import annotations

import json
from typing import Any

from planner.digest.inputs import Manifest
from planner.digest.key import Facts
from planner.model.graph import ExternalImage, LocalFiles, Origin, ParentImage, RemoteFiles, Use
from planner.model.image import Image, KindDefaults, Span
from planner.model.lock import LockedImage
from planner.model.selection import Selection

Json = Any

_dump = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def write(facts: Facts) -> str:
    """The text of a family's facts: a line for the manifests of each image, and the family on the last line.

    The manifests are most of the text, and are read only when they are asked for.
    """
    family, graph = facts.loaded.family, facts.loaded.graph
    document = {
        "family": [
            family.file,
            family.registry,
            family.algorithm,
            [_kind(name, kind) for name, kind in family.kinds],
            family.contested,
            family.notes,
        ],
        "lock": [[reference, _locked(image)] for reference, image in family.lock.images.items()],
        "pins": [family.lock.frontends, family.lock.sources],
        "declared": [image.name for image in family.images],
        "definition": facts.definition,
        "images": [
            [
                _image(graph.nodes[name].image),
                [_use(use) for use in graph.nodes[name].uses],
                graph.nodes[name].kind.value,
                graph.nodes[name].level,
                [(manifest.platform, facts.by_platform[name, manifest.platform]) for manifest in facts.manifests[name]],
                facts.traces[name],
                name in facts.remarkable,
            ]
            for name in graph.order
        ],
    }
    manifests = (_dump([_manifest(manifest) for manifest in facts.manifests[name]]) for name in graph.order)
    return "\n".join((*manifests, _dump(document)))


def _locked(image: LockedImage) -> Json:
    return [
        image.digest,
        [
            [platform, one.digest, one.env, one.workdir, one.user, one.shell, one.onbuild]
            for platform, one in image.platforms.items()
        ],
    ]


def _kind(name: str, kind: KindDefaults) -> Json:
    return [name, kind.runner, kind.cache, kind.resources]


def _span(span: Span | None) -> Json:
    return None if span is None else [span.file, span.line, span.column, span.end_line]


def _image(image: Image) -> Json:
    return [
        image.name,
        _span(image.span),
        image.context,
        image.dockerfile,
        image.target,
        image.args,
        image.contexts,
        image.tags,
        image.platforms,
        image.labels,
        image.secrets,
        image.ssh,
        image.network,
        image.declared_kind,
        image.inline,
        image.options,
        image.package,
        [_span(span) for span in image.stack],
        image.visibility,
    ]


def _use(use: Use) -> Json:
    return [use.role, use.reference, _span(use.span), use.platform, *_origin(use.origin)]


def _origin(origin: Origin) -> Json:
    match origin:
        case ParentImage(name=name):
            return ["parent", name]
        case ExternalImage(reference=reference):
            return ["external", reference]
        case LocalFiles(folder=folder):
            return ["local", folder]
        case RemoteFiles(url=url, pinned=pinned):
            return ["pinned" if pinned else "remote", url]
    raise ValueError("an unresolved use is in no facts")


def _manifest(manifest: Manifest) -> Json:
    inputs = [
        [item.kind, item.name, item.digest, item.parts, _span(item.where), _selection(item.selection)]
        for item in manifest.inputs
    ]
    return [manifest.platform, inputs, manifest.warnings]


def _selection(selection: Selection | None) -> Json:
    if selection is None:
        return None
    flags = (selection.parents, selection.mount, selection.whole)
    return [selection.context, selection.sources, selection.excludes, *flags, selection.reason]
