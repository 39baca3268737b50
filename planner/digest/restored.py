"""Turns the text that `planner.digest.kept` made of the facts of a family back into the same facts.

The text was written by this very planner and checked by its cache; one that is not as it should be raises Unreadable
all the same. The manifests of an image are read when they are asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from planner.digest.inputs import Input, InputKind, Manifest
from planner.digest.key import Facts
from planner.digest.trace import Trace
from planner.digest.written import Unreadable
from planner.model.graph import (
    ExternalImage,
    ImageGraph,
    LocalFiles,
    Node,
    Origin,
    ParentImage,
    RemoteFiles,
    Use,
    children_of,
)
from planner.model.image import Family, Image, ImageName, Kind, KindDefaults, Pairs, Span
from planner.model.lock import Lock, LockedImage, LockedPlatform
from planner.model.selection import Selection
from planner.sources.loaded import LoadedFamily

Json = Any


def read(text: str) -> Facts:
    """The facts of a text that `kept.write` made. Raises Unreadable."""
    try:
        *manifests, family = text.split("\n")
        return _Reader(json.loads(family)).facts(manifests)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise Unreadable(str(error)) from error


class _Reader:
    def __init__(self, document: Json) -> None:
        self.document = document
        self.kinds = {kind.value: kind for kind in InputKind}
        self.image_kinds = {kind.value: kind for kind in Kind}

    def facts(self, kept: Sequence[str]) -> Facts:
        nodes: dict[ImageName, Node] = {}
        by_platform: dict[tuple[ImageName, str], str] = {}
        traces: dict[ImageName, Trace] = {}
        remarkable: set[ImageName] = set()
        for fields, uses, kind, level, keys, trace, is_remarkable in self.document["images"]:
            image = self.image(fields)
            used = tuple([self.use(use) for use in uses])
            nodes[image.name] = Node(image=image, uses=used, kind=self.image_kinds[kind], level=level)
            for platform, key in keys:
                by_platform[image.name, platform] = key
            traces[image.name] = trace
            if is_remarkable:
                remarkable.add(image.name)
        manifests = dict(zip(nodes, kept, strict=True))
        file, registry, algorithm, kinds, contested, notes = self.document["family"]
        family = Family(
            file=file,
            images=tuple(nodes[name].image for name in self.document["declared"]),
            registry=registry,
            algorithm=algorithm,
            kinds=tuple(
                (name, KindDefaults(runner=runner, cache=cache, resources=_pairs(resources)))
                for name, runner, cache, resources in kinds
            ),
            contested=tuple((name, tuple(owners)) for name, owners in contested),
            notes=tuple(notes),
            lock=Lock(
                images={reference: self.locked(*entry) for reference, entry in self.document["lock"]},
                frontends=self.document["pins"][0],
                sources=self.document["pins"][1],
            ),
        )
        children = children_of({name: node.parents for name, node in nodes.items()})
        graph = ImageGraph(nodes=nodes, order=tuple(nodes), children=children)
        loaded = LoadedFamily(family=family, graph=graph, dockerfiles={}, evaluations={}, alone={})
        return Facts(
            loaded=loaded,
            definition=self.document["definition"],
            manifests=_Unread(manifests, self.manifest),
            by_platform=by_platform,
            traces=traces,
            remarkable=frozenset(remarkable),
        )

    def locked(self, digest: str, platforms: Json) -> LockedImage:
        found = {
            platform: LockedPlatform(
                digest=its, env=_pairs(env), workdir=workdir, user=user, shell=tuple(shell), onbuild=tuple(onbuild)
            )
            for platform, its, env, workdir, user, shell, onbuild in platforms
        }
        return LockedImage(digest=digest, platforms=found)

    def span(self, fields: Json) -> Span:
        file, line, column, end_line = fields
        return Span(file=file, line=line, column=column, end_line=end_line)

    def image(self, fields: Json) -> Image:
        name, span, context, dockerfile, target, args, contexts, tags, platforms, labels, secrets, ssh, *rest = fields
        network, declared, inline, options, package, stack, visibility = rest
        return Image(
            name=name,
            span=self.span(span),
            context=context,
            dockerfile=dockerfile,
            target=target,
            args=_pairs(args),
            contexts=_pairs(contexts),
            tags=tuple(tags),
            platforms=tuple(platforms),
            labels=_pairs(labels),
            secrets=tuple(secrets),
            ssh=tuple(ssh),
            network=network,
            declared_kind=Kind(declared) if declared else None,
            inline=inline,
            options=_pairs(options),
            package=package,
            stack=tuple([self.span(one) for one in stack]),
            visibility=tuple(visibility),
        )

    def use(self, fields: Json) -> Use:
        role, reference, span, platform, kind, value = fields
        origin = self.origin(kind, value)
        return Use(role=role, reference=reference, span=self.span(span), origin=origin, platform=platform)

    def origin(self, kind: str, value: str) -> Origin:
        match kind:
            case "parent":
                return ParentImage(name=ImageName(value))
            case "external":
                return ExternalImage(reference=value)
            case "local":
                return LocalFiles(folder=value)
            case "pinned" | "remote":
                return RemoteFiles(url=value, pinned=kind == "pinned")
        raise ValueError(f"{kind}: is no origin")

    def manifest(self, name: ImageName, fields: Json) -> Manifest:
        platform, inputs, warnings = fields
        made = tuple(self.input(*entry) for entry in inputs)
        return Manifest(image=name, platform=platform, inputs=made, warnings=tuple(warnings))

    def input(self, kind: str, name: str, digest: str, parts: Json, where: Json, selection: Json) -> Input:
        return Input(
            kind=self.kinds[kind],
            name=name,
            digest=digest,
            parts=_pairs(parts),
            where=self.span(where) if where else None,
            selection=self.selection(*selection) if selection else None,
        )

    def selection(
        self, context: str, sources: Json, excludes: Json, parents: bool, mount: bool, whole: bool, reason: str
    ) -> Selection:
        return Selection(
            context=context,
            sources=tuple(sources),
            excludes=tuple(excludes),
            parents=parents,
            mount=mount,
            whole=whole,
            reason=reason,
        )


class _Unread(Mapping[ImageName, tuple[Manifest, ...]]):
    """Manifests that are read when they are asked for."""

    def __init__(self, texts: Mapping[ImageName, str], read: Callable[[ImageName, Json], Manifest]) -> None:
        self.texts = texts
        self.read = read
        self._known: dict[ImageName, tuple[Manifest, ...]] = {}

    def __getitem__(self, name: ImageName) -> tuple[Manifest, ...]:
        if name not in self._known:
            self._known[name] = tuple(self.read(name, fields) for fields in json.loads(self.texts[name]))
        return self._known[name]

    def __iter__(self) -> Iterator[ImageName]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)


def _pairs(pairs: Json) -> Pairs:
    return tuple(map(tuple, pairs)) if pairs else ()  # Most images have none of most pairs.
