"""A family described in no language, and writers that put it into each; add a writer to WRITERS for another door.

Texts are templates: `${axis}` is the value of an axis of the image's own matrix, `$$` a dollar, as images.yaml has it.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.sources.doors.bake import written
from tests.sources.doors.compose.written import compose

REGISTRY = "registry.example/family"
FILE = "written"
_PLACE = re.compile(r"\$(?:\$|\{(\w+)\})")


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One entry: an image, or with `matrix` an image for each combination but those that `exclude` covers.

    `dockerfile` is relative to `context`; `contexts` are folders, `target:NAME`, `docker-image://…` and `github.com/…`.
    """

    name: str
    context: str = "."
    dockerfile: str = "Dockerfile"
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    network: str = ""
    matrix: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: tuple[Mapping[str, str], ...] = ()

    def given(self) -> dict[str, Any]:
        """The fields that are not empty, without name and matrix."""
        names = ("context", "dockerfile", "target", "args", "contexts", "labels", "tags", "platforms")
        found = {name: getattr(self, name) for name in (*names, "secrets", "ssh", "network")}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in found.items()
            if value and (name, value) not in (("context", "."), ("dockerfile", "Dockerfile"))
        }

    def combinations(self) -> list[dict[str, str]]:
        """The values of the axes, for each image."""
        made = [dict(zip(self.matrix, values, strict=True)) for values in itertools.product(*self.matrix.values())]
        return [one for one in made if not any(entry.items() <= one.items() for entry in self.exclude)]


Described = tuple[Declared, ...]
Files = dict[str, str]


def filled(template: str, axes: Mapping[str, str]) -> str:
    """What a text says for one combination."""
    return _PLACE.sub(lambda match: axes[match[1]] if match[1] else "$", template)


def published(family: Described) -> dict[str, str]:
    """What each image is published as by its name alone, for doors that know no `registry`."""
    return {
        name: f"{REGISTRY}/{name}" for one in family for axes in one.combinations() for name in [filled(one.name, axes)]
    }


def yaml(family: Described) -> Files:
    """As images.yaml; JSON is YAML."""
    images = {}
    for number, one in enumerate(family):
        fields = {**one.given(), "name": one.name}
        if one.matrix:
            fields["matrix"] = {name: list(values) for name, values in one.matrix.items()}
            if one.exclude:
                fields["matrix"]["exclude"] = [dict(entry) for entry in one.exclude]
        images[f"entry{number}"] = fields
    document = {"version": 1, "registry": REGISTRY, "images": images}
    return {"images.yaml": json.dumps(document, ensure_ascii=False)}


def starlark(family: Described) -> Files:
    """As images.star with image and image_family."""
    lines = [f"family(registry = {_text(REGISTRY)})"]
    for one in family:
        if one.matrix:
            matrix = _value(one.matrix, _text)
            exclude = f", exclude = {_value(list(one.exclude), _text)}" if one.exclude else ""
            lines.append(f"image_family(name = {_text(one.name)}, matrix = {matrix}{exclude}{_arguments(one, _text)})")
        else:
            lines.append(f"image(name = {_literal(one.name)}{_arguments(one, _literal)})")
    return {"images.star": "\n".join(lines) + "\n"}


def starlark_macros(family: Described) -> Files:
    """As images.star with a loaded macro for each entry, called in a comprehension."""
    calls, macros = [f"family(registry = {_text(REGISTRY)})"], []
    for number, one in enumerate(family):
        axes = list(one.matrix)
        body = f"image(name = {_expression(one.name)}{_arguments(one, _expression)})"
        macros.append(f"def entry{number}({', '.join(axes)}):\n    {body}\n")
        calls.insert(0, f'load("//tools:entries.star", "entry{number}")')
        loops = "".join(f" for {axis} in {_value(list(one.matrix[axis]), _text)}" for axis in axes)
        given = "{" + ", ".join(f"{_text(axis)}: {axis}" for axis in axes) + "}"
        unless = f" if {given} not in {_value(_excluded(one), _text)}" if one.exclude else ""
        calls.append(f"[entry{number}({', '.join(axes)}){loops}{unless}]" if axes else f"entry{number}()")
    return {"images.star": "\n".join(calls) + "\n", "tools/entries.star": "\n".join(macros) or "none = None\n"}


def _excluded(one: Declared) -> list[dict[str, str]]:
    made = [dict(zip(one.matrix, values, strict=True)) for values in itertools.product(*one.matrix.values())]
    return [axes for axes in made if axes not in one.combinations()]


def _arguments(one: Declared, write: Callable[[str], str]) -> str:
    return "".join(f", {name} = {_value(value, write)}" for name, value in one.given().items())


