"""Several builders under one run, on real buildkitds: equal digests, shared work, one that dies, platforms, trust."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from planner.build.engine import platforms
from planner.build.pool import parse
from planner.errors import UsageError
from tests.build.family import BuildSpace, Family
from tests.engine.buildkit import Buildkitd
from tests.engine.engine import Engine
from tests.workspace import IDENTITY

WIDE = """\
version: 1
registry: registry.example/wide
images:
  base: {dockerfile: base.Dockerfile}
"""


@contextmanager
def daemons(engine: Engine, folder: Path, *offers: tuple[str, ...]) -> Iterator[list[Buildkitd]]:
    """Further buildkitds, with the platforms that each says to offer."""
    mirror = engine.registry.address
    with ExitStack() as ending:
        found = []
        for number, offered in enumerate(offers):
            place = folder / f"d{number}"
            daemon = Buildkitd(engine.programs, place, registries=(mirror,), mirror=mirror, platforms=offered)
            ending.callback(daemon.stop)
            daemon.start()
            found.append(daemon)
        yield found


@pytest.fixture
def second(engine: Engine, tmp_path: Path) -> Iterator[Buildkitd]:
    with daemons(engine, engine.folder / f"second-{tmp_path.name}", ()) as (daemon,):
        yield daemon


def wide(root: Path, engine: Engine, leaves: int, leaf: str) -> BuildSpace:
    """A base and images that stand on it alone."""
    space = BuildSpace(root, engine)
    graph = WIDE + "".join(f"  leaf{number}: {{dockerfile: leaf{number}.Dockerfile}}\n" for number in range(leaves))
    files = {
        f"leaf{number}.Dockerfile": f"FROM registry.example/wide/base\nRUN {leaf}; echo {number} > /leaf\n"
        for number in range(leaves)
    }
    space.write({"images.yaml": graph, "base.Dockerfile": "FROM ubuntu:22.04\nRUN echo base > /base\n", **files})
    space.commit()
    return space


def both(engine: Engine, second: Buildkitd) -> str:
    return f"buildkit:{engine.address},buildkit:{second.address}"


def digests(found: dict[str, Any]) -> dict[str, str]:
    return {name: image["digest"] for name, image in found.items() if name}


def test_two_builders_give_what_one_gives_and_share_the_work(engine: Engine, second: Buildkitd, tmp_path: Path) -> None:
    """Each of both builds something, also of images whose parents the other one has built."""
    one = wide(tmp_path / "one", engine, 6, "sleep 0.3").build("--builder", f"buildkit:{engine.address}")
    space = wide(tmp_path / "two", engine, 6, "sleep 0.3")
    two = space.build("--jobs", "1", "--builder", both(engine, second))
    assert digests(one) == digests(two)
    used = {image["builder"] for name, image in two.items() if name}
    assert used == set(both(engine, second).split(","))
    assert f"started on buildkit:{second.address}" in two[""]["error"]
    leaf = space.image(two["leaf5"]["digest"])
    assert leaf.files["leaf"][2] == hashlib.sha256(b"5\n").hexdigest()


def test_a_builder_that_dies_has_its_work_moved(engine: Engine, second: Buildkitd, tmp_path: Path) -> None:
    space = wide(tmp_path / "family", engine, 4, "sleep 2")
    space.build("base", "--builder", f"buildkit:{engine.address}")
    argv = [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(space.root), "build", "--jobs", "2"]
    run = subprocess.Popen(
        [*argv, "--retries", "0", "--builder", both(engine, second), "--format", "json"],
        env={**os.environ, **IDENTITY, **engine.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    moved = set()
    on_second = set()
    for line in run.stderr:
        if f"started on buildkit:{second.address}" in line:
            on_second.add(line.partition(":")[0])
        if "RUN sleep" in line and line.partition(":")[0] in on_second and not moved:
            moved = set(on_second)
            second.kill()
            break
    out, err = run.communicate(timeout=120)
    assert moved, "the second builder had something to do"
    assert run.returncode == 0, err
    found = {image["name"]: image for image in json.loads(out)["images"]}
    assert f"buildkit:{second.address} went away, moved to another builder" in err
    assert {name for name, image in found.items() if image["outcome"] == "built"} == {f"leaf{n}" for n in range(4)}
    assert all(found[name]["builder"] == f"buildkit:{engine.address}" for name in moved)


def test_a_builder_that_is_not_there_is_told_and_left_out(engine: Engine, tmp_path: Path, family: Family) -> None:
    space = family()
    gone = f"buildkit:unix://{tmp_path}/gone.sock"
    found = space.build("base", "--builder", f"{gone},buildkit:{engine.address}")
    assert found["base"]["outcome"] == "built"
    assert "does not answer" in found[""]["error"]
    run = space.planner("build", "tool", "--builder", f"{gone},{gone}2", **engine.environment)
    assert run.returncode == 1
    assert "does not answer" in run.stderr


def test_an_image_goes_to_a_builder_that_offers_its_platform(engine: Engine, tmp_path: Path) -> None:
    """Without an emulator nothing can run for the other processor here, so that these images only copy files."""
    space = BuildSpace(tmp_path / "family", engine)
    space.write(
        {
            "images.yaml": "version: 1\nimages:\n"
            "  amd: {dockerfile: d.Dockerfile, platforms: [linux/amd64]}\n"
            "  arm: {dockerfile: d.Dockerfile, platforms: [linux/arm64]}\n"
            "  risc: {dockerfile: d.Dockerfile, platforms: [linux/riscv64]}\n",
            "d.Dockerfile": "FROM scratch\nCOPY a.txt /\n",
            "a.txt": "a\n",
        }
    )
    space.commit()
    place = engine.folder / f"platforms-{tmp_path.name}"
    with daemons(engine, place, ("linux/amd64",), ("linux/arm64",)) as (amd, arm):
        pool = f"buildkit:{amd.address},buildkit:{arm.address}"
        found = space.build("amd", "arm", "--builder", pool)
        assert found["amd"]["builder"] == f"buildkit:{amd.address}"
        assert found["arm"]["builder"] == f"buildkit:{arm.address}"
        run = space.planner("build", "--builder", pool, **engine.environment)
        assert run.returncode == 1
        assert "risc is for linux/riscv64" in run.stderr
        assert f"buildkit:{arm.address} offers " in run.stderr


def test_buildx_itself_spreads_the_platforms_of_one_image(engine: Engine, tmp_path: Path) -> None:
    """A builder of two nodes builds each platform on its own node, and joins them when it pushes."""
    prefix = f"{engine.registry.address}/nodes-{tmp_path.name.lower().replace('_', '-')}"
    space = BuildSpace(tmp_path / "family", engine)
    space.write(
        {
            "images.yaml": f"version: 1\nregistry: {prefix}\nimages:\n"
            "  both: {dockerfile: d.Dockerfile, platforms: [linux/amd64, linux/arm64]}\n",
            "d.Dockerfile": "FROM scratch\nCOPY a.txt /\n",
            "a.txt": "a\n",
        }
    )
    space.commit()
    with daemons(engine, engine.folder / f"nodes-{tmp_path.name}", ("linux/amd64",), ("linux/arm64",)) as nodes:
        for number, node in enumerate(nodes):
            more = ["--append"] if number else []
            platform = ("linux/amd64", "linux/arm64")[number]
            words = ("create", "--driver", "remote", "--name", "nodes", f"--platform={platform}", *more, node.address)
            made = engine.run("buildx", *words)
            assert made.returncode == 0, made.stderr
        found = space.build("--push", "--builder", "buildx:nodes")
        status, _, body = engine.registry.request(
            "GET",
            f"/v2/{prefix.partition('/')[2]}/both/manifests/{found['both']['digest']}",
            headers={"Accept": "application/vnd.oci.image.index.v1+json"},
        )
        assert status == 200
        built_for = {one["platform"]["architecture"] for one in json.loads(body)["manifests"]}
        assert built_for == {"amd64", "arm64"}
        for node in nodes:
            kept = engine.run("buildctl", "--addr", node.address, "du", "-v").stdout
            assert "local source for context" in kept, "each node has built something"


def test_the_text_of_a_pool() -> None:
    assert parse("") == [("", 1.0)]
    assert parse("docker") == [("docker", 1.0)]
    assert parse("buildx:a=2, buildkit:tcp://h:1234=0.5,buildx:c") == [
        ("buildx:a", 2.0),
        ("buildkit:tcp://h:1234", 0.5),
        ("buildx:c", 1.0),
    ]
    for wrong in ("a,", ",", "a=0", "a,a", "a=2,a=3", ",".join(f"buildx:{n}" for n in range(100))):
        with pytest.raises(UsageError, match="--builder"):
            parse(wrong)


def test_which_platforms_are_native() -> None:
    assert platforms(["linux/amd64, linux/amd64/v2, linux/386, linux/arm64, linux/arm/v7"]) == (
        ("linux/amd64", "linux/amd64/v2", "linux/386"),
        ("linux/arm64", "linux/arm/v7"),
    )
    assert platforms(["linux/arm64*, linux/amd64"]) == (("linux/arm64",), ("linux/amd64",))
    assert platforms(["linux/amd64, linux/arm64", "linux/arm64"]) == (("linux/amd64", "linux/arm64"), ())
    assert platforms([]) == platforms([""]) == ((), ())
