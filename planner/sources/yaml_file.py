"""Turns `images.yaml` into a Family: fields checked, variables filled in, matrices and inheritance unfolded."""

from __future__ import annotations

from collections.abc import Mapping

from planner.errors import DefinitionError, one_of
from planner.model.image import Family, Image, ImageName, Kind, KindDefaults, Pairs
from planner.sources.image_fields import IMAGE_FIELDS, Fields, image_of, read_fields
from planner.sources.matrix import combinations
from planner.sources.variables import Undeclared, substitute
from planner.sources.yaml_nodes import MappingNode, Node, Reader, compose

TOP = ("version", "registry", "keys", "variables", "defaults", "kinds", "images")
ALGORITHMS = ("xxh3_128", "sha256")
DEFAULT_FIELDS = tuple(name for name in IMAGE_FIELDS if name not in {"name", "matrix", "inherits"})


def read(data: bytes, file: str, environment: Mapping[str, str], overrides: Mapping[str, str]) -> Family:
    """Read a graph file. A variable's value is that of `overrides`, else `environment`, else the file.

    Raises DefinitionError with all mistakes of the file.
    """
    reader, root = compose(data, file)
    top = reader.fields(root, file, TOP)
    if not isinstance(root, MappingNode):
        raise DefinitionError(reader.mistakes)
    _version(reader, root, top)
    variables = _variables(reader, top, environment, overrides)
    defaults = Fields()
    if "defaults" in top:
        defaults = read_fields(reader, top["defaults"][1], "defaults", DEFAULT_FIELDS)
    images = tuple(_images(reader, top, defaults, variables))
    family = Family(
        file=file,
        images=images,
        doubts=tuple(dict.fromkeys(reader.doubts)),
        registry=_registry(reader, top, variables),
        algorithm=_algorithm(reader, top),
        kinds=tuple(_kinds(reader, top)),
    )
    if reader.mistakes:
        raise DefinitionError(sorted(set(reader.mistakes), key=lambda mistake: (mistake.line, mistake.column)))
    return family


Top = Mapping[str, tuple[Node, Node]]


def _version(reader: Reader, root: Node, top: Top) -> None:
    if "version" not in top:
        reader.wrong(root, 'the field "version" is missing', "begin with version: 1")
    elif reader.text(top["version"][1], "version") != "1":
        reader.wrong(top["version"][1], "version: this planner reads version 1 only")
    if "images" not in top:
        reader.wrong(root, 'the field "images" is missing')


def _variables(
    reader: Reader, top: Top, environment: Mapping[str, str], overrides: Mapping[str, str]
) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, (_, node) in (reader.fields(top["variables"][1], "variables") if "variables" in top else {}).items():
        text = reader.text(node, f"variables.{name}")
        values[name] = overrides.get(name, environment.get(name, text or ""))
    return values


def _registry(reader: Reader, top: Top, variables: Mapping[str, str]) -> str:
    if "registry" not in top:
        return ""
    node = top["registry"][1]
    text = reader.text(node, "registry") or ""
    try:
        return substitute(text, variables).rstrip("/")
    except Undeclared as error:
        reader.wrong(node, f"registry: {error.what}", error.hint or reader.undeclared)
        return ""


def _algorithm(reader: Reader, top: Top) -> str:
    if "keys" not in top:
        return ALGORITHMS[0]
    fields = reader.fields(top["keys"][1], "keys", ("algorithm",))
    if "algorithm" not in fields:
        return ALGORITHMS[0]
    text = reader.text(fields["algorithm"][1], "keys.algorithm")
    if text not in ALGORITHMS:
        reader.wrong(fields["algorithm"][1], f"keys.algorithm: is one of {', '.join(ALGORITHMS)}")
        return ALGORITHMS[0]
    return text


def _kinds(reader: Reader, top: Top) -> list[tuple[str, KindDefaults]]:
    found: list[tuple[str, KindDefaults]] = []
    if "kinds" not in top:
        return found
    for name, (_, node) in reader.fields(top["kinds"][1], "kinds", [kind.value for kind in Kind]).items():
        fields = reader.fields(node, f"kinds.{name}", ("runner", "cache", "resources"))
        texts = {
            key: reader.text(fields[key][1], f"kinds.{name}.{key}") or ""
            for key in ("runner", "cache")
            if key in fields
        }
        resources: Pairs = ()
        if "resources" in fields:
            entries = reader.fields(fields["resources"][1], f"kinds.{name}.resources")
            resources = tuple(
                (key, reader.text(value, f"kinds.{name}.resources.{key}") or "") for key, (_, value) in entries.items()
            )
        kind = KindDefaults(runner=texts.get("runner", ""), cache=texts.get("cache", ""), resources=resources)
        found.append((name, kind))
    return found


def _images(reader: Reader, top: Top, defaults: Fields, variables: Mapping[str, str]) -> list[Image]:
    if "images" not in top:
        return []
    entries = reader.fields(top["images"][1], "images")
    read_in = {name: read_fields(reader, node, f"images.{name}", IMAGE_FIELDS) for name, (_, node) in entries.items()}
    images: list[Image] = []
    first: dict[ImageName, str] = {}
    for name, (key, _) in entries.items():
        fields = _inherited(reader, name, read_in, ()).over(defaults)
        for axes in combinations(reader, fields, f"images.{name}"):
            image = image_of(reader, name, key, fields, {**variables, **axes})
            if image is None:
                continue
            if image.name in first:
                hint = "give the matrix a name that holds every axis: name: x${axis}"
                reader.wrong(key, f'images.{name}: a second image is named "{image.name}"', hint)
            else:
                first[image.name] = name
                images.append(image)
    return images


def _inherited(reader: Reader, name: str, entries: Mapping[str, Fields], path: tuple[str, ...]) -> Fields:
    """An image's fields over those that it inherits, later names over earlier ones (as Bake)."""
    fields = entries[name]
    below = Fields()
    for parent, node in fields.inherits:
        if parent in (*path, name):
            cycle = " → ".join([*path, name, parent])
            reader.wrong(node, f"images.{name}.inherits: goes round in a cycle, {cycle}")
        elif parent not in entries:
            hint = one_of(parent, list(entries))
            reader.wrong(node, f'images.{name}.inherits: no image named "{parent}"', hint)
        else:
            below = _inherited(reader, parent, entries, (*path, name)).over(below)
    return fields.over(below)
