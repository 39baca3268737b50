"""A provider that is slow keeps nobody from going on with the keys that are known."""

from __future__ import annotations

import json
import queue
import threading
import time

import pytest

from planner.registry import timely
from planner.trust.key_sets import KEEP, IssuerKeys, fetch
from tests.registry.trickle import trickling
from tests.trust import issuing
from tests.trust.issuing import ISSUER

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: "


@pytest.mark.parametrize(("first", "piece"), [(HEAD + b"100\r\n\r\n", b"x"), (b"HTTP/1.1 200 OK\r\nA: ", b"x")])
def test_a_provider_that_trickles_its_keys_holds_nobody_up(
    first: bytes, piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timely, "WHOLE", 0.3)
    with trickling(first, piece, 90) as server:
        began = time.monotonic()
        assert IssuerKeys(f"http://127.0.0.1:{server.port}", fetch).find("any") is None
        assert time.monotonic() - began < 2, "all of it would take 4.5 seconds"


def test_whoever_has_a_key_waits_for_nobody_who_fetches() -> None:
    """A stranger's token names a key that is not there, and the provider does not answer: others go on."""
    now, begun, over = [0.0], threading.Event(), threading.Event()
    sound = {
        f"{ISSUER}/.well-known/openid-configuration": json.dumps({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}),
        f"{ISSUER}/keys": issuing.key_set(),
    }

    def fetch(url: str) -> bytes:
        if now[0]:
            begun.set()
            over.wait(30)
        return sound[url].encode()

    keys = IssuerKeys(ISSUER, fetch, lambda: now[0])
    assert keys.find("github-1") is not None
    now[0] = KEEP + 1
    stranger = threading.Thread(target=keys.find, args=["made-up"], daemon=True)
    stranger.start()
    try:
        assert begun.wait(10)
        found: queue.SimpleQueue[object] = queue.SimpleQueue()
        threading.Thread(target=lambda: found.put(keys.find("github-1")), daemon=True).start()
        assert found.get(timeout=10) is not None
    finally:
        over.set()
        stranger.join(10)
