"""Reads the fields of one image of a graph file, and makes the Image once variables and axes are known."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from planner.errors import one_of
from planner.model.frozen import dataclass, replace
from planner.model.image import DEFAULT_PLATFORM, Doubt, Image, ImageName, Kind
from planner.model.names import Platform, Published
from planner.sources.desk import Desk, Node
from planner.sources.doubts import TAGS
from planner.sources.variables import Undeclared, substitute

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
TEXTS = ("context", "dockerfile", "target", "network", "name", "kind")
LISTS = ("tags", "platforms", "secrets", "ssh")
MAPPINGS = ("args", "contexts", "labels")
IMAGE_FIELDS = (*TEXTS, *LISTS, *MAPPINGS, "matrix", "inherits")
NETWORKS = ("default", "none", "host")

Placed = tuple[str, Node]


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of an image as written, each with its place; None where a field is not given."""

    texts: Mapping[str, Placed] | None = None
    lists: Mapping[str, tuple[Placed, ...]] | None = None
    mappings: Mapping[str, Mapping[str, Placed]] | None = None
    matrix: Node | None = None
    inherits: tuple[Placed, ...] = ()

    def over(self, below: Fields) -> Fields:
        """These fields, and those of `below` where a field is not given; mappings are merged by name."""
        mappings = {
            name: {**(below.mappings or {}).get(name, {}), **(self.mappings or {}).get(name, {})} for name in MAPPINGS
        }
        return replace(
            self,
            texts={**(below.texts or {}), **(self.texts or {})},
            lists={**(below.lists or {}), **(self.lists or {})},
            mappings=mappings,
            matrix=self.matrix or below.matrix,
        )


def read_fields(reader: Desk, node: Node, path: str, known: tuple[str, ...]) -> Fields:
    """Read one image's mapping; types are checked here, values when the image is made."""
    texts: dict[str, Placed] = {}
    lists: dict[str, tuple[Placed, ...]] = {}
    mappings: dict[str, dict[str, Placed]] = {}
    found = reader.fields(node, path, known)
    for name, (_, value) in found.items():
        where = f"{path}.{name}"
        if name in TEXTS and (text := reader.text(value, where)) is not None:
            texts[name] = (text, value)
        elif name in LISTS:
            lists[name] = _list(reader, value, where)
        elif name in MAPPINGS:
            entries = reader.fields(value, where)
            mappings[name] = {
                key: (text, item)
                for key, (_, item) in entries.items()
                if (text := reader.text(item, f"{where}.{key}")) is not None
            }
    return Fields(
        texts=texts,
        lists=lists,
        mappings=mappings,
        matrix=found["matrix"][1] if "matrix" in found else None,
        inherits=_list(reader, found["inherits"][1], f"{path}.inherits") if "inherits" in found else (),
    )


def _list(reader: Desk, node: Node, path: str) -> tuple[Placed, ...]:
    return tuple((text, item) for item in reader.items(node, path) if (text := reader.text(item, path)) is not None)


class _Maker:
    """Fills in one image's variables; remembers whether anything was wrong."""

    def __init__(self, reader: Desk, path: str, fields: Fields, values: Mapping[str, str]) -> None:
        self.reader = reader
        self.path = path
        self.fields = fields
        self.values = values

    def fill(self, placed: Placed, name: str) -> str:
        text, node = placed
        try:
            return substitute(text, self.values)
        except Undeclared as error:
            self.reader.wrong(node, f"{self.path}.{name}: {error.what}", error.hint or self.reader.undeclared)
            return ""

    def text(self, name: str, default: str = "") -> str:
        placed = (self.fields.texts or {}).get(name)
        return default if placed is None else self.fill(placed, name)

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(self.fill(placed, name) for placed in (self.fields.lists or {}).get(name, ()))

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        entries = (self.fields.mappings or {}).get(name, {})
        return tuple((key, self.fill(placed, f"{name}.{key}")) for key, placed in entries.items())

    def wrong(self, name: str, key: Node, what: str, hint: str = "") -> None:
        placed = (self.fields.texts or {}).get(name) or next(iter((self.fields.lists or {}).get(name, ())), None)
        self.reader.wrong(placed[1] if placed else key, f"{self.path}.{name}: {what}", hint)


