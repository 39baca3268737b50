"""Which targets of Bake are images, and what of them counts."""

from __future__ import annotations

import pytest

from planner.digest.key import keys_of
from planner.errors import DefinitionError
from planner.model.image import Family
from planner.sources.doors.door import Asked, Door, found, named
from planner.sources.doors.read import read
from planner.sources.load import load
from tests.memory import MemoryTree

DOCKERFILE = "FROM scratch\nCOPY a.txt /\n"


def tree(bake: str, **more: str) -> MemoryTree:
    files = {name.replace("__", "."): text for name, text in more.items()}
    return MemoryTree({"docker-bake.hcl": bake, "Dockerfile": DOCKERFILE, "a.txt": "a", **files})


def family(bake: str | MemoryTree, *sets: str, said: list[str] | None = None, **environment: str) -> Family:
    at = tree(bake) if isinstance(bake, str) else bake
    definition = found(at, environment)
    assert definition is not None
    say = (said if said is not None else []).append
    return read(definition, at, Asked(environment=environment, sets=sets, say=say))


def names(bake: str | MemoryTree, *sets: str) -> list[str]:
    return [image.name for image in family(bake, *sets).images]


def refused(bake: str, *sets: str, **environment: str) -> str:
    with pytest.raises(DefinitionError) as error:
        family(bake, *sets, **environment)
    return str(error.value)


def test_the_targets_of_all_groups_are_images_and_what_they_link_to() -> None:
    bake = """
group "default" { targets = ["app"] }
group "more" { targets = ["m"] }
target "template" {}
target "app" {
  inherits = ["template"]
  contexts = { base = "target:base" }
}
target "base" {}
target "alone" {}
target "m" {
  name = "m-${v}"
  matrix = { v = ["1", "2"] }
}
"""
    assert names(bake) == ["app", "m-1", "m-2", "base"]


def test_without_a_group_all_targets_that_nobody_inherits_are_images() -> None:
    bake = """
target "template" {}
target "app" { inherits = ["template"] }
target "other" {}
target "m" {
  name = "m-${v}"
  matrix = { v = ["1", "2"] }
}
"""
    assert names(bake) == ["app", "other", "m-1", "m-2"]


def test_a_group_may_name_what_is_not_there() -> None:
    said: list[str] = []
    bake = 'target "app" {}\ngroup "default" { targets = ["app", "nobody"] }\n'
    assert [image.name for image in family(bake, said=said).images] == ["app"]
    assert said == [
        'docker-bake.hcl: a group names "nobody", and there is no such target: Bake refuses to build that group'
    ]


def test_a_target_that_makes_no_image_is_left_out_aloud() -> None:
    said: list[str] = []
    bake = 'target "app" {}\ntarget "lint" { call = "check" }\n'
    assert [image.name for image in family(bake, said=said).images] == ["app"]
    assert said == ["docker-bake.hcl:2: target lint calls check, which makes no image: it is left out"]


