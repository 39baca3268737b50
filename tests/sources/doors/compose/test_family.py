"""Which images a Compose project makes, and what is refused because the planner cannot build it."""

from __future__ import annotations

import pytest

from planner.digest.key import keys_of
from planner.errors import DefinitionError
from planner.model.graph import ExternalImage, Unresolved
from planner.model.image import Family, Image, ImageName
from planner.sources.doors.compose import family as compose
from planner.sources.load import load
from planner.sources.loaded import LoadedFamily
from tests.memory import MemoryTree


def read(files: dict[str, str], *profiles: str, **environment: str) -> Family:
    return compose.read(["compose.yaml"], MemoryTree(files), environment, profiles=profiles)


def images(text: str, *profiles: str, **environment: str) -> dict[str, Image]:
    return {image.name: image for image in read({"compose.yaml": text}, *profiles, **environment).images}


def image(build: str, **environment: str) -> Image:
    return images(f"services:\n  app:\n    build: {build}\n", **environment)["app"]


def loaded(text: str, **files: str) -> LoadedFamily:
    tree = {"compose.yaml": text, **{name.replace("__", "."): content for name, content in files.items()}}
    return load(read(tree), MemoryTree(tree))


def refused(build: str) -> str:
    with pytest.raises(DefinitionError) as caught:
        image(build)
    return str(caught.value)


def test_a_service_with_a_build_is_an_image() -> None:
    found = images(
        """\
services:
  db: {image: postgres}
  web:
    image: acme/web
    build:
      context: web
      dockerfile: ../docker/web.Dockerfile
      target: prod
      args: {VERSION: "${VERSION:-1}", TOKEN: }
      additional_contexts: {lib: ./lib, base: "service:base", up: "docker-image://alpine"}
      tags: ["acme/web:1"]
      platforms: [linux/arm64, linux/amd64]
      labels: {a: b}
      secrets: [npm]
      ssh: [default, deploy=keys/id]
      network: host
  base: {build: base}
secrets: {npm: {file: ./npmrc}}
""",
        TOKEN="t",  # noqa: S106 -- no token
    )
    assert list(found) == ["web", "base"]
    web = found["web"]
    assert (web.context, web.dockerfile, web.target) == ("web", "docker/web.Dockerfile", "prod")
    assert web.args == (("VERSION", "1"), ("TOKEN", "t"))
    assert web.contexts == (("lib", "lib"), ("base", "target:base"), ("up", "docker-image://alpine"))
    assert web.tags == ("acme/web", "acme/web:1")
    assert web.platforms == ("linux/amd64", "linux/arm64")
    assert web.secrets == ("id=npm,type=file,src=npmrc",)
    assert web.ssh == ("default", "deploy=keys/id")
    assert (web.labels, web.network) == ((("a", "b"),), "host")
    assert (web.span.file, web.span.line) == ("compose.yaml", 4)


def test_the_platform_is_that_of_the_build_else_that_of_the_service_else_dockers_default() -> None:
    text = "services: {a: {build: ., platform: linux/arm64}, b: {build: .}}"
    assert [one.platforms for one in images(text).values()] == [("linux/arm64",), ("linux/amd64",)]
    default = images(text, DOCKER_DEFAULT_PLATFORM="linux/s390x")
    assert [one.platforms for one in default.values()] == [("linux/arm64",), ("linux/s390x",)]


def test_profiles_choose_what_is_built() -> None:
    text = "services: {a: {build: .}, b: {build: ., profiles: [x]}, c: {build: ., profiles: [y]}}"
    assert list(images(text)) == ["a"]
    assert list(images(text, "x")) == ["a", "b"]
    assert list(images(text, "*")) == ["a", "b", "c"]
    assert list(images(text, COMPOSE_PROFILES="y,z")) == ["a", "c"]


def test_an_image_of_another_service_is_an_edge_and_depends_on_is_none() -> None:
    found = loaded(
        """\
services:
  web: {build: {context: ., dockerfile: web.Dockerfile}, depends_on: [tool]}
  tool: {build: {context: ., dockerfile: tool.Dockerfile}}
  base: {image: acme/base, build: {context: ., dockerfile: base.Dockerfile}}
  ctx: {build: {context: ., dockerfile_inline: "FROM b", additional_contexts: {b: "service:base"}}}
""",
        web__Dockerfile="FROM acme/base:latest",
        tool__Dockerfile="FROM alpine",
        base__Dockerfile="FROM scratch",
    )
    assert found.graph.nodes[ImageName("web")].parents == ("base",)
    assert found.graph.nodes[ImageName("ctx")].parents == ("base",)
    (use,) = found.graph.nodes[ImageName("tool")].uses
    assert use.origin == ExternalImage(reference="docker.io/library/alpine:latest")


