"""A registry on a free loopback port, with its storage in a folder, and the few requests that tests make to it."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engine.server import Server

LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")
QUIET = {"OTEL_TRACES_EXPORTER": "none"}


@dataclass(frozen=True, kw_only=True)
class Registry:
    """`address` is HOST:PORT; it speaks plain HTTP."""

    address: str
    log: Path

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body; an error status is an answer too."""
        url = path if path.startswith("http://") else f"http://{self.address}{path}"
        request = urllib.request.Request(url, data=body, method=method, headers=headers or {})  # noqa: S310
        try:
            with _direct.open(request, timeout=60) as answer:
                status, given, content = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            status, given, content = error.code, error.headers, error.read()
        return status, {name.lower(): value for name, value in given.items()}, content

    def tags(self, name: str) -> list[str]:
        status, _, content = self.request("GET", f"/v2/{name}/tags/list")
        return sorted(json.loads(content)["tags"] or ()) if status == 200 else []


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy has no way to our loopback


def configuration_of(folder: Path, address: str) -> dict[str, Any]:
    """What a registry at an address with its storage in a folder reads."""
    return {
        "version": "0.1",
        "log": {"accesslog": {"disabled": True}, "level": "info"},
        "storage": {
            "filesystem": {"rootdirectory": os.fspath(folder / "storage")},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {"addr": address, "secret": "of this run only"},
    }


@contextmanager
def running_registry(program: Path, folder: Path, *, settings: dict[str, Any] | None = None) -> Iterator[Registry]:
    """`settings` adds to or replaces the top level of the configuration, for example `auth`."""
    folder.mkdir(parents=True)
    configuration = {**configuration_of(folder, "127.0.0.1:0"), **(settings or {})}
    (folder / "config.yml").write_text(json.dumps(configuration))  # JSON is YAML
    log = folder / "registry.log"
    server = Server(
        [os.fspath(program), "serve", os.fspath(folder / "config.yml")],
        log=log,
        ready=lambda text: LISTENING.search(text) is not None,
        environment=QUIET,
    )
    try:
        server.wait_until_ready()
        found = LISTENING.search(log.read_text(errors="replace"))
        assert found is not None
        yield Registry(address=found[1], log=log)
    finally:
        server.stop()