def test_everything_that_changes_a_build_is_carried() -> None:
    (image,) = family("""
target "app" {
  context = "cwd://sub"
  dockerfile = "../Dockerfile"
  target = "t"
  args = { A = "1" }
  contexts = { x = "docker-image://alpine:3", y = "./sub/../other", z = "github.com/a/b" }
  tags = ["r/app"]
  platforms = ["linux/arm64,local"]
  labels = { L = "l" }
  secret = ["id=s,env=HOME", { id = "f", src = "a,b" }]
  ssh = ["default", "k=/x,/y"]
  network = "host"
  extra-hosts = { h = "10.0.0.1" }
  shm-size = "1g"
  ulimits = ["nofile=1024", "nproc=1:2"]
  resources = { memory = "1g" }
  entitlements = ["security.insecure"]
  annotations = ["a=b"]
  no-cache = true
  pull = true
  no-cache-filter = ["x", "y"]
}
""").images
    assert (image.context, image.dockerfile, image.target) == ("sub", "Dockerfile", "t")
    assert image.contexts == (("x", "docker-image://alpine:3"), ("y", "other"), ("z", "github.com/a/b"))
    assert image.platforms == ("linux/amd64", "linux/arm64")
    assert image.secrets == ("id=s,env=HOME", 'id=f,"src=a,b"')
    assert image.ssh == ("default", "k=/x,/y")
    assert image.network == "host"
    assert image.options == (
        ("add-host", "h:10.0.0.1"),
        ("shm-size", "1073741824"),
        ("ulimit", "nofile=1024:1024"),
        ("ulimit", "nproc=1:2"),
        ("resource", "memory=1g"),
        ("allow", "security.insecure"),
        ("annotation", "a=b"),
        ("no-cache", "true"),
        ("pull", "true"),
        ("no-cache-filter", "x,y"),
    )


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ('context = "https://github.com/a/b.git"', "is a remote context"),
        ('context = "../x"', "leads out of the workspace"),
        ('dockerfile = "/etc/passwd"', "leads out of the workspace"),
        ('contexts = { x = "../.." }', "leads out of the workspace"),
        ('network = "bridge"', "is no network"),
        ('policy = ["filename=p.rego"]', "is not enforced"),
        ('platforms = ["x y"]', "is no platform"),
        ('shm-size = "much"', "is no size"),
        (r'args = { A = "x\u0000" }', "target.app.args: holds a NUL character"),
        (r'args = { "A\u0000" = "x" }', "target.app.args: holds a NUL character"),
        (r'labels = { a = "\u0000" }', "target.app.labels: holds a NUL character"),
        (r'target = "\u0000"', "target.app.target: holds a NUL character"),
        (r'secret = ["id=\u0000"]', "target.app.secrets: holds a NUL character"),
        (r'extra-hosts = { a = "\u0000" }', "target.app.options: holds a NUL character"),
        ("nobody = 1", "nobody is no attribute that Bake knows"),
        ("args { A = 1 }", "args is no attribute that Bake knows"),
    ],
)
def test_what_cannot_be_built_as_it_is_written_is_a_mistake_with_its_place(setting: str, what: str) -> None:
    text = refused(f'target "app" {{\n  {setting}\n}}\n')
    assert what in text
    assert text.startswith("docker-bake.hcl:")


def test_an_unknown_block_is_a_mistake() -> None:
    assert "stuff is no block that Bake knows" in refused('target "app" {}\nstuff "x" {}\n')


def test_all_mistakes_are_told_at_once() -> None:
    text = refused('target "a" { context = "../x" }\ntarget "b" { network = "bridge" }\n')
    assert text.count("docker-bake.hcl:") == 2
    text = refused('A = nobody\ntarget "b" { args = { X = other() } }\nvariable "V" { default = 1 / 0 }\n')
    assert "division by zero" in text


def test_a_mistake_shows_its_line() -> None:
    text = refused('target "a" {\n  args = { A = NOBODY }\n}\nvariable "NOBODIE" {}\n')
    assert text == (
        'docker-bake.hcl:2:16: there is no variable "NOBODY"\n'
        "      args = { A = NOBODY }\n"
        "                   ^\n"
        '  did you mean "NOBODIE"?'
    )


def test_names_that_several_targets_claim_are_nobodys() -> None:
    made = family('target "a" { tags = ["r/x", "r/a"] }\ntarget "b" { tags = ["r/x:latest"] }\n')
    assert [image.tags for image in made.images] == [("r/a",), ()]
    assert made.contested == (("r/x", ("a", "b")),)


def test_a_malformed_tag_is_left_open() -> None:
    made = family('target "a" { tags = ["Not A Name"] }\n')
    assert [doubt.reference for doubt in made.doubts] == ["Not A Name"]


def test_an_inline_dockerfile_is_read() -> None:
    at = tree('target "a" {\n  dockerfile-inline = <<EOT\nFROM scratch\nCOPY a.txt /\nEOT\n}\n')
    loaded = load(family(at), at)
    assert keys_of(loaded, at).keys["a"] == keys_of(load(family(tree('target "a" {}\n')), at), at).keys["a"]


