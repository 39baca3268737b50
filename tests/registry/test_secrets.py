"""Secrets that are planted everywhere are found nowhere: not in what commands say, not in what they leave behind.

Each command is run as it goes well and as it goes wrong, against a real registry with a password behind a proxy that
makes faults, and against a token server; then all output and all files are searched.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.build.family import BuildSpace
from tests.engine.engine import Engine
from tests.engine.registry import running_registry
from tests.registry.faults import Fault, faulty

PASSWORD, WRONG = "planted-password-5f1c", "planted-wrong-password-91aa"
IDENTITY_TOKEN, BEARER = "planted-identity-token-77d0", "planted-bearer-token-c3e8"
USERINFO, PROXY = "planted-userinfo-40b6", "planted-proxy-password-e215"
BUILD, HELPER = "planted-build-secret-8a9f", "planted-helper-output-12cd"
SECRETS = (PASSWORD, WRONG, IDENTITY_TOKEN, BEARER, USERINFO, PROXY, BUILD, HELPER)
PLAN, GC = ("plan", "--against", "published"), ("gc", "--grace", "0", "--apply")
FAULTS = (Fault.UNAUTHORIZED, Fault.FORBIDDEN, Fault.BROKEN, Fault.CUT_MIDWAY, Fault.CORRUPTED, Fault.WRONG_DIGEST)
CANARY = "planted-word-that-is-no-secret"
GRAPH = """\
version: 1
registry: {registry}
images:
  app: {{dockerfile: app.Dockerfile, secrets: ["id=word,env=WORD"]}}
