"""Controls of the attacks in `test_attacks.py`: the same step where nothing is enforced succeeds, so that the attack's
own test is known to see it; and with the right identity it works.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from planner.policy import grants
from planner.policy.check import check
from planner.trust import exchange as exchanging
from tests.engine.engine import Engine
from tests.engine.registry import Registry, running_registry
from tests.engine.workfolder import work_folder
from tests.policy.policies import sound
from tests.trust import issuing
from tests.trust.conftest import TrustSpace, cached
from tests.trust.pushing import INDEX, MANIFEST, Client, digest_of
from tests.trust.stack import Stack
from tests.trust.test_attacks import TRICKS
from tests.trust.test_exchange import MAIN, NoLimit, access, exchange


def test_4_a_forged_registry_token_writes_where_no_token_is_checked(stack: Stack) -> None:
    forged = issuing.unsigned("main")
    assert Client(stack.registry, forged).image("cache/main/base", "forged") == 401
    assert Client(stack.open_registry, forged).image("cache/main/base", "forged") == 201


@pytest.mark.parametrize("name", ["cache/main/base", "images/base", "release/base", "cache/pr/18/base", "anything"])
def test_5_what_an_edited_planner_asks_for_is_there_to_be_had(stack: Stack, name: str) -> None:
    """The same push, of the same client, in the registry that asks nobody."""
    token = stack.token(issuing.token("pr/17"), f"repository:{name}:pull,push,delete,*")
    assert Client(stack.registry, token).image(name, "edited") in (401, 403)
    assert Client(stack.open_registry, token).image(name, "edited") == 201


def test_6_a_path_trick_is_granted_where_names_are_taken_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that begin with the pull request's own path; the others name no path that it may write."""
    scopes = [f"repository:{name}:pull,push" for name in TRICKS]
    identity = issuing.token("pr/17")
    assert access(exchange(), identity, *scopes) == (200, {})
    monkeypatch.setattr(grants, "is_repository", lambda path: True)
    _, granted = access(exchange(), identity, *scopes)
    pushed = {name for name, actions in granted.items() if "push" in actions}
    assert pushed == {"cache/pr/17/../../main/base", "cache/pr/17/%2e%2e/%2e%2e/main/base"}


def test_7_fast_keys_pass_where_the_check_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from planner.policy import check as checking

    assert not check(sound(), "xxh3_128").holds
    assert check(sound(), "sha256").holds, "control: the right keys"
    monkeypatch.setattr(checking, "weak_keys", lambda policy, algorithm: "")
    assert check(sound(), "xxh3_128").holds


def test_8_mains_own_cache_serves_main(trust_space: TrustSpace) -> None:
    """The step that the poisoned cache must not serve is served by the right one."""
    space = trust_space
    space.write({"app.txt": "merged\n"})
    assert not any(cached(space.run("main")).values())
    assert all(cached(space.run("main")).values())


@pytest.fixture(scope="module")
def lax(engine: Engine) -> Iterator[Registry]:
    """A registry that takes an index whose images it does not have."""
    settings = {"validation": {"manifests": {"indexes": {"platforms": "none"}}}}
    with (
        work_folder() as folder,
        running_registry(engine.programs / "registry", folder / "lax", settings=settings) as it,
    ):
        yield it


def test_9_an_index_with_a_child_elsewhere_is_taken_where_children_are_not_looked_for(
    stack: Stack, lax: Registry
) -> None:
    elsewhere = Client(lax)
    assert elsewhere.image("pr/18/base", "x", b"poison of 18") == 201
    child = elsewhere.send("GET", "/v2/pr/18/base/manifests/x")[2]
    entry = {"mediaType": MANIFEST, "digest": digest_of(child), "size": len(child)}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
    assert elsewhere.send("PUT", "/v2/pr/17/base/manifests/i", index, INDEX)[0] == 201
    assert Client(stack.open_registry).send("PUT", "/v2/pr/17/base/manifests/i", index, INDEX)[0] in (400, 404)


def test_11_a_log_that_is_not_escaped_has_a_forged_line(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = 'x"}\n{"version": 1, "outcome": "granted", "level": "release"}\x1b[2J\r'
    identity = issuing.token("pr/17", actor=evil)

    def lines() -> list[str]:
        at = exchange()
        access(at, identity, MAIN)
        assert isinstance(at.audit, io.StringIO)
        return at.audit.getvalue().split("\n")[:-1]

    assert len(lines()) == 1
    lax = SimpleNamespace(dumps=lambda line, **_: str({**line, "run": "RUN"}).replace("RUN", evil))
    monkeypatch.setattr(exchanging, "json", lax)
    assert len(lines()) == 2
    assert '{"version": 1, "outcome": "granted", "level": "release"}' in lines()[1]


def test_12_without_a_limit_the_whole_flood_is_answered() -> None:
    from planner.trust.limits import RateLimit

    def flood(rate: RateLimit) -> Counter[int]:
        at = exchange(rate=rate)
        return Counter(access(at, "", MAIN)[0] for _ in range(60))

    assert flood(RateLimit(5, 10, lambda: 0.0)) == {200: 10, 429: 50}
    assert flood(NoLimit()) == {200: 60}
