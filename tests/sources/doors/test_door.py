"""Which file defines a family."""

from planner.sources.doors.door import Definition, Door, found, named
from tests.memory import MemoryTree


def test_images_yaml_is_found_by_its_name() -> None:
    assert found(MemoryTree({"images.yaml": ""})) == Definition(door=Door.YAML, files=("images.yaml",))


def test_nothing_is_found_where_no_door_has_a_file() -> None:
    assert found(MemoryTree({"Dockerfile": "", "docker/images.yaml": ""})) is None


def test_a_named_file_is_read_as_its_name_says() -> None:
    assert named(["family.yaml"]).door is Door.YAML


def test_images_star_comes_after_images_yaml() -> None:
    star = {"images.star": ""}
    assert found(MemoryTree(star)) == Definition(door=Door.STARLARK, files=("images.star",))
    assert found(MemoryTree({**star, "images.yaml": ""})) == Definition(door=Door.YAML, files=("images.yaml",))
    assert named(["tools/family.star"]).door is Door.STARLARK
