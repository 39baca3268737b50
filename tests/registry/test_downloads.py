"""Long bodies over connections that are cut: they go on where they broke off, and come out as their digest says."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

import pytest

from planner.errors import RegistryError
from planner.registry.client import HttpRegistry, digest_of
from planner.registry.copying import copy_blob
from planner.registry.download import checksum
from planner.registry.transport import Patience, Transport
from tests.engine.engine import Engine
from tests.registry.faults import Fault, Proxy, faulty

SIZE = 3 << 20
BODY = random.Random(1).randbytes(SIZE)  # noqa: S311 -- bytes that no compression makes fewer
DIGEST = digest_of(BODY)
PARTS = ["", f"bytes={SIZE // 2}-", f"bytes={SIZE * 3 // 4}-"]


@pytest.fixture
def proxy(engine: Engine) -> Iterator[Proxy]:
    HttpRegistry().put_blob(f"{engine.registry.address}/down/load", BODY)
    with faulty(engine.registry.address) as running:
        yield running


def impatient() -> HttpRegistry:
    return HttpRegistry(Transport(Patience(tries=3, first=0.001, longest=0.01)))


def test_a_blob_goes_on_where_it_was_cut(proxy: Proxy) -> None:
    proxy.arm(Fault.CUT_MIDWAY, 0, 2)
    assert impatient().blob(f"{proxy.address}/down/load", DIGEST, SIZE) == BODY
    assert proxy.ranges == PARTS


def test_a_registry_without_ranges_sends_all_of_it_again(proxy: Proxy) -> None:
    proxy.without = frozenset({"range"})
    proxy.arm(Fault.CUT_MIDWAY, 0, 2)
    assert impatient().blob(f"{proxy.address}/down/load", DIGEST, SIZE) == BODY
    assert proxy.ranges == ["", f"bytes={SIZE // 2}-", f"bytes={SIZE // 2}-"]


def test_a_rest_of_other_bytes_is_no_part_of_it(proxy: Proxy) -> None:
    proxy.arm(Fault.CUT_MIDWAY, 0, 1)

    def second(number: int, _: str) -> None:
        if number == 1:
            proxy.fault, proxy.at = Fault.CORRUPTED, 1

    proxy.on_request = second
    with pytest.raises(RegistryError, match="other bytes"):
        impatient().blob(f"{proxy.address}/down/load", DIGEST, SIZE)
    assert proxy.number == 2


def test_the_wrong_part_is_refused(proxy: Proxy) -> None:
    proxy.without = frozenset({"content-range"})
    proxy.arm(Fault.CUT_MIDWAY, 0, 1)
    with pytest.raises(RegistryError, match="another part"):
        impatient().blob(f"{proxy.address}/down/load", DIGEST, SIZE)


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.CUT_MIDWAY, Fault.BROKEN])
def test_what_never_ends_is_given_up(proxy: Proxy, fault: Fault) -> None:
    proxy.arm(fault, 0, 1_000)
    with pytest.raises(RegistryError):
        impatient().blob(f"{proxy.address}/down/load", DIGEST, SIZE)
    assert proxy.number < 40


def test_a_blob_is_no_longer_than_it_may_be(proxy: Proxy) -> None:
    with pytest.raises(RegistryError, match="more than"):
        impatient().blob(f"{proxy.address}/down/load", DIGEST, SIZE - 1)


def test_a_copy_is_sent_once_though_its_source_is_cut(engine: Engine, proxy: Proxy) -> None:
    proxy.arm(Fault.CUT_MIDWAY, 0, 2)
    with faulty(engine.registry.address) as target:
        how = copy_blob(impatient(), f"{proxy.address}/down/load", DIGEST, SIZE, f"{target.address}/down/cut")
        assert [line.partition(" ")[0] for line in target.seen] == ["HEAD", "POST", "PUT"]
    assert how == "streamed"
    assert proxy.ranges == PARTS
    assert HttpRegistry().blob(f"{engine.registry.address}/down/cut", DIGEST, SIZE) == BODY


def test_a_checksum_goes_on_where_the_server_vouches_for_the_rest(proxy: Proxy) -> None:
    url, truth = f"http://{proxy.address}/v2/down/load/blobs/{DIGEST}", f"sha256:{hashlib.sha256(BODY).hexdigest()}"
    proxy.arm(Fault.CUT_MIDWAY, 0, 2)
    assert checksum(url) == truth
    assert proxy.ranges == PARTS
    proxy.without = frozenset({"etag"})
    proxy.arm(Fault.CUT_MIDWAY, 0, 2)
    assert checksum(url) == truth
    assert proxy.ranges == ["", "", ""], "what may be another file by now is read from its beginning"
    proxy.arm(Fault.CUT_MIDWAY, 0, 1_000)
    with pytest.raises(RegistryError, match="broke off"):
        checksum(url)
    assert proxy.number < 10
