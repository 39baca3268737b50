"""A stand-in for GitHub's cache service, version 2: its three calls, its scopes, and eviction at a limit.

The calls are those that go-actions-cache makes (`cache_v2.go`, the client inside BuildKit v0.32.2), the blobs' end is
as much of Azure's block blobs as that client uses. Who reads and writes what is in the `ac` claim of the runtime token,
as GitHub puts it there: a pull request writes to its own ref and reads its own and the default branch's.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey

from tests.trust import issuing

SECRET = OctKey.import_key("of this stand-in alone, 32 bytes or more")
READ, WRITE = 1, 2
MAIN = "refs/heads/main"
PREFIX = "/twirp/github.actions.results.api.v1.CacheService/"


def runtime_token(run: str) -> str:
    """The token of a job: `main`, `pr/17` or `fork/17`, which GitHub treats alike."""
    number = run.partition("/")[2]
    own = f"refs/pull/{number}/merge" if number else MAIN
    scopes = [{"Scope": own, "Permission": READ | WRITE}] + ([{"Scope": MAIN, "Permission": READ}] if number else [])
    made = issuing.claims(run, ac=json.dumps(scopes), exp=9_999_999_999, nbf=1)
    return jwt.encode({"alg": "HS256"}, made, SECRET)


@dataclass
class Entry:
    scope: str
    key: str
    data: bytes = b""
    blocks: dict[str, bytes] = field(default_factory=dict)
    committed: bool = False
    used: int = 0


@dataclass
class Service:
    """`entries` by number; `limit` in bytes over all of them."""

    url: str
    limit: int
    entries: dict[int, Entry] = field(default_factory=dict)
    evicted: list[Entry] = field(default_factory=list)
    clock: int = 0
    made: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def environment(self, run: str) -> dict[str, str]:
        return {
            "ACTIONS_RUNTIME_TOKEN": runtime_token(run),
            "ACTIONS_RESULTS_URL": f"{self.url}/",
            "ACTIONS_CACHE_SERVICE_V2": "true",
        }

    def scopes(self) -> dict[str, int]:
        """How many entries each scope has."""
        found: dict[str, int] = {}
        for entry in self.entries.values():
            found[entry.scope] = found.get(entry.scope, 0) + entry.committed
        return found

    def call(self, name: str, asked: dict[str, Any], scopes: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        """One call of the service: a status and its answer."""
        writable = next((one["Scope"] for one in scopes if one["Permission"] & WRITE), None)
        if name == "CreateCacheEntry":
            if writable is None:
                return 403, {"code": "permission_denied"}
            if any(one.scope == writable and one.key == asked["key"] for one in self.entries.values()):
                return 409, {"code": "already_exists"}
            self.made += 1
            self.entries[self.made] = Entry(scope=writable, key=asked["key"])
            return 200, {"ok": True, "signed_upload_url": f"{self.url}/blob/{self.made}?sig=x"}
        if name == "FinalizeCacheEntryUpload":
            for number, entry in self.entries.items():
                if entry.scope == writable and entry.key == asked["key"]:
                    entry.committed = True
                    self._use(entry)
                    self._evict()
                    return 200, {"ok": True, "entry_id": str(number)}
            return 404, {"code": "not_found"}
        readable = [one["Scope"] for one in scopes if one["Permission"] & READ]
        return 200, self._found(readable, [asked["key"], *asked.get("restore_keys", [])])

    def _found(self, readable: list[str], keys: list[str]) -> dict[str, Any]:
        """The newest entry that a key begins, in the first scope that has one."""
        for scope in readable:
            for key in keys:
                near = [
                    n for n, e in self.entries.items() if e.committed and e.scope == scope and e.key.startswith(key)
                ]
                if near:
                    entry = self.entries[max(near)]
                    self._use(entry)
                    url = f"{self.url}/blob/{max(near)}?sig=x"
                    return {"ok": True, "signed_download_url": url, "matched_key": entry.key}
        return {"ok": False}

    def _use(self, entry: Entry) -> None:
        self.clock += 1
        entry.used = self.clock

    def _evict(self) -> None:
        while sum(len(one.data) for one in self.entries.values()) > self.limit:
            oldest = min((n for n, e in self.entries.items() if e.committed), key=lambda n: self.entries[n].used)
            self.evicted.append(self.entries.pop(oldest))


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            scopes = json.loads(jwt.decode(token, SECRET, algorithms=["HS256"]).claims["ac"])
            with service.lock:
                status, document = service.call(self.path.removeprefix(PREFIX), json.loads(body), scopes)
            self._answer(status, json.dumps(document).encode())

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            number, query = self._blob()
            with service.lock:
                entry = service.entries[number]
                if query.get("comp") == ["block"]:
                    entry.blocks[query["blockid"][0]] = body
                elif query.get("comp") == ["blocklist"]:
                    entry.data = b"".join(entry.blocks.pop(name) for name in re.findall(r">([^<]+)</", body.decode()))
                else:
                    entry.data = body
            self._answer(201)

        def do_GET(self) -> None:
            number, _ = self._blob()
            with service.lock:
                entry = service.entries.get(number)
            if entry is None:
                self._answer(404)
                return
            asked = self.headers.get("x-ms-range") or self.headers.get("Range") or "bytes=0-"
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            end = int(asked.partition("-")[2] or len(entry.data) - 1)
            place = {"Content-Range": f"bytes {start}-{end}/{len(entry.data)}"}
            self._answer(206, entry.data[start : end + 1], place)

        def _blob(self) -> tuple[int, dict[str, list[str]]]:
            parts = urllib.parse.urlsplit(self.path)
            return int(parts.path.rpartition("/")[2]), urllib.parse.parse_qs(parts.query)

        def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            always = {"x-ms-request-id": "1", "ETag": '"1"', "Content-Length": str(len(body))}
            for name, value in {**always, **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return None

    return Handler


@contextmanager
def running_cache(limit: int = 10 << 30) -> Iterator[Service]:
    service = Service(url="", limit=limit)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
