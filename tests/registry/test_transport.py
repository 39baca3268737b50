"""Where a request goes, with what, and over which connection: servers on loopback that lead elsewhere."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from planner.errors import RegistryAway, RegistryError
from planner.registry import timely
from planner.registry.client import HttpRegistry, digest_of
from planner.registry.connections import Connections, host_of, is_loopback, read, way_to
from planner.registry.download import checksum
from planner.registry.transport import Patience, Transport
from tests.registry.test_client import Answer, answering
from tests.registry.trickle import trickling

BLOB = digest_of(b"blob")


def client() -> HttpRegistry:
    return HttpRegistry(Transport(Patience(tries=2, first=0.001)))


@pytest.fixture
def _logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever loopback registry is asked, a login is stored for the token server to see."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def login(folder: Path, host: str) -> None:
    (folder / "config.json").write_text(
        json.dumps({"auths": {host: {"auth": base64.b64encode(b"ali:sesame").decode()}}})
    )


@pytest.mark.usefixtures("_logged_in")
def test_a_blob_that_is_elsewhere_is_fetched_without_a_login(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []
    with answering({"/far/blob": (200, {}, b"blob"), "anonymous /far/blob": (200, {}, b"blob")}, seen) as store:
        near: dict[str, Answer] = {
            f"anonymous /v2/a/blobs/{BLOB}": (401, {"WWW-Authenticate": "Basic"}, b""),
            f"/v2/a/blobs/{BLOB}": (307, {"Location": f"http://{store}/far/blob"}, b"moved"),
        }
        with answering(near) as host:
            login(tmp_path, host)
            assert client().blob(f"{host}/a", BLOB, 100) == b"blob"
    assert seen == [("/far/blob", "")]


@pytest.mark.usefixtures("_logged_in")
def test_whoever_a_registry_leads_to_gets_no_login_by_asking_for_one(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []
    challenge = {"WWW-Authenticate": 'Bearer realm="http://HOST/token",service="s"'}
    with answering({"/far/blob": (401, challenge, b""), "/token": (200, {}, b'{"token": "t"}')}, seen) as thief:
        moved: Answer = (307, {"Location": f"http://{thief}/far/blob"}, b"")
        with answering({f"/v2/a/blobs/{BLOB}": moved}) as host:
            login(tmp_path, host)
            with pytest.raises(RegistryError, match="status 401"):
                client().blob(f"{host}/a", BLOB, 100)
    assert seen == [("/far/blob", "")]


@pytest.mark.parametrize(
    "place", ["/v2/a/blobs/" + BLOB, "ftp://127.0.0.1/x", "file:///etc/hostname", "http://[::1/x", "http://[x]/"]
)
def test_ways_that_lead_nowhere(place: str) -> None:
    with answering({f"/v2/a/blobs/{BLOB}": (302, {"Location": place}, b"")}) as host:
        with pytest.raises(RegistryError):
            client().blob(f"{host}/a", BLOB, 100)
        with pytest.raises(RegistryError):
            checksum(f"http://{host}/v2/a/blobs/{BLOB}")


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("what", ["manifest", "blob"])
def test_a_token_server_that_has_no_time_is_asked_again_when_it_says(status: int, what: str) -> None:
    """As ours does after 200 questions at once, which are fewer than a family may have images."""
    challenge = {"WWW-Authenticate": 'Bearer realm="http://HOST/token",service="s"'}
    answers: dict[str, Answer] = {"/token": (status, {"Retry-After": "7"}, b"")}
    for place, body in ((f"/v2/a/manifests/{BLOB}", b""), (f"/v2/a/blobs/{BLOB}", b"blob")):
        answers[f"anonymous {place}"] = (401, challenge, b"")
        answers[place] = (200, {"Docker-Content-Digest": BLOB}, body)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        answers["/token"] = (200, {}, b'{"token": "abc"}')

    with answering(answers) as host:
        registry = HttpRegistry(Transport(Patience(), sleep))
        if what == "blob":
            assert registry.blob(f"{host}/a", BLOB, 100) == b"blob"
        else:
            assert registry.digest_of(f"{host}/a", BLOB) == BLOB
    assert slept == [7.0]


def test_a_token_server_that_never_has_time_is_told_of() -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="http://HOST/token",service="s"'}
    answers: dict[str, Answer] = {f"/v2/a/manifests/{BLOB}": (401, challenge, b""), "/token": (429, {}, b"")}
    with answering(answers) as host, pytest.raises(RegistryAway, match="its token server answers with status 429"):
        client().digest_of(f"{host}/a", BLOB)


@contextmanager
def keeping(answers: int) -> Iterator[tuple[str, list[int]]]:
    """A server that ends each connection after so many answers, without saying so before; and its connections."""
    connections: list[int] = []
    clients: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                connections.append(0)
                clients.append(client)
                with client, client.makefile("rb") as asked:
                    for _ in range(answers):
                        while (line := asked.readline()) not in (b"\r\n", b""):
                            pass
                        if not line:
                            break
                        connections[-1] += 1
                        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}", connections
        finally:
            # It has to end before the number of its socket is given to another one.
            server.shutdown(socket.SHUT_RDWR)
            for client in clients:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            assert not thread.is_alive()


@pytest.mark.parametrize(("answers", "expected"), [(100, [4]), (1, [1, 1, 1, 1])])
def test_a_connection_is_used_again_until_the_other_side_ends_it(answers: int, expected: list[int]) -> None:
    connections = Connections()
    with keeping(answers) as (host, seen):
        for _ in range(4):
            given = connections.send("GET", f"http://{host}/x", headers={}, timeout=(5.0, 5.0))
            assert read(given, host, 10) == b"x"
            given.close()
            time.sleep(0.05)
        assert seen == expected


def test_a_body_that_is_not_read_to_its_end_spoils_no_other_answer() -> None:
    connections = Connections()
    with keeping(100) as (host, seen):
        for _ in range(3):
            connections.send("GET", f"http://{host}/x", headers={}, timeout=(5.0, 5.0)).close()
        assert seen == [3], "what is short is read to its end"
    long = {"/long": (200, {}, b"x" * 100_000)}
    with answering(long) as host:
        for _ in range(3):
            given = connections.send("GET", f"http://{host}/long", headers={}, timeout=(5.0, 5.0))
            assert given.status == 200
            given.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n"


@pytest.mark.parametrize(
    ("first", "piece"),
    [(b"", b"x"), (HEAD, b"X: y\r\n"), (HEAD + b"\r\n", b"x")],
    ids=["first line", "head", "body"],
)
def test_an_answer_that_trickles_in_has_some_time_and_no_more(
    monkeypatch: pytest.MonkeyPatch, first: bytes, piece: bytes
) -> None:
    """Each piece comes in time; all of them would take 20 s."""
    monkeypatch.setattr(timely, "WHOLE", 0.4)
    registry = client()
    with trickling(first, piece, 400) as server:
        with pytest.raises(RegistryAway, match="TimeoutError"):
            registry.fetch(f"127.0.0.1:{server.port}/x", "1")
        assert server.gone.wait(30)
    assert 0 < server.said < 400


@pytest.mark.parametrize("pieces", [400, 4])
def test_a_blob_that_is_held_in_memory_has_some_time_and_no_more(monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
    """However often it breaks off and goes on meanwhile."""
    monkeypatch.setattr(timely, "WHOLE", 0.4)
    with trickling(HEAD + b"\r\n", b"x", pieces) as server:
        began = time.monotonic()
        with pytest.raises(RegistryError):
            client().blob(f"127.0.0.1:{server.port}/x", BLOB, 400)
        assert time.monotonic() - began < 5


def test_a_long_body_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timely, "WHOLE", 0.4)
    with trickling(HEAD.replace(b"400", b"30") + b"\r\n", b"x", 30) as server:
        pieces = HttpRegistry().pieces(f"127.0.0.1:{server.port}/x", "sha256:" + "1" * 64)
        assert b"".join(pieces) == b"x" * 30
        with pytest.raises(RegistryError, match="not read within"):
            checksum(f"http://127.0.0.1:{server.port}/x", seconds=0.4)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.1.2.3", True),
        ("[::1]:5000", True),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("127.0.0.1.example:80", False),
        ("registry:5000", False),
        ("", False),
    ],
)
def test_what_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


def test_the_host_of_an_address_is_what_is_connected_to() -> None:
    assert host_of("https://ali:s@h.example:5/x@y?z=@") == "h.example:5"
    assert host_of("http://h.example?x/y") == "h.example"
    assert host_of("http://h.example#@127.0.0.1/") == "h.example"
    assert way_to("http://ali:s@h.example:5").name == "h.example"


def test_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert way_to("https://h.example").proxy is None
    monkeypatch.setenv("https_proxy", "http://ali:s%40x@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    way = way_to("https://h.example")
    assert way.proxy == ("proxy.example", 3128)
    assert way.proxy_login == {"Proxy-Authorization": f"Basic {base64.b64encode(b'ali:s@x').decode()}"}
    assert "s@x" not in repr(way)
    assert way_to("https://a.inside.example").proxy is None
    assert way_to("http://h.example").proxy is None
    assert way_to("https://127.0.0.1:5000").proxy is None
    monkeypatch.setenv("https_proxy", "socks5://proxy.example")
    with pytest.raises(RegistryError, match="proxy"):
        way_to("https://h.example")
