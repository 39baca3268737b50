"""A signature that held is remembered, and nothing else: each other check is made again, and a lost key refuses."""

from __future__ import annotations

import time
from typing import Any

import pytest

from planner.trust import identity_token
from planner.trust.identity_token import Refused, Verifier
from planner.trust.key_sets import KEEP, IssuerKeys
from tests.trust import issuing
from tests.trust.issuing import AUDIENCE, ISSUER, token
from tests.trust.test_exchange import KEYS, MAIN, access, exchange


class Provider:
    """Keys that can be taken away, and a count of signatures that were checked."""

    def __init__(self) -> None:
        self.keys = dict(KEYS)

    def find(self, kid: str) -> Any:
        return self.keys.get(kid)

    at_hand = find


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    real = identity_token.jwt.decode

    def decode(text: str, key: Any, algorithms: list[str]) -> Any:
        seen.append(text)
        return real(text, key, algorithms=algorithms)

    monkeypatch.setattr(identity_token.jwt, "decode", decode)
    return seen


def verifier(keys: Any, now: list[float] | None = None) -> Verifier:
    clock = time.time if now is None else lambda: now[0]
    return Verifier(issuers={ISSUER: ("github", keys)}, audience=AUDIENCE, clock=clock)


def test_a_signature_is_checked_once_and_no_text_but_this_one_profits(checked: list[str]) -> None:
    at = verifier(Provider())
    right = token("main")
    assert not at.is_proved(right)
    assert [at.verify(right).claims["ref"] for _ in range(5)] == ["refs/heads/main"] * 5
    assert checked == [right]
    assert at.is_proved(right)
    for other in (right[:-4] + "AAAA", right + "A", token("main", key=issuing.STRANGER)):
        assert not at.is_proved(other)
        with pytest.raises(Refused):
            at.verify(other)


def test_a_token_that_was_good_ends_and_stays_of_its_audience() -> None:
    now = [1000.0]
    at = verifier(Provider(), now)
    short = token("main", iat=1000, nbf=1000, exp=1300)
    assert at.verify(short).ends == 1300
    now[0] = 1331
    with pytest.raises(Refused, match="expired"):
        at.verify(short)
    now[0] = 1000 + 3700
    long = token("main", iat=4600, nbf=4600, exp=9_999_999_999)
    assert at.verify(long)
    now[0] += 3700
    with pytest.raises(Refused, match="too old"):
        at.verify(long)


def test_a_key_that_its_provider_took_back_proves_nothing_more() -> None:
    provider = Provider()
    at = verifier(provider)
    right = token("main")
    at.verify(right)
    kept = provider.keys.pop("github-1")
    assert not at.is_proved(right)
    with pytest.raises(Refused, match="key"):
        at.verify(right)
    provider.keys["github-1"] = issuing.STRANGER
    with pytest.raises(Refused, match="signature"):
        at.verify(right)
    provider.keys["github-1"] = kept
    assert at.verify(right), "control"


def test_replay_is_still_seen() -> None:
    at, stolen = exchange(), token("main")
    assert [access(at, stolen, MAIN, client=client)[0] for client in ("10.0.0.1", "10.0.0.2")] == [200, 401]
    assert [access(at, stolen, MAIN, client="10.0.0.1")[0] for _ in range(99)].count(200) == 98


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_token, "MAX_PROVED", 3)
    at = verifier(Provider())
    several = [token("main") for _ in range(5)]
    for one in several:
        at.verify(one)
    assert [at.is_proved(one) for one in several] == [False, False, True, True, True]
    assert at.verify(several[0]), "control: forgotten is not refused"


def test_keys_at_hand_are_never_fetched() -> None:
    now, asked = [0.0], []
    answers = {
        f"{ISSUER}/.well-known/openid-configuration": issuing.json.dumps(
            {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        ),
        f"{ISSUER}/keys": issuing.key_set(),
    }

    def fetch(url: str) -> bytes:
        asked.append(url)
        return answers[url].encode()

    keys = IssuerKeys(ISSUER, fetch, lambda: now[0])
    assert keys.at_hand("github-1") is None
    assert asked == []
    found = keys.find("github-1")
    assert keys.at_hand("github-1") is found
    now[0] = KEEP + 1
    assert keys.at_hand("github-1") is None, "what is old is asked for anew, elsewhere"
    assert len(asked) == 2
