"""Remote builders over mTLS: what is seen of them, what is wrong with them in plain words, and builds on them."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from planner.errors import DefinitionError
from planner.sources.pool_file import read
from tests.build.family import BuildSpace, Family
from tests.build.remotes import Authority, free_port, running_remote
from tests.cli.test_documents import check
from tests.engine.engine import Engine
from tests.engine.workfolder import work_folder


@pytest.fixture(scope="module")
def remotes(engine: Engine) -> Iterator[tuple[Authority, str, str]]:
    """Two buildkitds of one CA; the second one's certificate ends within the hour."""
    with work_folder() as folder:
        authority = Authority(folder / "certs")
        authority.issue("client")
        with (
            running_remote(engine, folder / "one", authority) as one,
            running_remote(engine, folder / "two", authority, days=0) as two,
        ):
            yield authority, one, two


class Pool:
    """A pool.yaml in a workspace, and what the command says of it."""

    def __init__(self, space: BuildSpace, folder: Path, builders: dict[str, Any], tls: dict[str, str]) -> None:
        self.space = space
        self.file = folder / "pool.yaml"
        self.file.write_text(json.dumps({"version": 1, "tls": tls, "builders": builders}))
        environment = {key: text for key, text in space.engine.environment.items() if key != "BUILDKIT_HOST"}
        self.environment = {
            **environment,
            "PLANNER_POOL": os.fspath(self.file),
            "PLANNER_BUILDERS": os.fspath(folder / "notes"),
        }

    def run(self, *words: str) -> Any:
        run = self.space.planner(*words, **self.environment)
        assert "Traceback" not in run.stderr
        return run

    def looks(self, *words: str) -> dict[str, Any]:
        run = self.run("pool", "list", *words, "--format", "json")
        assert run.returncode == 0, run.stderr
        document = json.loads(run.stdout)
        check("pool", document)
        return {one["name"]: one for one in document["builders"]}


@pytest.fixture
def certs(remotes: tuple[Authority, str, str]) -> dict[str, str]:
    folder = remotes[0].folder
    return {
        part: os.fspath(folder / name)
        for part, name in (("ca", "ca.pem"), ("cert", "client.pem"), ("key", "client-key.pem"))
    }


def test_two_builders_are_seen_checked_drained_and_used(
    family: Family, remotes: tuple[Authority, str, str], certs: dict[str, str], tmp_path: Path
) -> None:
    _, one, two = remotes
    space = family()
    pool = Pool(space, tmp_path, {"one": {"address": one, "weight": 2}, "two": {"address": two}}, certs)
    seen = pool.looks()
    for name in ("one", "two"):
        assert seen[name]["answers"], seen[name]["error"]
        assert "linux/amd64" in seen[name]["platforms"]
        assert seen[name]["buildkit"].startswith("v0.")
        assert seen[name]["disk_bytes"] is not None
    days = {cert["what"]: cert["days_left"] for cert in seen["one"]["certificates"]}
    assert 360 < days["the builder's certificate"] < 366
    assert 360 < days["the client's certificate"] < 366
    assert 3600 < days["the CA"] < 3651
    assert pool.run("pool", "check", "one").returncode == 0
    checked = pool.run("pool", "check", "--days", "1")
    assert checked.returncode == 1, "a certificate ends within the hour"
    assert "the builder's certificate: valid for 0 days" in checked.stdout

    assert pool.run("pool", "list", "--format", "builder").stdout == "pool:one=2,pool:two=1\n"
    assert pool.run("pool", "drain").returncode == 2
    assert pool.run("pool", "drain", "one").returncode == 0
    assert pool.looks("one")["one"]["drained"]
    assert pool.run("pool", "list", "--format", "builder").stdout == "pool:two=1\n"
    both = pool.run("build", "--builder", "pool:one=2,pool:two", "base", "--format", "json")
    assert both.returncode == 0, both.stderr
    assert "is drained since" in both.stderr
    assert "building without it" in both.stderr
    for spec in ("pool:one", f"buildkit:{one}"):
        refused = pool.run("build", "--builder", spec)
        assert refused.returncode == 1
        assert "is drained since" in refused.stderr
    assert pool.run("pool", "drain", "one", "--undo").returncode == 0
    before = pool.looks("one")["one"]["disk_bytes"]
    named = pool.run("pool", "list", "--format", "builder").stdout.strip()
    built = pool.run("build", "--all", "--builder", named, "--format", "json")
    assert built.returncode == 0, built.stderr
    assert {image["outcome"] for image in json.loads(built.stdout)["images"]} == {"built"}
    assert pool.looks("one")["one"]["disk_bytes"] > before, "some was built there"