"""
DOCKERFILE = f"""\
FROM ubuntu:22.04
COPY app.txt /
RUN --mount=type=secret,id=word test "$(cat /run/secrets/word)" = {{expected}} && echo {CANARY}
"""


class Searched:
    """A workspace whose every output is kept."""

    def __init__(self, space: BuildSpace) -> None:
        self.space = space
        self.said: list[str] = []

    def run(self, *arguments: str, **environment: str) -> int:
        run = self.space.planner(*arguments, **{**self.space.engine.environment, "WORD": BUILD, **environment})
        assert "Traceback" not in run.stderr
        self.said.append(f"{arguments}\n{run.stdout}\n{run.stderr}")
        return run.returncode

    def found(self, *words: str) -> list[str]:
        """Where a word stands: in what a command said, or in a file that it left."""
        hits = [f"{word} in {said[:200]}" for said in self.said for word in words if word in said]
        for folder, _, files in os.walk(self.space.root):
            for file in files:
                data = (Path(folder) / file).read_bytes()
                hits += [f"{word} in {folder}/{file}" for word in words if word.encode() in data]
        return hits

    def expect_clean(self) -> None:
        encoded = (base64.b64encode(f"ali:{secret}".encode()).decode() for secret in SECRETS)
        assert self.found(*SECRETS, *encoded) == []


@pytest.fixture
def searched(engine: Engine, tmp_path: Path) -> Searched:
    return Searched(BuildSpace(tmp_path / "family", engine))


def configured(folder: Path, **content: object) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content))
    return os.fspath(folder)


def basic(host: str, password: str) -> dict[str, dict[str, str]]:
    return {host: {"auth": base64.b64encode(f"ali:{password}".encode()).decode()}}


def test_a_password_and_a_build_secret(engine: Engine, searched: Searched, tmp_path: Path) -> None:
    script = f"import crypt; print(crypt.crypt('{PASSWORD}', crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))"
    hashed = subprocess.run(["python3", "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "htpasswd").write_text(f"ali:{hashed}\n")
    settings = {"auth": {"htpasswd": {"realm": "r", "path": os.fspath(tmp_path / "htpasswd")}}}
    with (
        running_registry(engine.programs / "registry", tmp_path / "registry", settings=settings) as closed,
        faulty(closed.address) as proxy,
    ):
        right = configured(tmp_path / "right", auths=basic(proxy.address, PASSWORD))
        wrong = configured(tmp_path / "wrong", auths=basic(proxy.address, WRONG))
        nobody = configured(tmp_path / "nobody")
        secret = "$(printf %s " + "".join(f"\\\\{ord(letter):o}" for letter in BUILD) + ")"
        searched.space.write(
            {
                "images.yaml": GRAPH.format(registry=f"{proxy.address}/fam"),
                "app.Dockerfile": DOCKERFILE.format(expected=f'"{secret.replace("%s", "%b")}"'),
                "app.txt": "one\n",
            }
        )
        searched.space.commit()
        assert searched.run("build", "--push", DOCKER_CONFIG=right) == 0, searched.said
        assert searched.run("plan", "--against", "published", DOCKER_CONFIG=right) == 0
        assert searched.run("gc", "--grace", "0", DOCKER_CONFIG=right) == 0
        assert searched.run("why", "app", "--from", "published", DOCKER_CONFIG=right) == 0
        for login in (wrong, nobody):
            assert searched.run("plan", "--against", "published", DOCKER_CONFIG=login) == 1
            assert searched.run("gc", DOCKER_CONFIG=login) == 1
            searched.run("doctor", DOCKER_CONFIG=login)
        for at, fault in enumerate(FAULTS):
            proxy.arm(fault, at % 2, 8)
            searched.run(*(PLAN, GC)[at % 2], DOCKER_CONFIG=right)
        searched.space.write({"app.txt": "two\n"})
        for login, fault in ((right, Fault.FORBIDDEN), (wrong, None)):
            proxy.arm(fault, 2, 1_000)
            assert searched.run("build", "--push", "--format", "json", DOCKER_CONFIG=login) == 1
        proxy.arm(None)
        assert searched.run("build", "--push", DOCKER_CONFIG=right) == 0
        assert not [line for line in proxy.every for word in SECRETS if word in line]
    assert searched.found(CANARY), "what is not secret is found, so the search works"
    searched.expect_clean()


@contextmanager
def token_registry(seen: list[str]) -> Iterator[str]:
    """A registry that holds nothing, with a token server that takes an identity token and repeats what it is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append(f"{self.path} {self.headers.get('Authorization', '')} {body.decode()}")
            if self.path.startswith("/token"):
                good = f"refresh_token={IDENTITY_TOKEN}" in body.decode()
                answer = json.dumps({"access_token": BEARER} if good else {"errors": [{"message": body.decode()}]})
                self._give(200 if good else 400, answer.encode(), {})
            elif self.headers.get("Authorization") == f"Bearer {BEARER}":
                self._give(404, b"{}", {})
            else:
                challenge = f'Bearer realm="http://{self.headers["Host"]}/token",service="s"'
                self._give(401, f'{{"you sent": "{body.decode()}"}}'.encode(), {"WWW-Authenticate": challenge})

        do_HEAD = do_POST = do_GET

        def _give(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def write_plain(space: BuildSpace, registry: str, more: str = "") -> None:
    graph = f"version: 1\nregistry: {registry}\nimages: {{app: {{}}}}\n"
    space.write({"images.yaml": graph, "Dockerfile": f"FROM scratch\nCOPY app.txt /\n{more}", "app.txt": "one\n"})
    space.commit()


def test_an_identity_token_and_what_it_is_exchanged_for(searched: Searched, tmp_path: Path) -> None:
    seen: list[str] = []
    with token_registry(seen) as host:
        write_plain(searched.space, f"{host}/fam")
        good = configured(tmp_path / "good", auths={host: {"identitytoken": IDENTITY_TOKEN}})
        assert searched.run("plan", "--against", "published", DOCKER_CONFIG=good) == 0, searched.said
        assert any(f"Bearer {BEARER}" in line for line in seen)
        bad = configured(tmp_path / "bad", auths={host: {"identitytoken": f"{WRONG}-token"}})
        for command in (("plan", "--against", "published"), ("gc",), ("doctor",)):
            searched.run(*command, DOCKER_CONFIG=good)
            assert searched.run(*command, DOCKER_CONFIG=bad) == (0 if command == ("doctor",) else 1)
        assert any(WRONG in line for line in seen)
        assert not [line for line in seen if IDENTITY_TOKEN in line and not line.startswith("/token")]
    searched.expect_clean()


def test_a_credential_helper_that_fails_loudly(searched: Searched, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "docker-credential-loud"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho {HELPER}\necho {HELPER} >&2\nexit 1\n")
    program.chmod(0o755)
    with token_registry([]) as host:
        write_plain(searched.space, f"{host}/fam")
        config = configured(tmp_path / "config", credHelpers={host: "loud"})
        path = f"{program.parent}:{searched.space.engine.environment['PATH']}"
        assert searched.run("plan", "--against", "published", DOCKER_CONFIG=config, PATH=path) == 1
        assert "stored login cannot be read" in searched.said[-1]
    searched.expect_clean()


def test_logins_in_addresses(searched: Searched) -> None:
    with socket.socket() as proxy:
        proxy.bind(("127.0.0.1", 0))
        proxy.listen(50)
        heard: list[bytes] = []
        thread = threading.Thread(target=refusing, args=(proxy, heard), daemon=True)
        thread.start()
        through = f"http://ali:{PROXY}@127.0.0.1:{proxy.getsockname()[1]}"
        write_plain(searched.space, "registry.invalid/fam", f"ADD https://ali:{USERINFO}@127.0.0.1:1/file /\n")
        environment = {"HTTPS_PROXY": through, "HTTP_PROXY": through, "NO_PROXY": ""}
        assert searched.run("plan", "--against", "published", **environment) == 1
        assert base64.b64encode(f"ali:{PROXY}".encode()) in b"".join(heard)
        proxy.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    searched.space.git("remote", "add", "origin", f"http://ali:{USERINFO}@127.0.0.1:1/repository")
    for command in (
        ("plan", "--against", f"ali:{USERINFO}@registry.invalid/fam"),
        ("plan", "--against", f"https://ali:{USERINFO}@registry.invalid/fam"),
        ("lock",),
        ("doctor",),
        ("gc",),
    ):
        searched.run(*command)
    said = [line for line in "\n".join(searched.said).splitlines() if not line.startswith("('plan', '--against', ")]
    assert not [line for line in said for word in (USERINFO, PROXY) if word in line]


def refusing(listening: socket.socket, heard: list[bytes]) -> None:
    """A proxy that lets nobody through."""
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        with client:
            heard.append(client.recv(65536))
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
