"""A lock where somebody does not answer as they should: one clear message, and the lock stays as it was."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
from pathlib import Path

import pytest

from planner.cli import main
from planner.errors import PlannerError, RegistryError
from planner.registry import download, transport
from tests.build.family import BuildSpace
from tests.engine.engine import Engine
from tests.registry.test_client import Answer, answering
from tests.workspace import Workspace

INDEX = json.dumps({"schemaVersion": 2, "config": {"digest": "sha256:" + "1" * 64}}).encode()


def refused(root: Path, *words: str) -> str:
    with pytest.raises(PlannerError) as caught:
        main.run(["-C", str(root), "lock", *words])
    return str(caught.value)


def space(root: Path, reference: str, more: str = "") -> Workspace:
    made = Workspace(root / "space")
    made.write(
        {
            "images.yaml": "version: 1\nimages: {a: {}}\n",
            "Dockerfile": f"FROM {reference}\n{more}",
            "images.lock": '{"version": 1, "images": {}}\n',
        }
    )
    return made


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((401, {}, b""), "refuses with status 401, and it names no way to log in"),
        ((401, {"WWW-Authenticate": "Negotiate"}, b""), "it asks for 'Negotiate', which is not understood"),
        ((401, {"WWW-Authenticate": 'Bearer realm="ftp://x/"'}, b""), "not safe"),
        ((401, {"WWW-Authenticate": 'Basic realm="r"'}, b""), "docker login"),
        ((403, {}, b""), "status 403"),
        ((404, {}, b""), "has no 1"),
        ((429, {}, b""), "status 429"),
        ((500, {}, b""), "status 500"),
        ((200, {"Content-Type": "text/html"}, b"<html>Sign in</html>"), "is no manifest"),
        ((200, {}, b"\x00\xff\x00garbage"), "is no manifest"),
        ((200, {}, b"[" * 100_000), "is no manifest"),
        ((200, {}, b"[]"), "is no manifest"),
        ((200, {}, b"{}"), "names no configuration"),
        ((200, {}, INDEX), "status 404"),
        ((200, {"Docker-Content-Digest": "sha256:" + "2" * 64}, INDEX), "other bytes"),
    ],
)
def test_a_registry_that_answers_something_else(
    answer: Answer, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with answering({"/v2/a/manifests/1": answer}) as host:
        made = space(tmp_path, f"{host}/a:1")
        said = refused(made.root)
    assert message in said
    assert f"{host}/a" in said
    assert "nothing was written" in said
    assert (made.root / "images.lock").read_text() == '{"version": 1, "images": {}}\n'
    assert sorted(path.name for path in made.root.iterdir() if path.name != ".git") == [
        "Dockerfile",
        "images.lock",
        "images.yaml",
    ]


def test_everything_that_could_not_be_told_is_told_together(tmp_path: Path) -> None:
    with answering({"/v2/a/manifests/1": (500, {}, b"")}) as host:
        made = space(tmp_path, f"{host}/a:1", f"COPY --from={host}/b:1 / /\nADD http://{host}/x /\n")
        said = refused(made.root)
    assert all(part in said for part in ("/a:1: ", "/b:1: ", "/x: answers with status 404"))


def hanging() -> tuple[socket.socket, str]:
    """A server that takes a question and never answers."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(20)
    return server, f"127.0.0.1:{server.getsockname()[1]}"


def test_one_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", (0.3, 0.3))
    monkeypatch.setattr(download, "TIMEOUT", (0.3, 0.3))
    server, host = hanging()
    with server:
        made = space(tmp_path, f"{host}/a:1", f"ADD http://{host}/x /\n")
        said = refused(made.root)
    assert f"{host}: does not answer" in said
    assert f"http://{host}/x: does not answer" in said


def test_a_download_is_bounded() -> None:
    body = b"x" * 5000
    with answering({"/x": (200, {}, body), "/r": (302, {"Location": "/r"}, b"")}) as host:
        assert download.checksum(f"http://{host}/x") == f"sha256:{hashlib.sha256(body).hexdigest()}"
        with pytest.raises(RegistryError, match="more than 4999 bytes"):
            download.checksum(f"http://{host}/x", limit=4999)
        with pytest.raises(RegistryError, match="not read within"):
            download.checksum(f"http://{host}/x", seconds=-1)
        with pytest.raises(RegistryError, match="without end"):
            download.checksum(f"http://{host}/r")


def test_a_download_of_which_nothing_comes_in_time_says_so() -> None:
    """Its head comes alone, so that no piece of the body is at hand when the time is up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(download.TRIES):
                with contextlib.suppress(OSError), server.accept()[0] as caller:
                    caller.recv(1 << 16)
                    caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
                    caller.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(RegistryError, match="not read within"):
            download.checksum(f"http://127.0.0.1:{server.getsockname()[1]}/x", seconds=-1)


def test_no_login_goes_to_a_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ali password sesame\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    seen: list[tuple[str, str]] = []
    with answering({"/x": (200, {}, b"x"), "anonymous /x": (200, {}, b"x")}, seen) as host:
        download.checksum(f"http://{host}/x")
    assert seen == [("/x", "")]


def test_a_digest_that_vanished_stops_the_build_with_its_name(engine: Engine, tmp_path: Path) -> None:
    made = BuildSpace(tmp_path / "family", engine)
    made.write(
        {"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": f"FROM {engine.mirror}/ubuntu:22.04\nRUN true\n"}
    )
    run = made.planner("lock", **engine.environment)
    assert run.returncode == 0, run.stderr
    lock = made.root / "images.lock"
    (locked,) = {image["digest"] for image in json.loads(lock.read_text())["images"].values()}
    gone = "sha256:" + "3" * 64
    lock.write_text(lock.read_text().replace(locked, gone))
    error = made.build(status=1)[""]["error"]
    assert gone in error
    assert "not found" in error
