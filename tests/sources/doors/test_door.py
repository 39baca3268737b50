"""Which file defines a family."""

from planner.sources.doors import door
from planner.sources.doors.door import Definition, Door, is_relative_to_start, named
from tests.memory import MemoryTree


def found(tree: MemoryTree, **environment: str) -> Definition | None:
    return door.found(tree, environment)


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


BUILT = "services: {app: {build: .}}"


def test_compose_files_are_found_by_their_names_after_images_yaml() -> None:
    names = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"]
    for at in range(len(names)):
        tree = MemoryTree(dict.fromkeys(names[at:], BUILT))
        assert found(tree) == Definition(door=Door.COMPOSE, files=(names[at],))
    assert found(MemoryTree({"images.yaml": "", "compose.yaml": BUILT})) == Definition(
        door=Door.YAML, files=("images.yaml",)
    )


def test_the_first_override_file_is_read_after_the_first_compose_file() -> None:
    tree = MemoryTree(
        {
            "docker-compose.yml": BUILT,
            "docker-compose.override.yml": "",
            "compose.override.yaml": "",
            "compose.yaml/x": "",
        }
    )
    assert found(tree) == Definition(door=Door.COMPOSE, files=("docker-compose.yml", "compose.override.yaml"))
    assert found(MemoryTree({"compose.override.yaml": BUILT})) is None


def test_a_compose_file_that_builds_nothing_defines_no_family() -> None:
    assert found(MemoryTree({"compose.yaml": "services: {db: {image: postgres}}"})) is None
    assert found(MemoryTree({"compose.yaml": "include: [build.yaml]"})) is not None


def test_compose_file_of_the_environment_names_files() -> None:
    tree = MemoryTree({"a.yaml": BUILT, "deploy/b.yaml": ""})
    expected = Definition(door=Door.COMPOSE, files=("a.yaml", "deploy/b.yaml"))
    assert found(tree, COMPOSE_FILE="a.yaml:./deploy/b.yaml") == expected
    assert found(tree, COMPOSE_FILE="a.yaml;deploy/b.yaml", COMPOSE_PATH_SEPARATOR=";") == expected
    tree.files[".env"] = "COMPOSE_FILE=a.yaml:deploy/b.yaml"
    assert found(tree) == expected


def test_named_compose_files_are_relative_to_the_start() -> None:
    assert named(["docker/compose.prod.yml"]) == Definition(door=Door.COMPOSE, files=("docker/compose.prod.yml",))
    assert is_relative_to_start("docker/docker-compose.yaml")
    assert not is_relative_to_start("docker/images.yaml")


def test_what_would_have_been_taken_is_passed_over() -> None:
    tree = MemoryTree({"images.yaml": "", "images.star": "", "docker-bake.hcl": "", "compose.yaml": BUILT})
    assert door.passed_over(tree, {}, Door.YAML) == ("images.star", "compose.yaml", "docker-bake.hcl")
    assert door.passed_over(tree, {}, Door.COMPOSE) == ()