def test_services_that_are_built_alike_under_one_name_are_one_image() -> None:
    text = """\
x-app: &app {image: acme/app, build: {context: ., args: {A: 1}}}
services:
  web: *app
  worker: {<<: *app, command: work}
  child: {build: {context: child, additional_contexts: {app: "service:worker"}}}
  same: {build: {context: ., args: {A: 1}}}
"""
    found = images(text)
    assert list(found) == ["web", "child", "same"]
    assert found["child"].contexts == (("app", "target:web"),)


def test_a_name_that_differing_builds_claim_is_known_to_be_nobodys() -> None:
    text = """\
services:
  one: {image: acme/app, build: {context: ., dockerfile_inline: FROM scratch, args: {A: 1}}}
  two: {image: "acme/app:latest", build: {context: ., dockerfile_inline: FROM scratch, args: {A: 2}}}
  web: {build: {context: ., dockerfile_inline: FROM acme/app}}
"""
    found = loaded(text)
    (use,) = found.graph.nodes[ImageName("web")].uses
    assert isinstance(use.origin, Unresolved)
    assert "one and two are all published as acme/app" in use.origin.reason.replace("docker.io/", "")
    with pytest.raises(DefinitionError, match="one and two"):
        load(read({"compose.yaml": text}), MemoryTree({}), told=True)


def test_what_else_changes_a_build_is_an_option_of_it_and_counts() -> None:
    made = image(
        "{context: ., extra_hosts: {a: 10.0.0.1}, shm_size: 64m, ulimits: {nofile: {soft: 1, hard: 2}}, "
        "privileged: true, entitlements: [network.host], no_cache: true, pull: true, no_cache_filter: [x, y]}"
    )
    assert made.options == (
        ("no-cache-filter", "x,y"),
        ("add-host", "a:10.0.0.1"),
        ("shm-size", "67108864"),
        ("ulimit", "nofile=1:2"),
        ("allow", "network.host"),
        ("allow", "security.insecure"),
        ("no-cache", "true"),
        ("pull", "true"),
    )

    def key(build: str) -> str:
        family = read({"compose.yaml": f"services: {{app: {{build: {{dockerfile_inline: FROM scratch, {build}}}}}}}"})
        return keys_of(load(family, MemoryTree({})), MemoryTree({})).keys[ImageName("app")]

    assert key("shm_size: 1k") == key("shm_size: 1024")
    assert key("shm_size: 1k") != key("shm_size: 2k")
    assert key("cache_from: [a]") == key("cache_to: [b]")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ("https://github.com/acme/app.git", "remote context"),
        ("git@github.com:acme/app.git", "remote context"),
        ("../up", "leads out of the workspace"),
        ("/srv/app", "leads out of the workspace"),
        ("{context: a, dockerfile: ../../x}", "leads out of the workspace"),
        ("{context: ., additional_contexts: {x: ../up}}", "leads out of the workspace"),
        ("{context: ., network: custom}", "no network of a build"),
        ("{context: ., isolation: hyperv}", "Windows containers"),
        ("{context: ., platforms: ['a/b/c/d']}", "is no platform"),
        ("{context: ., tags: ['a/B']}", "lower case"),
        ("{context: ., contxt: .}", 'unknown field "contxt"'),
        ("{context: ., secrets: [s]}", 'no secret "s"'),
        ("{context: ., args: {A: 2024-01-01}}", "takes 2024-01-01 for a date"),
    ],
)
def test_says_what_it_cannot_build(build: str, message: str) -> None:
    said = refused(build)
    assert message in said
    assert said.startswith("compose.yaml:3")


def test_a_field_that_is_almost_build_is_no_silent_skip() -> None:
    with pytest.raises(DefinitionError, match='did you mean "build"'):
        images("services: {app: {image: x, biuld: .}}")


def test_says_when_nothing_is_built() -> None:
    with pytest.raises(DefinitionError, match="--profile"):
        images("services: {a: {build: ., profiles: [x]}}")


def test_all_mistakes_are_told_together() -> None:
    with pytest.raises(DefinitionError) as caught:
        images("services:\n  a: {build: {context: 1}}\n  b: {build: {tags: x}}\n  c: {image: '${A:?set it}'}\n")
    assert [mistake.line for mistake in caught.value.mistakes] == [4]
    with pytest.raises(DefinitionError) as again:
        images("services:\n  a: {build: {context: 1}}\n  b: {build: {tags: x}}\n")
    assert [mistake.line for mistake in again.value.mistakes] == [2, 3]
