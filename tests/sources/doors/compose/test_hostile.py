"""Compose files that want too much: one error each, with its place, and soon."""

from __future__ import annotations

import itertools

import pytest

from planner.errors import DefinitionError
from planner.sources.doors.compose import project
from tests.memory import MemoryTree

BOMB = "x-a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"x-{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
APP = "services: {app: {build: .}}\n"


def said(files: dict[str, str], **environment: str) -> str:
    with pytest.raises(DefinitionError) as caught:
        project.read(["compose.yaml"], MemoryTree(files), environment)
    assert len(caught.value.mistakes) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB + APP, "unfolds into more than"),
        ("x: " + "[" * 5000 + "]" * 5000, "nested more than"),
        ("services:\n" + "".join(f"{' ' * depth}a:\n" for depth in range(1, 200)), "nested more than"),
        ("services: &s {app: *s}", "unfolds"),
        ("services: {app: {build: .}", "is no YAML"),
        ("services: \x00", "is no YAML"),
        ("services: [a]", "must be a mapping"),
        ("[]", "must be a mapping"),
        ("services: {app: {build: {target: '" + "${B:-" * 45 + "}" * 45 + "'}}}", "within variables"),
        ("services: {app: {build: {target: '${'}}}", "begins no variable"),
        ("include: [../other/compose.yaml]\n" + APP, "out of the workspace"),
        ("include: [/etc/compose.yaml]\n" + APP, "out of the workspace"),
        ("include: ['https://example.com/compose.yaml']\n" + APP, "remote file"),
        ("include: ['oci://registry/x']\n" + APP, "remote file"),
        ("include: ['git@github.com:a/b.git']\n" + APP, "remote file"),
        ("services: {app: {build: ., extends: {file: ../x.yaml, service: a}}}", "out of the workspace"),
        ("services: {app: {build: ., extends: {file: 'https://x/y', service: a}}}", "remote file"),
        ("services: {app: {image: x, extends: {file: loop.yaml, service: a}}}", "is not there"),
        ("services: {app: {image: x, extends: {file: out.yaml, service: a}}}", "is not there"),
        ("services: {app: {image: x, extends: {file: folder, service: a}}}", "is not there"),
        ("services: {app: {<<: 3, build: .}}", "takes a mapping"),
    ],
)
def test_is_refused_with_its_place(text: str, message: str) -> None:
    files = {"compose.yaml": text, "loop.yaml": "->loop2.yaml", "loop2.yaml": "->loop.yaml", "out.yaml": "->../x.yaml"}
    found = said({**files, "folder/x": ""})
    assert message in found
    assert found.startswith("compose.yaml")


def test_a_cycle_is_told_with_its_path() -> None:
    found = said({"compose.yaml": "services:\n  a: {image: x, extends: b}\n  b: {image: x, extends: a}\n"})
    assert "a in compose.yaml → b in compose.yaml → a in compose.yaml" in found
    found = said({"compose.yaml": "include: [a/compose.yaml]\n", "a/compose.yaml": "include: [../compose.yaml]\n"})
    assert "compose.yaml → a/compose.yaml → compose.yaml" in found
    assert found.startswith("a/compose.yaml:1:11")


def test_files_that_name_each_other_without_end_are_counted() -> None:
    deep = {f"{at}.yaml": f"include: [{at + 1}.yaml]" for at in range(100)}
    assert "cycle" in said({"compose.yaml": "include: [0.yaml]", **deep, "100.yaml": APP})
    wide = {f"{at}.yaml": f"include: [{', '.join([f'{at + 1}.yaml'] * 9)}]" for at in range(9)}
    assert "names more than 500 files" in said({"compose.yaml": "include: [0.yaml]", **wide, "9.yaml": APP})


def test_variables_that_double_are_stopped() -> None:
    names = [f"A{at}" for at in range(40)]
    env = "A0=xxxxxxxxxxxxxxxx\n" + "".join(
        f"{name}=${before}${before}\n" for before, name in itertools.pairwise(names)
    )
    assert "longer than" in said({"compose.yaml": APP, ".env": env})


def test_many_variables_take_no_time_of_their_square() -> None:
    text = "${A:-}" * 150_000
    project.read(
        ["compose.yaml"], MemoryTree({"compose.yaml": f"services: {{app: {{build: {{target: '{text}'}}}}}}"}), {}
    )
