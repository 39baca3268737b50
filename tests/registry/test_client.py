"""The registry client against real registries: open, with a password, with a token server, and against liars."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from planner.errors import RegistryError
from planner.registry import catalog
from planner.registry.catalog import tags_of
from planner.registry.client import HttpRegistry
from tests.engine.engine import Engine
from tests.engine.registry import running_registry


def image(engine: Engine, name: str) -> str:
    """A seeded image's digest."""
    return engine.seed([f"{name}:1"], folder="client")[f"{name}:1"]


def test_looks_up_and_tags(engine: Engine) -> None:
    registry = HttpRegistry()
    repository = f"{engine.registry.address}/client/plain"
    digest = image(engine, "plain")
    assert registry.digest_of(repository, "1") == digest
    assert registry.digest_of(repository, digest) == digest
    assert registry.digest_of(repository, "2") is None
    assert registry.digest_of(f"{engine.registry.address}/client/none", "1") is None
    registry.tag(repository, digest, "2")
    assert registry.digest_of(repository, "2") == digest
    with pytest.raises(RegistryError, match="status 404"):
        registry.tag(repository, "sha256:" + "0" * 64, "3")


def test_says_when_nobody_answers() -> None:
    with pytest.raises(RegistryError, match="does not answer: Connection refused"):
        HttpRegistry().digest_of("127.0.0.1:1/x", "1")
    with pytest.raises(RegistryError, match=r"registry\.invalid: does not answer: .*[Nn]ame"):
        HttpRegistry().digest_of("registry.invalid/x", "1")


