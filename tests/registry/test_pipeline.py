"""Many questions over one connection: each answer is that of its question, and a doubt ends them, whatever is said."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.registry.client import HttpRegistry
from planner.registry.connections import Way
from planner.registry.pipeline import heads
from planner.registry.together import digests
from tests.engine.engine import Engine
from tests.engine.registry import running_registry
from tests.registry.test_client import Answer, answering
from tests.registry.trickle import trickling

DIGEST = "sha256:" + "1" * 64
FOUND = f"HTTP/1.1 200 OK\r\nDocker-Content-Digest: {DIGEST}\r\nContent-Length: 7\r\n\r\n".encode()
GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n"
TIMEOUT = (5.0, 5.0, 10.0)


@contextmanager
def saying(*answers: bytes) -> Iterator[tuple[Way, list[bytes]]]:
    """A server that reads once, says all this and ends, for each connection anew."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    with connection:
                        asked.append(connection.recv(1 << 16))
                        connection.sendall(b"".join(answers))
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Way(name="127.0.0.1", port=server.getsockname()[1], trust=None), asked


def statuses(way: Way, count: int = 3, target: str = "/v2/x/manifests/1") -> list[int]:
    return [status for status, _ in heads(way, [target] * count, {"Accept": "a"}, TIMEOUT)]


def test_answers_come_in_order() -> None:
    with saying(FOUND, GONE, FOUND) as (way, asked):
        assert statuses(way) == [200, 404, 200]
    assert asked[0].count(b"HEAD /v2/x/manifests/1 HTTP/1.1\r\n") == 3
    assert asked[0].count(f"Host: 127.0.0.1:{way.port}\r\n".encode()) == 3


@pytest.mark.parametrize(
    ("answers", "sure"),
    [
        ((FOUND, FOUND), [200, 200]),
        ((FOUND, GONE[:-3]), [200]),
        ((FOUND.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), FOUND), [200]),
        ((FOUND, b"a body that answers to HEAD do not have", FOUND), [200]),
        ((FOUND.replace(b"1.1", b"1.0"), FOUND), []),
        ((b"HTTP/1.1 100 Continue\r\n\r\n", FOUND), []),
        ((FOUND.replace(b"Content-Length: 7", b"no header"), FOUND), []),
        ((b"HTTP/1.1 200 OK\r\nX: " + b"x" * (1 << 18) + b"\r\n\r\n", FOUND), []),
        ((), []),
    ],
    ids=["ended", "cut", "closing", "body", "old", "interim", "no header", "long", "nothing"],
)
def test_a_doubt_ends_them(answers: tuple[bytes, ...], sure: list[int]) -> None:
    with saying(*answers) as (way, _):
        assert statuses(way) == sure


@pytest.mark.parametrize("target", ["/v2/x y", "/v2/x\r\nX: y", "/v2/\u00e9"])
def test_nothing_is_asked_that_could_be_two_questions(target: str) -> None:
    with saying(FOUND) as (way, asked):
        assert statuses(way, target=target) == []
    assert not asked


def test_nobody_there_is_no_answer() -> None:
    assert statuses(Way(name="127.0.0.1", port=1, trust=None)) == []


@pytest.mark.parametrize(
    ("first", "piece"), [(FOUND + b"HTTP/1.1 200 OK\r\nX: ", b"x"), (b"", FOUND)], ids=["bytes", "answers"]
)
def test_who_says_a_little_now_and_then_is_not_heard_to_the_end(first: bytes, piece: bytes) -> None:
    """Each piece comes in time; all of them would take 20 s."""
    with trickling(first, piece, 400) as server:
        way = Way(name="127.0.0.1", port=server.port, trust=None)
        found = [status for status, _ in heads(way, ["/v2/x/manifests/1"] * 400, {}, (5.0, 5.0, 0.4))]
        assert server.gone.wait(30)
    assert server.said < 400
    assert 1 <= len(found) < 400


@given(
    st.lists(st.one_of(st.sampled_from([FOUND, GONE, b"\r\n\r\n", b"HTTP/1.1 "]), st.binary(max_size=40)), max_size=5)
)
def test_whatever_a_server_says(answers: list[bytes]) -> None:
    with saying(*answers) as (way, _):
        assert len(statuses(way)) <= 3


