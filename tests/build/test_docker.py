"""A real Docker Engine builds, with either of its image stores: parents are found, results stay in the Engine."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from planner.build import docker_engine as asked
from planner.build.engine import find_engine
from planner.errors import BuilderError
from tests.build.family import FILES, BuildSpace
from tests.build.images import BuiltImage, read_image
from tests.engine.docker import DockerEngine
from tests.engine.engine import Engine


class DockerSpace(BuildSpace):
    """A workspace that builds with a Docker Engine."""

    def __init__(self, root: Path, engine: Engine, docker: DockerEngine) -> None:
        super().__init__(root, engine)
        self.docker = docker

    def outcomes_of(self, *arguments: str) -> dict[str, str]:
        environment = {"BUILDKIT_HOST": "", **self.docker.environment}
        run = self.planner("build", *arguments, "--format", "json", **environment)
        assert run.returncode == 0, run.stderr
        return {image["name"]: image["outcome"] for image in json.loads(run.stdout)["images"]}

    def saved(self, name: str, folder: Path) -> BuiltImage:
        """An image as the Engine hands it out."""
        archive = folder / f"{name}.tar"
        run = self.docker.run("image", "save", "-o", str(archive), f"planner.local/{name}:{self.keys()[name]}")
        assert run.returncode == 0, run.stderr
        with tarfile.open(archive) as packed:
            packed.extractall(folder / name, filter="data")
        return read_image(folder / name)


def says(text: str) -> tuple[str, int, str]:
    return "file", 0o644, hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(params=["docker_engine", "classic_docker_engine"])
def space(request: pytest.FixtureRequest, tmp_path: Path, engine: Engine) -> DockerSpace:
    docker: DockerEngine = request.getfixturevalue(request.param)
    made = DockerSpace(tmp_path / "family", engine, docker)
    made.write(FILES)
    made.commit()
    return made


def test_the_engine_is_found_builds_and_keeps(space: DockerSpace, tmp_path: Path) -> None:
    assert set(space.outcomes_of().values()) == {"built"}
    assert set(space.outcomes_of("--builder", "docker").values()) == {"reused"}
    space.write({"base.txt": "two\n"})
    assert set(space.outcomes_of("-j4").values()) == {"built"}
    fresh = "the fresh parent is inside, whatever FROM pins"
    assert space.saved("tool", tmp_path).files["tool"] == says("two\ntool\n"), fresh
    assert space.saved("side", tmp_path).files["made.txt"] == says("two\n"), fresh
    space.write({"tool.txt": "edited\n"})
    assert space.outcomes_of() == {"base": "reused", "tool": "built", "app": "built", "side": "reused"}


def test_an_image_removed_from_the_engine_is_built_again(space: DockerSpace) -> None:
    space.outcomes_of()
    removed = space.docker.run("image", "rm", "-f", f"planner.local/app:{space.keys()['app']}")
    assert removed.returncode == 0, removed.stderr
    assert space.outcomes_of() == {"base": "reused", "tool": "reused", "app": "built", "side": "reused"}


def test_another_builder_builds_where_the_engine_is_gone(space: DockerSpace, tmp_path: Path) -> None:
    """Nothing asks an engine that does not answer for what it built before."""
    space.outcomes_of("base")
    gone = {**space.docker.environment, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    silent = space.planner("build", "base", **{**gone, "BUILDKIT_HOST": ""})
    assert silent.returncode == 1
    assert "does not answer" in silent.stderr
    run = space.planner("build", "base", "--builder", f"buildkit:{space.engine.address}", "--format", "json", **gone)
    assert run.returncode == 0, run.stderr
    assert [image["outcome"] for image in json.loads(run.stdout)["images"]] == ["built"]
    assert space.outcomes_of("base") == {"base": "reused"}, "the Engine keeps it, once it is there again"


def context(space: DockerSpace, folder: Path, host: str) -> dict[str, str]:
    """An environment whose configuration names a context for this host as the one to use."""
    configuration = folder / "client"
    configuration.mkdir()
    (configuration / "cli-plugins").symlink_to(Path(space.docker.environment["DOCKER_CONFIG"]) / "cli-plugins")
    environment = {**space.docker.environment, "DOCKER_CONFIG": str(configuration), "BUILDKIT_HOST": ""}
    environment.update(BUILDX_CONFIG=str(configuration / "buildx"), DOCKER_HOST="", BUILDX_BUILDER="")
    for words in (("create", "other", "--docker", f"host={host}"), ("use", "other")):
        run = subprocess.run(
            [space.docker.docker, "context", *words], env=environment, capture_output=True, check=False
        )
        assert run.returncode == 0, run.stderr
    return environment


@pytest.mark.parametrize("builder", [(), ("--builder", "docker")])
def test_the_context_that_docker_would_use_names_the_engine(
    space: DockerSpace, tmp_path: Path, builder: tuple[str, ...]
) -> None:
    environment = context(space, tmp_path, space.docker.address)
    run = space.planner("build", "base", *builder, **environment)
    assert run.returncode == 0, run.stderr
    assert space.docker.run("image", "inspect", f"planner.local/base:{space.keys()['base']}").returncode == 0
    assert space.planner("doctor", "--builder", "docker", **environment).stdout.count("docker: BuildKit v") == 1


def test_docker_host_goes_before_a_context(space: DockerSpace, tmp_path: Path) -> None:
    """What is built with one Engine was looked for in the other."""
    elsewhere = context(space, tmp_path, f"unix://{tmp_path}/none.sock")
    run = space.planner("build", "base", "--builder", "docker", **{**elsewhere, "DOCKER_HOST": space.docker.address})
    assert run.returncode == 0, run.stderr
    chosen = {**elsewhere, "DOCKER_CONTEXT": "default", "DOCKER_HOST": space.docker.address}
    assert space.planner("build", "base", "--builder", "docker", **chosen).returncode == 0


def test_a_docker_engine_has_one_name(space: DockerSpace) -> None:
    """Under another one it would serve another scope of trust."""
    environment = {"BUILDKIT_HOST": "", **space.docker.environment}
    for words in (["--builder", "docker"], ["--builder", "buildx:default"], []):
        run = space.planner("build", "base", "--all", *words, "--format", "json", **environment)
        assert [image["builder"] for image in json.loads(run.stdout)["images"]] == ["docker"], run.stderr


TRUSTED = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REF_PROTECTED": "true",
    "GITHUB_REPOSITORY": "acme/images",
    "GITHUB_REPOSITORY_ID": "4711",
    "GITHUB_REPOSITORY_OWNER_ID": "42",
    "GITHUB_ACTOR": "joe",
    "RUNNER_ENVIRONMENT": "github-hosted",
}
POLICY = """\
version: 1
repositories: {github: {name: acme/images, id: 4711, owner: 42}}
protected: {branches: [main]}
runners: [github-hosted]
registries: {cache: {address: ADDRESS, isolation: path}}
scopes:
  main: {registry: cache, cache: CACHE, images: images, write: [trusted], read: [release, trusted, pr, untrusted]}