def test_a_registry_with_a_password(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = subprocess.run(
        ["python3", "-c", "import crypt; print(crypt.crypt('sesame', crypt.mksalt(crypt.METHOD_BLOWFISH)))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert hashed.startswith("$2")
    (tmp_path / "htpasswd").write_text(f"ali:{hashed}\n")
    settings = {"auth": {"htpasswd": {"realm": "r", "path": str(tmp_path / "htpasswd")}}}
    with running_registry(engine.programs / "registry", tmp_path / "registry", settings=settings) as closed:
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        with pytest.raises(RegistryError, match="docker login") as refused:
            HttpRegistry().digest_of(f"{closed.address}/x", "1")
        login = base64.b64encode(b"ali:sesame").decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {closed.address: {"auth": login}}}))
        assert HttpRegistry().digest_of(f"{closed.address}/x", "1") is None
        wrong = base64.b64encode(b"ali:other").decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {closed.address: {"auth": wrong}}}))
        with pytest.raises(RegistryError, match="status 401") as again:
            HttpRegistry().digest_of(f"{closed.address}/x", "1")
        assert "sesame" not in f"{refused.value} {again.value}"


Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def answering(
    answers: dict[str, Answer], seen: list[tuple[str, str]] | None = None, otherwise: Answer = (404, {}, b"")
) -> Iterator[str]:
    """A server on loopback that gives fixed answers by path (a question mark begins what is cut off)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if seen is not None:
                seen.append((self.path, self.headers.get("Authorization", "")))
            authorized = self.path if self.headers.get("Authorization") else f"anonymous {self.path}"
            found = answers.get(authorized) or answers.get(self.path.partition("?")[0]) or otherwise
            self.send_response(found[0])
            for name, value in found[1].items():
                self.send_header(name, value.replace("HOST", self.headers["Host"]))
            self.send_header("Content-Length", str(len(found[2])))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(found[2])

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_asks_the_token_server_that_the_registry_names() -> None:
    digest = "sha256:" + "1" * 64
    challenge = 'Bearer realm="http://HOST/token",service="s"'
    seen: list[tuple[str, str]] = []
    answers: dict[str, Answer] = {
        "anonymous /v2/a/b/manifests/1": (401, {"WWW-Authenticate": challenge}, b""),
        "/v2/a/b/manifests/1": (200, {"Docker-Content-Digest": digest}, b""),
        "/token": (200, {}, b'{"access_token": "abc"}'),
    }
    with answering(answers, seen) as host:
        registry = HttpRegistry()
        assert registry.digest_of(f"{host}/a/b", "1") == digest
        assert registry.digest_of(f"{host}/a/b", "1") == digest
    assert [path for path, _ in seen].count("/token?service=s&scope=repository%3Aa%2Fb%3Apull") == 1
    assert seen[-1] == ("/v2/a/b/manifests/1", "Bearer abc")


@pytest.mark.parametrize("first", ["Bearer", "Basic"])
def test_of_two_ways_to_prove_oneself_a_token_is_taken(first: str) -> None:
    """A registry may say both, each in a header of its own."""
    digest = "sha256:" + "1" * 64
    ways = {"Bearer": 'Bearer realm="http://HOST/token",service="s"', "Basic": 'Basic realm="r"'}
    second = "Basic" if first == "Bearer" else "Bearer"
    answers: dict[str, Answer] = {
        "anonymous /v2/a/manifests/1": (401, {"WWW-Authenticate": ways[first], "www-authenticate": ways[second]}, b""),
        "/v2/a/manifests/1": (200, {"Docker-Content-Digest": digest}, b""),
        "/token": (200, {}, b'{"token": "abc"}'),
    }
    with answering(answers) as host:
        assert HttpRegistry().digest_of(f"{host}/a", "1") == digest


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"/v2/a/manifests/1": (200, {}, b"")}, "is no manifest"),
        ({"/v2/a/manifests/1": (200, {"Docker-Content-Digest": "sha256:x"}, b"")}, "names no digest"),
        ({"/v2/a/manifests/1": (500, {}, b"")}, "status 500"),
        ({"/v2/a/manifests/1": (401, {"WWW-Authenticate": 'Bearer realm="http://evil.example/"'}, b"")}, "not safe"),
        ({"/v2/a/manifests/1": (401, {"WWW-Authenticate": 'Bearer realm="http://HOST/t"'}, b"")}, "gives no token"),
        (
            {
                "/v2/a/manifests/1": (401, {"WWW-Authenticate": 'Bearer realm="http://HOST/t"'}, b""),
                "/t": (200, {}, b"no json"),
            },
            "token server does not answer",
        ),
    ],
)
def test_answers_that_make_no_sense(answers: dict[str, Answer], message: str) -> None:
    with answering(answers) as host, pytest.raises(RegistryError, match=message):
        HttpRegistry().digest_of(f"{host}/a", "1")


def test_never_tags_other_bytes_than_the_digest_names() -> None:
    digest = "sha256:" + hashlib.sha256(b"right").hexdigest()
    with (
        answering({f"/v2/a/manifests/{digest}": (200, {}, b"wrong")}) as host,
        pytest.raises(RegistryError, match="other bytes"),
    ):
        HttpRegistry().tag(f"{host}/a", digest, "1")


@pytest.mark.parametrize("count", [1001, 1500, 5000])
def test_all_tags_of_a_registry_that_knows_no_pages(count: int) -> None:
    """It gives all of them each time, whatever is asked."""
    seen: list[tuple[str, str]] = []
    tags = [f"t{number:05}" for number in range(count)]
    with answering({"/v2/a/tags/list": (200, {}, json.dumps({"tags": tags}).encode())}, seen) as host:
        assert tags_of(HttpRegistry(), f"{host}/a") == tuple(tags)
    assert len(seen) == 2


def test_a_part_of_the_tags_is_never_taken_for_all() -> None:
    """A full page that comes again says nothing of what follows."""
    tags = [f"t{number:05}" for number in range(1000)]
    with (
        answering({"/v2/a/tags/list": (200, {}, json.dumps({"tags": tags}).encode())}) as host,
        pytest.raises(RegistryError, match="same page again"),
    ):
        tags_of(HttpRegistry(), f"{host}/a")


def test_more_tags_than_any_repository_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "MAX_TAGS", 2999)
    tags = [f"t{number:05}" for number in range(3000)]
    with (
        answering({"/v2/a/tags/list": (200, {}, json.dumps({"tags": tags}).encode())}) as host,
        pytest.raises(RegistryError, match="more than 2999"),
    ):
        tags_of(HttpRegistry(), f"{host}/a")