def test_what_is_wrong_is_said(
    family: Family, engine: Engine, remotes: tuple[Authority, str, str], certs: dict[str, str], tmp_path: Path
) -> None:
    authority, one, _ = remotes
    foreign = Authority(tmp_path / "foreign", "foreign")
    foreign_client = dict(zip(("cert", "key"), map(os.fspath, foreign.issue("client")), strict=True))
    old_client = dict(zip(("cert", "key"), map(os.fspath, authority.issue("old", days=-2)), strict=True))
    (tmp_path / "no.pem").write_text("nothing\n")
    with (
        work_folder() as folder,
        running_remote(engine, folder / "old", authority, days=-2) as expired,
        running_remote(engine, folder / "named", authority, host="big.example") as named,
        plain_greeter() as plain,
    ):
        builders = {
            "expired": {"address": expired},
            "named": {"address": named},
            "right-name": {"address": named, "server_name": "big.example"},
            "foreign-ca": {"address": one, "ca": os.fspath(foreign.path)},
            "foreign-client": {"address": one, **foreign_client},
            "old-client": {"address": one, **old_client},
            "nobody": {"address": f"tcp://127.0.0.1:{free_port()}"},
            "plain": {"address": plain},
            "no-file": {"address": one, "cert": "missing.pem"},
            "no-pem": {"address": one, "cert": "no.pem"},
        }
        space, told = family(), {}
        for name, entry in builders.items():  # Each alone: a pool has no two builders of one address.
            found = Pool(space, tmp_path, {name: entry}, certs).looks()
            told |= {name: look["error"] or "" for name, look in found.items()}
    assert "has expired: renew it" in told["expired"]
    assert "for another name" in told["named"]
    assert told["right-name"] == ""
    assert "another CA than the pool's" in told["foreign-ca"]
    assert "refuses the client's certificate" in told["foreign-client"]
    assert "refuses the client's certificate" in told["old-client"]
    assert "cannot be reached: Connection refused" in told["nobody"]
    assert "does not speak TLS" in told["plain"]
    assert "missing.pem: cannot be read: No such file" in told["no-file"]
    assert "no.pem: holds no certificate" in told["no-pem"]


class plain_greeter:
    """Something that is no TLS."""

    def __enter__(self) -> str:
        self.server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return f"tcp://127.0.0.1:{self.server.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(1000)

    def __exit__(self, *_: object) -> None:
        self.server.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("builders: {a: {address: 'tcp://a:1'}}", "has no version"),
        ("version: 1\n", "names no builders"),
        ("version: 1\nbuilders: {a: {address: a}}", "must be tcp://HOST:PORT"),
        ("version: 1\nbuilders: {a: {address: 'tcp://a:70000'}}", "must be tcp://HOST:PORT"),
        ("version: 1\nbuilders: {a: {address: 'tcp://a:1', ca: x}}", "all three"),
        ("version: 1\nbuilders: {a: {address: 'tcp://a:1', weight: 0}}", "above 0"),
        ("version: 1\nbuilders: {a: {address: 'tcp://a:1', adress: 0}}", "unknown field"),
        ("version: 1\nbuilders: {'a b': {address: 'tcp://a:1'}}", "a name is letters"),
        ("version: 1\nbuilders: {a: {address: 'tcp://a:1'}, b: {address: 'tcp://a:1'}}", "at the address of a"),
        ("version: 1\ntls: {ca: 'a,b', cert: b, key: c}\nbuilders: {a: {address: 'tcp://a:1'}}", "holds a comma"),
    ],
)
def test_files_that_are_refused(text: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        read(text.encode(), "pool.yaml")


def test_a_builder_takes_what_all_share_unless_it_has_its_own() -> None:
    text = "version: 1\ntls: {ca: ca.pem, cert: c.pem, key: k.pem}\nbuilders:\n  a: {address: 'tcp://a:1'}\n"
    one, two = read(f"{text}  b: {{address: 'tcp://[::1]:2', cert: d.pem, weight: 2}}\n".encode(), "pool.yaml")
    assert (one.cert, one.host, one.port, one.weight) == ("c.pem", "a", 1, 1.0)
    assert (two.cert, two.host, two.port, two.weight) == ("d.pem", "::1", 2, 2.0)
