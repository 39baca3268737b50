"""What is asked of a registry before the keys are known saves time, and never changes what a plan says."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from planner.errors import RegistryError
from planner.model.build import Record
from planner.registry.ahead import Ahead
from planner.registry.artefact import record_tag
from planner.registry.client import HttpRegistry
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from tests.engine.engine import Engine
from tests.registry.faults import Fault, faulty
from tests.registry.test_client import Answer, answering
from tests.registry.test_faults import DIRECT, KEY, NAME, impatient, look, publish, push

OTHER = "x3-" + "3" * 32


def look_ahead(prefix: str, folder: Path, registry: HttpRegistry, key: str = KEY) -> Record | None:
    """As a plan does that begins to ask before it knows which keys are wanted."""
    snapshot = Snapshot(folder)
    published = PublishedRecords(registry, prefix, snapshot, ahead=Ahead(registry, snapshot, prefix))
    published.look({NAME: key})
    found = published.find(NAME, ("linux/amd64", "linux/arm64"), key)
    return found[0] if found else None


def known(engine: Engine, name: str, folder: Path) -> tuple[str, str]:
    """A published image whose record stands in the snapshot of a folder; gives prefix and digest."""
    prefix = f"{engine.registry.address}/{name}"
    digest = push(engine.registry.address, f"{name}/{NAME}")
    publish(prefix, digest, folder)
    found = look(prefix, folder / "snapshot", DIRECT)
    assert found is not None
    snapshot = Snapshot(folder / "snapshot")
    registry = HttpRegistry()
    published = PublishedRecords(registry, prefix, snapshot)
    published.look({NAME: KEY})
    snapshot.save(prefix, 1.0)
    return prefix, digest


def test_it_finds_what_is_there_with_one_request(engine: Engine, tmp_path: Path) -> None:
    prefix, digest = known(engine, "ahead-there", tmp_path)
    with faulty(engine.registry.address) as proxy:
        far = prefix.replace(engine.registry.address, proxy.address)
        assert look(far, tmp_path / "far", impatient()) is not None
        snapshot = Snapshot(tmp_path / "far")
        PublishedRecords(impatient(), far, snapshot).look({NAME: KEY})
        snapshot.save(far, 1.0)
        proxy.arm(None)
        found = look_ahead(far, tmp_path / "far", impatient())
        assert proxy.seen == [f"HEAD /v2/ahead-there/{NAME}/manifests/{KEY}"]
    assert found is not None
    assert found.stored.digest == digest


def test_an_image_that_is_gone_is_gone(engine: Engine, tmp_path: Path) -> None:
    prefix, digest = known(engine, "ahead-gone", tmp_path)
    assert DIRECT.delete(f"{prefix}/{NAME}", digest)
    assert look_ahead(prefix, tmp_path / "snapshot", impatient()) is None


def test_a_tag_that_moved_is_looked_at_again(engine: Engine, tmp_path: Path) -> None:
    prefix, digest = known(engine, "ahead-moved", tmp_path)
    other = push(engine.registry.address, f"ahead-moved/{NAME}", "two")
    DIRECT.tag(f"{prefix}/{NAME}", other, KEY)
    found = look_ahead(prefix, tmp_path / "snapshot", impatient())
    assert found is not None, "its image is there, only its tag is not"
    assert found.stored.digest == digest
    assert DIRECT.delete(f"{prefix}/{NAME}", digest)
    assert look_ahead(prefix, tmp_path / "snapshot", impatient()) is None


def test_another_key_than_was_expected(engine: Engine, tmp_path: Path) -> None:
    prefix, _ = known(engine, "ahead-other", tmp_path)
    assert look_ahead(prefix, tmp_path / "snapshot", impatient(), OTHER) is None


def test_a_failure_is_told_when_its_answer_is_wanted_and_only_then(engine: Engine, tmp_path: Path) -> None:
    prefix, _ = known(engine, "ahead-fails", tmp_path)
    with faulty(engine.registry.address) as proxy:
        far = prefix.replace(engine.registry.address, proxy.address)
        snapshot = Snapshot(tmp_path / "far")
        PublishedRecords(impatient(), far, snapshot).look({NAME: KEY})
        snapshot.save(far, 1.0)
        proxy.arm(Fault.BROKEN, 0, 3)
        with pytest.raises(RegistryError, match="status 500"):
            look_ahead(far, tmp_path / "far", impatient())
        proxy.arm(Fault.BROKEN, 0, 3)
        ahead = Ahead(impatient(), Snapshot(tmp_path / "far"), far)
        assert ahead.named(f"{far}/{NAME}", OTHER) is None
        with pytest.raises(RegistryError, match="status 500"):
            ahead.named(f"{far}/{NAME}", KEY)


def test_where_each_repository_wants_a_token_many_are_asked_at_once(tmp_path: Path) -> None:
    """Not one after the other, as questions that could go together would be."""
    active, most, lock = 0, 0, threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            nonlocal active, most
            with lock:
                active += 1
                most = max(most, active)
            time.sleep(0.05)
            body = b'{"token": "t"}' if self.path.startswith("/token") else b""
            self.send_response(200 if body or self.headers.get("Authorization") else 401)
            host = self.headers["Host"]
            self.send_header("WWW-Authenticate", f'Bearer realm="http://{host}/token",service="s"')
            self.send_header("Docker-Content-Digest", "sha256:" + "1" * 64)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)
            with lock:
                active -= 1

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        prefix = f"127.0.0.1:{server.server_address[1]}/x"
        snapshot = Snapshot(tmp_path)
        for number in range(33):
            snapshot.keep(f"{prefix}/{number}", record_tag(KEY), b"{}")
        ahead = Ahead(impatient(), snapshot, prefix)
        assert {ahead.named(f"{prefix}/{number}", KEY) for number in range(33)} == {"sha256:" + "1" * 64}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert most >= 8


def waiting_for(prefix: str, folder: Path, registry: HttpRegistry) -> list[BaseException | str | None]:
    """What is said of each of three images whose keys a snapshot knows. Fails where one waits for ever."""
    snapshot = Snapshot(folder)
    for number in range(3):
        snapshot.keep(f"{prefix}/{number}", record_tag(KEY), b"{}")
    ahead = Ahead(registry, snapshot, prefix)
    said: list[BaseException | str | None] = []

    def ask() -> None:
        for number in range(3):
            try:
                said.append(ahead.named(f"{prefix}/{number}", KEY))
            except Exception as error:
                said.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(10)
    assert not asking.is_alive(), "nobody answers any more"
    return said


def test_an_answer_that_leads_to_no_address_is_an_error(tmp_path: Path) -> None:
    moved: Answer = (307, {"Location": "http://[::1/x"}, b"")
    with answering({f"/v2/a/{number}/manifests/{KEY}": moved for number in range(3)}) as host:
        said = waiting_for(f"{host}/a", tmp_path, impatient())
    assert [type(one) for one in said] == [RegistryError] * 3


class Mistaken(HttpRegistry):
    """A client with a mistake of ours."""

    def digests_of(self, host: str, wanted: Sequence[tuple[str, str]]) -> Iterator[str | None]:
        raise KeyError("ours")


def test_a_mistake_of_ours_is_told_to_whoever_waits(tmp_path: Path) -> None:
    said = waiting_for("127.0.0.1:1/a", tmp_path, Mistaken())
    assert [type(one) for one in said] == [KeyError] * 3


def test_where_there_are_no_more_threads_one_asks_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Scarce(threading.Thread):
        def start(self) -> None:
            if threading.current_thread() is not threading.main_thread():
                raise RuntimeError("can't start new thread")
            super().start()

    class Stocked(HttpRegistry):
        def digests_of(self, host: str, wanted: Sequence[tuple[str, str]]) -> Iterator[str | None]:
            return (repository for repository, _ in wanted)

    monkeypatch.setattr(threading, "Thread", Scarce)
    assert waiting_for("127.0.0.1:1/a", tmp_path, Stocked()) == [f"127.0.0.1:1/a/{number}" for number in range(3)]