def test_a_link_is_an_edge() -> None:
    at = MemoryTree(
        {
            "docker-bake.hcl": 'target "a" {}\ntarget "b" {\n  contexts = { up = "target:a" }\n  dockerfile = "b"\n}\n',
            "Dockerfile": "FROM scratch\n",
            "b": "FROM up\n",
        }
    )
    assert load(family(at), at).graph.nodes["b"].parents == ("a",)


def test_overrides_and_variables_of_the_command_line() -> None:
    bake = 'variable "V" { default = "1" }\ntarget "app" { args = { V = V } }\n'
    assert family(bake).images[0].args == (("V", "1"),)
    assert family(bake, "*.args.X=2", V="env").images[0].args == (("V", "env"), ("X", "2"))
    assert "no target matches z*" in refused(bake, "z*.target=x")


def test_other_files_by_the_variable_of_bake() -> None:
    at = MemoryTree(
        {"docker-bake.hcl": 'target "no" {}\n', "x.hcl": 'target "a" {}\n', "y.json": '{"target": {"b": {}}}'}
    )
    definition = found(at, {"BUILDX_BAKE_FILE": "x.hcl:./y.json"})
    assert definition is not None
    assert definition.files == ("x.hcl", "y.json")
    made = read(definition, at, Asked(environment={}))
    assert [image.name for image in made.images] == ["a", "b"]


def test_the_variable_of_bake_may_name_compose_files_alone() -> None:
    at = MemoryTree({"c.yaml": "services: {app: {build: {context: app}}}"})
    definition = found(at, {"BUILDX_BAKE_FILE": "c.yaml"})
    assert definition is not None
    (image,) = read(definition, at, Asked(environment={})).images
    assert (image.name, image.context) == ("app", "app")


def test_compose_files_beside_bake_files_are_read_first() -> None:
    at = MemoryTree(
        {
            "compose.yaml": "services:\n  web: {build: {context: ./web, args: {A: '1', B: '1'}}, image: r/web}\n",
            "docker-bake.hcl": 'target "web" { args = { B = "2" } }\n',
        }
    )
    definition = found(at, {})
    assert definition is not None
    assert (definition.door, definition.files) == (Door.BAKE, ("compose.yaml", "docker-bake.hcl"))
    (image,) = read(definition, at, Asked(environment={})).images
    assert (image.context, image.args, image.tags) == ("web", (("A", "1"), ("B", "2")), ("r/web",))


def test_named_files_tell_the_door() -> None:
    assert named(["build/images.hcl"]).door is Door.BAKE
    assert named(["compose.yaml", "docker-bake.json"]).door is Door.BAKE


def test_a_time_that_moves_is_refused_unless_a_moment_is_given() -> None:
    bake = 'target "app" { labels = { at = timestamp() } }\n'
    assert "set PLANNER_NOW" in refused(bake)
    assert family(bake, PLANNER_NOW="2026-01-31T12:00:00Z").images[0].labels == (("at", "2026-01-31T12:00:00Z"),)
    variable = 'variable "AT" { default = timestamp() }\ntarget "app" { labels = { at = AT } }\n'
    assert "set PLANNER_NOW" in refused(variable)
    assert family(variable, AT="then").images[0].labels == (("at", "then"),)


def test_a_registry_for_what_has_no_field_for_it() -> None:
    assert family('target "a" {}\n', PLANNER_REGISTRY="r.example/x/").registry == "r.example/x"


def test_paths_relative_to_files_are_refused() -> None:
    assert "BUILDX_BAKE_FILE_RELATIVE_PATHS is set" in refused('target "a" {}\n', BUILDX_BAKE_FILE_RELATIVE_PATHS="1")


def test_no_escape_of_a_terminal_is_shown() -> None:
    assert "\x1b" not in refused('target "app" { network = "\\u001b[2J" }\n')
    assert "\x1b" not in refused("A = \x1b[2J\n") + refused('A = "\x1b[2J${nobody}"\ntarget "a" {}\n')