"""


def test_a_layer_cache_that_cannot_be_written_fails_no_build(space: DockerSpace, tmp_path: Path) -> None:
    address, cache = space.engine.registry.address, f"cache-of-{space.docker.store}"
    graph = f"keys: {{algorithm: sha256}}\n{FILES['images.yaml']}"
    space.write({"images.yaml": graph, "policy.yaml": POLICY.replace("ADDRESS", address).replace("CACHE", cache)})
    environment = {"BUILDKIT_HOST": "", "PLANNER_BUILDERS": str(tmp_path / "notes"), **space.docker.environment}
    run = space.planner("build", "base", **environment, **TRUSTED)
    assert run.returncode == 0, run.stderr
    told = "warning: base: exporting cache: a Docker Engine with the image store of old writes none" in run.stderr
    written = "linux-amd64" in space.engine.registry.tags(f"{cache}/base")
    assert (told, written) == ((True, False) if space.docker.store == "classic" else (False, True))


def test_pushes(space: DockerSpace) -> None:
    """The Engine pushes by the tag of the key; the digest is then read back from the registry."""
    registry = f"{space.engine.registry.address}/docker-{space.docker.store}"
    space.write({"images.yaml": FILES["images.yaml"].replace("registry.example/fam", registry)})
    for name in ("tool", "app", "side"):
        path = f"{name}.Dockerfile"
        space.write({path: FILES[path].replace("registry.example/fam", registry)})
    environment = {"BUILDKIT_HOST": "", **space.docker.environment}
    run = space.planner("build", "app", "--push", "--format", "json", **environment)
    assert run.returncode == 0, run.stderr
    key = space.keys()["app"]
    assert {"latest", key, f"rec-{key}"} <= set(space.engine.registry.tags(f"docker-{space.docker.store}/app"))
    again = space.planner("build", "app", "--push", "--format", "json", **environment)
    assert {image["outcome"] for image in json.loads(again.stdout)["images"]} == {"reused"}


def test_an_engine_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No such engine can be had here; the answer is the one that Docker Engine 20.10.24 gives to `/version`."""

    class Old:
        def version(self) -> dict[str, str]:
            return {"Version": "20.10.24+dfsg1", "ApiVersion": "1.41"}

    monkeypatch.setattr(asked, "_client", Old)
    with pytest.raises(BuilderError, match=r"20\.10\.24\+dfsg1 is too old"):
        asked.check_engine(23)


def test_says_when_the_engine_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked._client.cache_clear()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(BuilderError, match="does not answer"):
        asked.check_engine(23)
    asked._client.cache_clear()


@pytest.mark.parametrize(
    "said",
    ["unknown flag: --bootstrap\n\nUsage:  docker [OPTIONS] COMMAND", "docker: 'buildx' is not a docker command."],
)
def test_says_when_docker_has_no_buildx(tmp_path: Path, said: str) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{said}\nEND\nexit 125\n")
    docker.chmod(0o755)
    with pytest.raises(BuilderError, match="has no buildx plugin") as refused:
        find_engine("", {"PATH": f"{tmp_path}:/bin"}, tmp_path)
    assert "Usage" not in str(refused.value)
