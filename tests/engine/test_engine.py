"""The embedded engine builds, hands a parent to its child and leaves nothing behind. Forms: docs/engine.md."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.base_images import base_image
from tests.engine.engine import Engine
from tests.engine.gomodule import CHECKOUT
from tests.engine.install import busybox
from tests.engine.registry import Registry
from tests.engine.server import Server, ServerFailed

PARENT = """\
FROM ubuntu:22.04 AS build
COPY a.txt /a
RUN mkdir /out && cat /a /etc/image-name > /out/x
FROM golang:1.20
COPY --from=build /out/x /x
"""
CHILD = """\
FROM registry.example/tour/parent:1@sha256:1111111111111111111111111111111111111111111111111111111111111111
RUN grep -q ubuntu /x && grep -q golang /etc/image-name && cat /x > /y
"""
PINNED = CHILD.splitlines()[0].removeprefix("FROM ")


def write(folder: Path, dockerfile: str, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(dockerfile)
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


def buildctl(engine: Engine, context: Path, *more: str) -> dict[str, Any]:
    """The metadata of a build with buildctl."""
    metadata = context / "metadata.json"
    run = engine.run(
        *("buildctl", "build", "--progress=rawjson", f"--metadata-file={metadata}", "--frontend=dockerfile.v0"),
        *(f"--local=context={context}", f"--local=dockerfile={context}", *more),
    )
    assert run.returncode == 0, run.stderr
    return dict(json.loads(metadata.read_text()))


def buildx(engine: Engine, context: Path, *more: str) -> dict[str, Any]:
    """The metadata of a build with buildx."""
    metadata = context / "metadata.json"
    options = ("--progress=rawjson", f"--metadata-file={metadata}", "--provenance=false")
    run = engine.run("buildx", "build", *options, *more, os.fspath(context))
    assert run.returncode == 0, run.stderr
    return dict(json.loads(metadata.read_text()))


def test_a_child_reads_its_parent_from_an_oci_layout(engine: Engine, tmp_path: Path) -> None:
    store = tmp_path / "store"
    parent = buildctl(
        engine, write(tmp_path / "parent", PARENT, a="hi\n"), f"--output=type=oci,tar=false,dest={store},name=t/parent"
    )["containerimage.digest"]
    assert (store / "blobs" / "sha256" / parent.removeprefix("sha256:")).is_file()

    child = write(tmp_path / "child", CHILD)
    output = f"--output=type=oci,tar=false,dest={store},name=t/child"
    by_buildctl = buildctl(
        *(engine, child, f"--oci-layout=store={store}", f"--opt=context:{PINNED}=oci-layout:store@{parent}", output)
    )["containerimage.digest"]
    by_buildx = buildx(engine, child, f"--build-context={PINNED}=oci-layout://{store}@{parent}", output)
    assert by_buildx["containerimage.digest"] == by_buildctl
    digests = {entry["digest"] for entry in json.loads((store / "index.json").read_text())["manifests"]}
    assert digests == {parent, by_buildctl}


@pytest.mark.parametrize("build", [buildctl, buildx])
def test_other_nanoseconds_are_enough_to_send_a_file_of_the_same_size_again(
    build: Callable[..., dict[str, Any]], engine: Engine, tmp_path: Path
) -> None:
    """With the same mtime BuildKit would keep the bytes of the first context: it compares size, mtime and mode."""
    digests = set()
    for number, text in enumerate(("AAAA", "BBBB")):
        (tmp_path / text).mkdir()
        context = write(tmp_path / text / "context", "FROM scratch\nCOPY a.txt /a\n", a=text)
        os.utime(context / "a.txt", ns=(0, 1767225600_000000000 + number))
        metadata = build(engine, context, f"--output=type=oci,tar=false,dest={tmp_path / text}/store")
        store = tmp_path / text / "store" / "blobs" / "sha256"
        manifest = json.loads((store / metadata["containerimage.digest"].removeprefix("sha256:")).read_text())
        digests.add(manifest["layers"][0]["digest"])
    assert len(digests) == 2


def test_an_image_is_pushed_to_the_registry_and_read_from_it(engine: Engine, tmp_path: Path) -> None:
    name = f"{engine.registry.address}/team/pushed"
    built = buildctl(
        engine, write(tmp_path / "parent", PARENT, a="hi\n"), f"--output=type=image,push=true,name={name}:1"
    )
    assert engine.registry.tags("team/pushed") == ["1"]
    dockerfile = f"FROM {name}:1@{built['containerimage.digest']}\nRUN cat /x\n"
    buildx(engine, write(tmp_path / "child", dockerfile))


def test_seeds_are_the_same_each_time(engine: Engine) -> None:
    program = busybox()
    assert program is not None
    image = base_image(program, "ubuntu:22.04")
    assert image.digest == base_image(program, "ubuntu:22.04").digest != base_image(program, "golang:1.20").digest
    assert engine.seed(["ubuntu:22.04"]) == {"ubuntu:22.04": image.digest}
    assert "22.04" in engine.registry.tags("library/ubuntu")  # other tests seed others


def test_a_manifest_can_be_deleted(engine: Engine) -> None:
    found = engine.seed(["short-lived:1"], folder="tests")["short-lived:1"]
    assert engine.registry.request("DELETE", f"/v2/tests/short-lived/manifests/{found}")[0] == 202
    assert engine.registry.request("GET", "/v2/tests/short-lived/manifests/1")[0] == 404


def test_a_server_that_fails_shows_its_log(tmp_path: Path) -> None:
    server = Server(["sh", "-c", "echo no disk; exit 3"], log=tmp_path / "log", ready=lambda _: False)
    with pytest.raises(ServerFailed) as failed:
        server.wait_until_ready()
    assert str(failed.value) == "sh ended with 3 before it was ready; the end of its log:\n  no disk"


def test_a_server_that_hangs_is_given_up_and_ended(tmp_path: Path) -> None:
    server = Server(["sleep", "60"], log=tmp_path / "log", ready=lambda _: False)
    with pytest.raises(ServerFailed, match="was not ready after 0 s"):
        server.wait_until_ready(0.2)
    assert server.process.returncode is not None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_server_outlives_its_owner(number: signal.Signals, tmp_path: Path) -> None:
    said = tmp_path / "said"
    script = "echo $DOCKER_HOST > $0.part; echo ${MIRROR%%/*} >> $0.part; mv $0.part $0; exec sleep 60"
    argv = [sys.executable, "-m", "tests.engine", "--docker=containerd", "sh", "-c", script, os.fspath(said)]
    owner = subprocess.Popen(argv, cwd=CHECKOUT)
    wait_for(said.exists)
    socket, address = said.read_text().split()
    registry = Registry(address=address, log=said)
    assert registry.request("GET", "/v2/")[0] == 200
    folder = socket.removeprefix("unix://").rsplit("/", 2)[0]
    assert {"registry", "buildkitd", "dockerd", "containerd"} <= running_in(folder)
    owner.send_signal(number)
    owner.wait(30)
    wait_for(lambda: not running_in(folder))


def running_in(folder: str) -> set[str]:
    """The names of processes whose command line holds `folder`."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if folder in line:
            found.add(line.split("\0")[0].rsplit("/", 1)[-1])
    return found


def wait_for(holds: Any) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "waited for 30 seconds"
        time.sleep(0.05)