def _value(value: Any, write: Callable[[str], str]) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)}: {_value(item, write)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item, write) for item in value) + "]"
    return write(value)


def _text(text: str) -> str:
    """A text of Starlark."""
    escaped = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escaped.get(letter, letter) for letter in text) + '"'


def _literal(template: str) -> str:
    return _text(filled(template, {}))


def _expression(template: str) -> str:
    parts, at = [], 0
    for match in _PLACE.finditer(template):
        parts += [_text(template[at : match.start()]), match[1] or _text("$")]
        at = match.end()
    return " + ".join([*parts, _text(template[at:])])


WRITERS: dict[str, Callable[[Described], Files]] = {
    "starlark": starlark,
    "starlark macros": starlark_macros,
    "bake": lambda family: written.hcl(family, REGISTRY),
    "bake with templates that are inherited": lambda family: written.inheriting(family, REGISTRY),
    "bake in JSON": lambda family: written.as_json(family, REGISTRY),
    "compose": lambda family: compose(family, REGISTRY, filled),
}
"""Every form beside YAML; each gives the files of its definition, the first being the one that is named."""

TEXTS = st.text(st.sampled_from("ab -_\"'\\/ü${}#:,%\t"), max_size=6).map(lambda text: text.replace("$", "$$"))
_AXES = st.dictionaries(
    st.sampled_from(["one", "two"]),
    st.lists(st.sampled_from(["1", "2", "010", "x"]), min_size=1, max_size=3, unique=True).map(tuple),
    max_size=2,
)


@st.composite
def families(draw: st.DrawFn) -> tuple[Described, Files]:
    """A family with the files that it needs: each image may read those before it, in all ways there are."""
    family: list[Declared] = []
    files: Files = {"shared/f": "shared\n", "a/f": "a\n"}
    before: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        matrix = draw(_AXES)
        exclude = _some_excluded(draw, matrix)
        context = draw(st.sampled_from([".", "a", "b"]))
        name = "".join([f"i{number}", *(f"-{axis}${{{axis}}}" for axis in matrix)])
        contexts = {}
        if draw(st.booleans()):
            contexts["files"] = "shared"
        if before and draw(st.booleans()):
            contexts["up"] = f"target:{draw(st.sampled_from(before))}"
        elif draw(st.booleans()):
            contexts["up"] = "docker-image://alpine:3.20"
        if draw(st.integers(0, 4)) == 0:
            contexts["away"] = "github.com/acme/x#main"
        axes = [f"${{{axis}}}" for axis in matrix]
        parent = draw(st.sampled_from(["scratch", "alpine", *(f"{REGISTRY}/{one}" for one in before)]))
        one = Declared(
            name=name,
            context=context,
            dockerfile=f"i{number}.Dockerfile",
            target=draw(st.sampled_from(["", "first", "last"])),
            args=draw(st.dictionaries(st.sampled_from(["A", "B", "C"]), st.sampled_from(axes) if axes else TEXTS)),
            contexts=contexts,
            labels=draw(st.dictionaries(st.sampled_from(["l", "m.n"]), TEXTS, max_size=2)),
            tags=tuple(f"r.example/i{number}:{at}{''.join(axes)}" for at in range(draw(st.integers(0, 2)))),
            platforms=draw(st.sampled_from([(), ("linux/arm64",), ("linux/amd64", "linux/arm64")])),
            secrets=draw(st.sampled_from([(), ("id=s",)])),
            ssh=draw(st.sampled_from([(), ("default",)])),
            network=draw(st.sampled_from(["", "none", "host"])),
            matrix=matrix,
            exclude=exclude,
        )
        head = "" if context == "." else f"{context}/"
        files[f"{head}{one.dockerfile}"] = _dockerfile(parent, contexts)
        files[f"{head}f"] = "f\n"
        family.append(one)
        before += [filled(name, axes) for axes in one.combinations()]
    return tuple(family), files


def _some_excluded(draw: st.DrawFn, matrix: Mapping[str, tuple[str, ...]]) -> tuple[Mapping[str, str], ...]:
    if not matrix or not draw(st.booleans()):
        return ()
    axis = draw(st.sampled_from(sorted(matrix)))
    return ({axis: matrix[axis][0]},)


def _dockerfile(parent: str, contexts: Mapping[str, str]) -> str:
    lines = [f"FROM {parent} AS first", "ARG A", "ARG B=b", "COPY f /", "RUN echo $A $B"]
    lines += ["FROM first AS last", "ARG C", "RUN --mount=type=secret,id=s echo $C"]
    lines += [f"COPY --from={name} / /{name}" for name in contexts]
    return "\n".join(lines) + "\n"