def image_of(
    reader: Desk, entry: str, key: Node, fields: Fields, values: Mapping[str, str], path: str = ""
) -> Image | None:
    """The image of one entry for one combination of axes; None (and a mistake) where it has no usable name.

    `path` names the entry in mistakes.
    """
    path = path or f"images.{entry}"
    maker = _Maker(reader, path, fields, values)
    name = maker.text("name", entry)
    if not NAME.fullmatch(name) or ".." in name or name.endswith("/"):
        reader.wrong(key, f'{path}: "{name}" is no name for an image', "use letters, digits, . _ - and /")
        return None
    context = _path(maker, "context", key, maker.text("context", "."))
    dockerfile = _path(maker, "dockerfile", key, posixpath.join(context, maker.text("dockerfile", "Dockerfile")))
    return Image(
        name=ImageName(name),
        span=reader.span(key),
        context=context,
        dockerfile=dockerfile,
        target=maker.text("target"),
        args=maker.pairs("args"),
        contexts=maker.pairs("contexts"),
        tags=_tags(maker, ImageName(name)),
        platforms=_platforms(maker, key),
        labels=maker.pairs("labels"),
        secrets=maker.texts("secrets"),
        ssh=maker.texts("ssh"),
        network=_network(maker, key),
        declared_kind=_kind(maker, key),
    )


def _path(maker: _Maker, name: str, key: Node, text: str) -> str:
    if "://" in text or text.startswith("git@"):
        maker.wrong(name, key, "is a remote context; the planner reads local ones", "use a folder of the workspace")
        return "."
    normal = posixpath.normpath(text)
    if normal == ".." or normal.startswith(("/", "../")):
        maker.wrong(name, key, f'"{text}" leads out of the workspace', "give a path below the graph file's folder")
        return "."
    return normal


def _tags(maker: _Maker, image: ImageName) -> tuple[str, ...]:
    """The published names that are some; one that is none is left open, so that a graph can still be looked at."""
    found = []
    for placed in (maker.fields.lists or {}).get("tags", ()):
        text = maker.fill(placed, "tags")
        try:
            Published.parse(text)
        except ValueError as error:
            span = maker.reader.span(placed[1])
            hint = "a name is [REGISTRY/]REPOSITORY[:TAG]"
            if text.startswith("<") and text.endswith(">"):
                hint = "take < > off if this image makes it, or take this line out: planner init could not tell"
            doubt = Doubt(image=image, role=TAGS, reference=text, reason=str(error), hint=hint, span=span)
            maker.reader.doubts.append(doubt)
        else:
            found.append(text)
    return tuple(found)


def _platforms(maker: _Maker, key: Node) -> tuple[str, ...]:
    found: list[str] = []
    for text in maker.texts("platforms"):
        try:
            found.append(str(Platform.parse(text)))
        except ValueError as error:
            maker.wrong("platforms", key, str(error))
    return tuple(sorted(set(found))) or (DEFAULT_PLATFORM,)


def _network(maker: _Maker, key: Node) -> str:
    text = maker.text("network")
    if text and text not in NETWORKS:
        maker.wrong(
            "network",
            key,
            f'"{text}" is no network',
            one_of(text, NETWORKS) or f"one of {', '.join(NETWORKS)}",
        )
    return "" if text == "default" else text


def _kind(maker: _Maker, key: Node) -> Kind | None:
    text = maker.text("kind")
    kinds = [kind.value for kind in Kind]
    if text and text not in kinds:
        maker.wrong("kind", key, f'"{text}" is no kind', one_of(text, kinds) or f"one of {', '.join(kinds)}")
        return None
    return Kind(text) if text else None
