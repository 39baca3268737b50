"""What registries, and those who stand before them, do besides: nothing fails for it, and nothing goes on for ever."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from planner.errors import RegistryError
from planner.registry.catalog import catalog, tags_of
from planner.registry.client import HttpRegistry
from planner.registry.transport import Patience, Transport
from tests.registry.faults import Proxy
from tests.registry.stocked import key_of, stock
from tests.registry.test_client import Answer, answering


@pytest.fixture
def repository(behind: str) -> str:
    return f"{behind}/a"


@pytest.mark.parametrize("ahead", [0.0, 86_400.0])
def test_a_time_to_come_back_may_be_a_date_of_the_registrys_clock(ahead: float) -> None:
    slept: list[float] = []
    now = 1_800_000_000.0 + ahead
    told = {"Date": formatdate(now, usegmt=True), "Retry-After": formatdate(now + 7, usegmt=True)}
    with answering({"/v2/a/manifests/1": (429, told, b"")}) as host:
        registry = HttpRegistry(Transport(Patience(tries=2), sleep=slept.append))
        with pytest.raises(RegistryError):
            registry.digest_of(f"{host}/a", "1")
    assert slept == [7.0]


def test_a_digest_that_is_not_told_is_that_of_the_bytes(proxy: Proxy, repository: str) -> None:
    """Some that stand before registries drop the header; BuildKit reads the manifest then."""
    digest = stock(HttpRegistry(), repository, key_of(1))
    proxy.without = frozenset({"docker-content-digest"})
    registry = HttpRegistry()
    assert registry.digest_of(repository, key_of(1)) == digest
    assert registry.digest_of(repository, digest) == digest
    assert registry.digest_of(repository, key_of(2)) is None
    wanted = [(repository, key_of(1)), (repository, key_of(2)), (repository, digest)]
    assert list(registry.digests_of(proxy.address, wanted)) == [digest, None, digest]


@pytest.mark.parametrize("media_type", ["application/json", "application/octet-stream", ""])
def test_a_tag_keeps_the_type_that_the_manifest_says(proxy: Proxy, repository: str, media_type: str) -> None:
    digest = stock(HttpRegistry(), repository, key_of(1))
    proxy.replaced = {"content-type": media_type}
    registry = HttpRegistry()
    registry.tag(repository, digest, "again")
    assert registry.digest_of(repository, "again") == digest


def test_pages_that_lead_in_a_circle_end() -> None:
    asked: list[tuple[str, str]] = []

    def page(number: int) -> Answer:
        link = {"Link": f'</v2/a/tags/list?n=1000&last={number % 3}>; rel="next"'}
        return 200, link, b'{"tags": ["one"]}'

    def names(number: int) -> Answer:
        link = {"Link": f'</v2/_catalog?n=1000&last={number % 3}>; rel="next"'}
        return 200, link, b'{"repositories": ["one"]}'

    answers = {
        "anonymous /v2/a/tags/list?n=1000": page(0),
        "anonymous /v2/_catalog?n=1000": names(0),
        **{f"anonymous /v2/a/tags/list?n=1000&last={n}": page(n + 1) for n in range(3)},
        **{f"anonymous /v2/_catalog?n=1000&last={n}": names(n + 1) for n in range(3)},
    }
    with answering(answers, asked) as host:
        with pytest.raises(RegistryError, match="list of tags"):
            tags_of(HttpRegistry(), f"{host}/a")
        with pytest.raises(RegistryError, match="never ends"):
            catalog(HttpRegistry(), host)
    assert len(asked) < 20


def test_where_tokens_come_from_is_asked_once() -> None:
    """A registry with tokens cost two questions and a token for each repository."""
    challenge = {"WWW-Authenticate": 'Bearer realm="http://HOST/token",service="s"'}
    digest = "sha256:" + "1" * 64
    seen: list[tuple[str, str]] = []
    answers: dict[str, Answer] = {"/token": (200, {}, b'{"token": "t"}')}
    for name in "abcd":
        answers[f"anonymous /v2/{name}/manifests/1"] = (401, challenge, b"")
        answers[f"/v2/{name}/manifests/1"] = (200, {"Docker-Content-Digest": digest}, b"")
    with answering(answers, seen) as host:
        registry = HttpRegistry()
        for name in "abcd":
            assert registry.digest_of(f"{host}/{name}", "1") == digest
        assert len(seen) == 3 + 3 * 2
        del answers["/token"]
        answers["/v2/e/manifests/1"] = (200, {"Docker-Content-Digest": digest}, b"")
        for _ in range(2):
            assert registry.digest_of(f"{host}/e", "1") == digest, "this repository asks for none"
    assert [path.partition("?")[0] for path, _ in seen[9:]] == ["/token", "/v2/e/manifests/1", "/v2/e/manifests/1"]