def test_a_real_registry(engine: Engine) -> None:
    digest = engine.seed(["piped:1"], folder="piped")["piped:1"]
    host = engine.registry.address
    repository = f"{host}/piped/piped"
    wanted = [(repository, "1"), (f"{host}/piped/none", "1"), (repository, digest)] * 9
    registry = HttpRegistry()
    assert registry.transport.heads(host, ["/v2/piped/piped/manifests/1"], {}) == []
    assert list(registry.digests_of(host, wanted)) == [digest, None, digest] * 9
    assert len(registry.transport.heads(host, ["/v2/piped/piped/manifests/1"] * 20, {})) == 20


def test_a_registry_with_a_password(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["python3", "-c", "import crypt; print(crypt.crypt('sesame', crypt.mksalt(crypt.METHOD_BLOWFISH)))"]
    hashed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "htpasswd").write_text(f"ali:{hashed}\n")
    settings = {"auth": {"htpasswd": {"realm": "r", "path": str(tmp_path / "htpasswd")}}}
    with running_registry(engine.programs / "registry", tmp_path / "registry", settings=settings) as closed:
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        login = base64.b64encode(b"ali:sesame").decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {closed.address: {"auth": login}}}))
        registry = HttpRegistry()
        assert registry.digest_of(f"{closed.address}/x", "1") is None
        answers = registry.transport.heads(closed.address, ["/v2/y/manifests/1", "/v2/z/manifests/1"], {})
        assert [answer.status for answer in answers] == [404, 404]


def test_who_answers_one_question_at_a_time_is_asked_so_from_then_on() -> None:
    found = FOUND.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    with saying(found) as (way, asked):
        host = f"127.0.0.1:{way.port}"
        registry = HttpRegistry()
        wanted = [(f"{host}/x", "1")] * 4
        assert list(registry.digests_of(host, wanted)) == [DIGEST] * 4
        assert list(registry.digests_of(host, wanted)) == [DIGEST] * 4
        assert list(registry.digests_of(host, wanted)) == [DIGEST] * 4
    assert [one.count(b"HEAD ") for one in asked] == [1] * 4 + [4] + [1] * 3 + [1] * 4


def test_where_each_scope_has_a_token_questions_go_one_by_one() -> None:
    seen: list[tuple[str, str]] = []
    challenge = {"WWW-Authenticate": 'Bearer realm="http://HOST/token",service="s"'}
    named = {"Docker-Content-Digest": DIGEST}
    answers: dict[str, Answer] = {"/token": (200, {}, b'{"token": "t"}')}
    for name in "abc":
        answers[f"anonymous /v2/{name}/manifests/1"] = (401, challenge, b"")
        answers[f"/v2/{name}/manifests/1"] = (200, named, b"")
    with answering(answers, seen) as host:
        registry = HttpRegistry()
        assert list(registry.digests_of(host, [(f"{host}/{name}", "1") for name in "abc"])) == [DIGEST] * 3
        assert registry.transport.heads(host, ["/v2/a/manifests/1"], {}) == []
    assert [path for path, _ in seen if path.startswith("/token")] == [
        f"/token?service=s&scope=repository%3A{name}%3Apull" for name in "abc"
    ]


@pytest.mark.parametrize(
    ("gives", "refuses"), [("all", 401), ("none together", 401), ("but one", 401), ("but one", 403)]
)
def test_one_token_holds_for_many_repositories_where_it_can(gives: str, refuses: int) -> None:
    """A registry that gives none for several scopes, or not for each of them, is asked for each alone."""
    challenge = {"WWW-Authenticate": 'Bearer realm="http://HOST/token",service="s"'}
    asked: list[list[str]] = []
    looked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            scopes = parse_qs(urlsplit(self.path).query)["scope"]
            asked.append(scopes)
            granted = [one for one in scopes if len(scopes) == 1 or gives != "but one" or ":r07:" not in one]
            body = json.dumps({"token": ",".join(granted)}).encode()
            self.send_response(400 if gives == "none together" and len(scopes) > 1 else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_HEAD(self) -> None:
            name = self.path.split("/")[2]
            known = f"repository:{name}:pull" in self.headers.get("Authorization", "")
            looked.append(name)
            self.send_response(200 if known else refuses if "Authorization" in self.headers else 401)
            for key, value in ({"Docker-Content-Digest": DIGEST} if known else challenge).items():
                self.send_header(key, value.replace("HOST", self.headers["Host"]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        host = f"127.0.0.1:{server.server_address[1]}"
        wanted = [(f"{host}/r{number:02}", "1") for number in range(40)]
        assert set(digests(HttpRegistry(), wanted).values()) == {DIGEST}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    each = 40 if gives == "none together" else 1 + (gives == "but one")
    assert sorted(map(len, asked)) == sorted([*[1] * each, 16, 16, 8])
    assert len(looked) == 41 + (gives == "but one")
