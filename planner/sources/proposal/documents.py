"""Turns Compose files, Bake's JSON and workflows of GitHub into builds. Reads what is written, evaluates nothing."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

import yaml

from planner.errors import DefinitionError
from planner.model.image import Span
from planner.sources.proposal import command_lines
from planner.sources.proposal.builds import Build, made, with_defaults
from planner.sources.yaml_nodes import Node, compose

Found = Build | tuple[Span, str]
BUILD_ACTION = "docker/build-push-action"


def compose_file(data: bytes, file: str) -> Iterator[Found]:
    """The `build:` sections of a Compose file."""
    folder = posixpath.dirname(file)
    for name, node in _fields(_field(_root(data, file), "services")):
        build = _field(node, "build")
        if build is None:
            continue
        image = _text(_field(node, "image"))
        tags = [image] if image else []
        if isinstance(build, yaml.ScalarNode):
            yield from _one(made(_span(build, file), folder, name=name, context=build.value, tags=tuple(tags)))
            continue
        if _field(build, "dockerfile_inline") is not None:
            yield _span(build, file), f"service {name} has its Dockerfile inside the Compose file, which is not read"
            continue
        yield from _one(
            made(
                _span(build, file),
                folder,
                name=name,
                context=with_defaults(_text(_field(build, "context")) or "."),
                dockerfile=with_defaults(_text(_field(build, "dockerfile"))),
                target=with_defaults(_text(_field(build, "target"))),
                args=tuple((key, with_defaults(value)) for key, value in _pairs(_field(build, "args"))),
                tags=tuple(map(with_defaults, [*tags, *_texts(_field(build, "tags"))])),
            )
        )


def bake_json(data: bytes, file: str, exists: Callable[[str], bool]) -> Iterator[Found]:
    """The targets of a Bake file in JSON, which is YAML; `inherits` and variables are left to whoever runs Bake.

    Bake's paths are relative to where it is started: the workspace, or else the folder of its file.
    """
    targets = dict(_fields(_field(_root(data, file), "target")))
    for name, node in targets.items():
        target = next(iter(_items(node)), node)
        if _field(target, "inherits") is not None or _field(target, "matrix") is not None:
            yield _span(target, file), f"target {name} has inherits or matrix, which init does not unfold"
            continue
        places = [_baked(target, file, name, folder) for folder in (".", posixpath.dirname(file))]
        there = [build for build in places if build is not None and exists(build.dockerfile)]
        if there:
            yield there[0]
        else:
            yield _span(target, file), f"target {name} names no Dockerfile of the workspace"


def _baked(target: Node, file: str, name: str, folder: str) -> Build | None:
    return made(
        _span(target, file),
        folder,
        name=name,
        context=_text(_field(target, "context")) or ".",
        dockerfile=_text(_field(target, "dockerfile")),
        target=_text(_field(target, "target")),
        args=_pairs(_field(target, "args")),
        tags=tuple(_texts(_field(target, "tags"))),
    )


def workflow(data: bytes, file: str) -> Iterator[Found]:
    """The steps of a workflow that build: the action of Docker, and lines of `run:`, both in the workspace's root."""
    for _, job in _fields(_field(_root(data, file), "jobs")):
        for step in _items(_field(job, "steps")):
            run = _field(step, "run")
            if isinstance(run, yaml.ScalarNode):
                folder = _text(_field(step, "working-directory")) or "."
                first = run.start_mark.line + (2 if run.style in ("|", ">") else 1)
                yield from command_lines.builds(run.value, file, folder, first)
            if _text(_field(step, "uses")).startswith(f"{BUILD_ACTION}@"):
                yield from _action(step, file)


def _action(step: Node, file: str) -> Iterator[Found]:
    given = _field(step, "with")
    context = _text(_field(given, "context"))
    if not context:
        yield _span(step, file), "builds from git, not from files beside it (no context: is given)"
        return
    pairs = [line.partition("=") for line in _text(_field(given, "build-args")).split("\n")]
    yield from _one(
        made(
            _span(step, file),
            ".",
            context=context,
            dockerfile=_text(_field(given, "file")),
            target=_text(_field(given, "target")),
            args=tuple((name.strip(), value.strip()) for name, equals, value in pairs if equals),
            tags=tuple(
                tag.strip() for tag in _text(_field(given, "tags")).replace(",", "\n").split("\n") if tag.strip()
            ),
            beside_context=False,
        )
    )


def _one(build: Build | None) -> Iterator[Found]:
    if build is not None:
        yield build


def _root(data: bytes, file: str) -> Node | None:
    """The document's root. Raises DefinitionError where it is no YAML, or too much."""
    return compose(data, file)[1]


def unreadable(error: DefinitionError) -> str:
    """Why a document was left out, in one line."""
    return error.mistakes[0].what


def _span(node: Node | None, file: str) -> Span:
    return Span(file=file, line=node.start_mark.line + 1 if node is not None else 1)


def _fields(node: Node | None) -> list[tuple[str, Node]]:
    if not isinstance(node, yaml.MappingNode):
        return []
    merged = [pair for key, value in node.value if key.value == "<<" for pair in _merged(value)]
    return [*merged, *((key.value, value) for key, value in node.value if isinstance(key, yaml.ScalarNode))]


def _merged(node: Node) -> list[tuple[str, Node]]:
    """The fields that a merge key takes over. Aliases may go round, so what is merged merges nothing itself."""
    sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return [
        (key.value, value)
        for source in reversed(sources)
        if isinstance(source, yaml.MappingNode)
        for key, value in source.value
        if isinstance(key, yaml.ScalarNode)
    ]


def _field(node: Node | None, name: str) -> Node | None:
    return next((value for key, value in reversed(_fields(node)) if key == name), None)


def _items(node: Node | None) -> list[Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _text(node: Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _texts(node: Node | None) -> list[str]:
    return [_text(item) for item in _items(node)]


def _pairs(node: Node | None) -> tuple[tuple[str, str], ...]:
    """Arguments as a mapping or as a list of `NAME=VALUE`; those without a value come from the environment."""
    if isinstance(node, yaml.SequenceNode):
        split = [text.partition("=") for text in _texts(node)]
        return tuple((name, value) for name, equals, value in split if equals)
    return tuple((key, _text(value)) for key, value in _fields(node) if _text(value))
