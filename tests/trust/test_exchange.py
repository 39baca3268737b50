"""The exchange alone: what is granted, every forged token refused for its own reason, and nothing else can happen.

Each forgery has two controls: the same request with the right token is granted, and where one check alone is relaxed,
the forgery is granted too, which shows that the test can see it succeed.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import PlannerError
from planner.policy.policy import Policy
from planner.trust import limits, signing_keys
from planner.trust.credential import identity_token
from planner.trust.exchange import Exchange, Request
from planner.trust.identity_token import LEEWAY, MAX_AGE, Verifier
from planner.trust.key_sets import KEEP, IssuerKeys, fetch, read_keys
from planner.trust.limits import RateLimit, Uses
from tests.policy.policies import sound
from tests.registry.trickle import trickling
from tests.trust import issuing
from tests.trust.issuing import AUDIENCE, ISSUER, token

KEYS = read_keys(issuing.key_set().encode())
SIGNING = signing_keys.new_keys()


class Known:
    """The provider's keys."""

    def find(self, kid: str) -> Any:
        return KEYS.get(kid)

    at_hand = find


class NoLimit(RateLimit):
    def __init__(self) -> None:
        super().__init__(1e9, 1e9, time.monotonic)


def exchange(
    *,
    policy: Policy | None = None,
    audience: str = AUDIENCE,
    issuers: tuple[str, ...] = (ISSUER,),
    clock: Callable[[], float] = time.time,
    one_client: bool = True,
    rate: RateLimit | None = None,
) -> Exchange:
    held = policy or sound()
    assert held.token_server is not None
    return Exchange(
        policy=held,
        server=held.token_server,
        verifier=Verifier(issuers={issuer: ("github", Known()) for issuer in issuers}, audience=audience, clock=clock),
        keys=SIGNING,
        clock=clock,
        audit=io.StringIO(),
        rate=rate or NoLimit(),
        uses=Uses(100, clock, one_client=one_client),
    )


def access(at: Exchange, identity: str, *scopes: str, client: str = "10.0.0.1") -> tuple[int, dict[str, str]]:
    """The status, and what is granted by repository."""
    answer = at.answer(Request(service="registry.acme.example", scopes=scopes, token=identity, client=client))
    if answer.status != 200:
        return answer.status, {}
    granted = issuing.opened(str(answer.document["token"]))["access"]
    return 200, {one["name"]: ",".join(one["actions"]) for one in granted}


MAIN = "repository:cache/main/base:pull,push"
OWN = "repository:cache/pr/17/base:pull,push"


def test_each_run_is_granted_the_allowed_part_of_what_it_asks() -> None:
    at = exchange()
    wanted = (MAIN, OWN, "repository:cache/pr/18/base:pull,push")
    assert access(at, token("pr/17"), *wanted) == (200, {"cache/main/base": "pull", "cache/pr/17/base": "pull,push"})
    assert access(at, token("main"), *wanted) == (200, {"cache/main/base": "pull,push"})
    assert access(at, token("main", key=issuing.CURVED), MAIN) == (200, {"cache/main/base": "pull,push"})
    assert access(at, "", *wanted) == (200, {"cache/main/base": "pull"}), "nobody is known: what everybody may read"
    assert access(at, token("pr/17")) == (200, {}), "a login without a scope"


FORGED: list[tuple[str, Callable[[], str], dict[str, Any] | None]] = [
    ("audience", lambda: token("main", aud="another.example"), {"audience": "another.example"}),
    ("audience", lambda: token("main", aud=[AUDIENCE, "another.example"]), None),
    ("audience", lambda: token("main", aud=None), None),
    ("issuer", lambda: token("main", iss="https://evil.example"), {"issuers": ("https://evil.example",)}),
    ("issuer", lambda: token("main", iss=f"{ISSUER}/"), {"issuers": (f"{ISSUER}/",)}),
    ("algorithm", lambda: issuing.unsigned("main"), None),
    ("algorithm", lambda: issuing.unsigned("main", "None"), None),
    ("algorithm", lambda: issuing.signed_with_the_public_key("main"), None),
    ("signature", lambda: token("main", key=issuing.STRANGER), None),
    ("signature", lambda: token("main")[:-8] + "AAAAAAAA", None),
    ("key", lambda: token("main", header={"kid": "unknown"}), None),
    ("header", lambda: _headed(kid=None), None),
    ("expired", lambda: token("main", iat=1000, nbf=1000, exp=1300), {"clock": lambda: 1100.0}),
    ("expired", lambda: token("main", exp=None), None),
    ("too old", lambda: token("main", iat=1000, nbf=1000, exp=9_999_999_999), {"clock": lambda: 1100.0}),
    ("not yet valid", lambda: token("main", iat=9_999_990_000, nbf=9_999_990_000, exp=9_999_999_999), None),
    ("no id", lambda: token("main", jti=None), None),
    ("malformed", lambda: token("main", exp="tomorrow"), None),
    ("malformed", lambda: "a.b", None),
    ("malformed", lambda: "a.b.c", None),
    ("malformed", lambda: "x" * 20_000, None),
]


def _headed(**changed: Any) -> str:
    real = token("main")
    header = {"alg": "RS256", "kid": issuing.KEY.kid, **changed}
    return ".".join([issuing.part(header), *real.split(".")[1:]])


@pytest.mark.parametrize(("reason", "forge", "relaxed"), FORGED)
def test_a_forged_token_is_refused_for_its_own_reason(
    reason: str, forge: Callable[[], str], relaxed: dict[str, Any] | None
) -> None:
    at = exchange()
    forged = forge()
    answer = at.answer(Request(service="registry.acme.example", scopes=(MAIN,), token=forged, client="c"))
    assert (answer.status, answer.document["details"]) == (401, f"refused: {reason}")
    assert access(at, token("main"), MAIN) == (200, {"cache/main/base": "pull,push"}), "control: the right token"
    if relaxed is not None:
        assert access(exchange(**relaxed), forged, MAIN)[1] == {"cache/main/base": "pull,push"}, "control: no check"


def test_the_token_with_the_public_key_as_secret_is_well_made() -> None:
    """Control: a reader that believes the header would accept it."""
    body, _, mac = issuing.signed_with_the_public_key("main").rpartition(".")
    made = hmac.new(issuing.KEY.as_pem(private=False), body.encode(), hashlib.sha256).digest()
    assert issuing.base64.urlsafe_b64decode(mac + "=" * (-len(mac) % 4)) == made


@pytest.mark.parametrize(
    ("changed", "ours"),
    [
        (
            {"repository": "acme/images-x", "repository_id": "99"},
            ("name: acme/images, id: 4711", "name: acme/images-x, id: 99"),
        ),
        ({"repository_id": "99"}, ("id: 4711", "id: 99")),
        ({"repository_owner_id": "99"}, ("owner: 42", "owner: 99")),
        ({"ref_protected": "false"}, None),
        ({"event_name": "pull_request_target"}, None),
        ({"runner_environment": "self-hosted"}, ("github-hosted, ", "github-hosted, self-hosted, ")),
        ({"actor": "dependabot[bot]"}, ("registries:", "refused: [nobody]\nregistries:")),
    ],
)
def test_another_repository_owner_event_or_runner_gets_what_everybody_gets(
    changed: dict[str, str], ours: tuple[str, str] | None
) -> None:
    """A similar name, a renamed repository, a name that somebody else registered anew."""
    assert access(exchange(), token("main", **changed), MAIN) == (200, {"cache/main/base": "pull"})
    if ours is not None:
        relaxed = exchange(policy=sound(ours))
        assert access(relaxed, token("main", **changed), MAIN) == (200, {"cache/main/base": "pull,push"}), "control"


def test_a_token_serves_one_machine_and_not_for_ever() -> None:
    at, stolen = exchange(), token("main")
    assert access(at, stolen, MAIN, client="10.0.0.1")[0] == 200
    assert access(at, stolen, MAIN, client="10.0.0.2")[0] == 401
    assert access(at, stolen, MAIN, client="10.0.0.1")[0] == 200, "control: its own machine goes on"
    open_to_all = exchange(one_client=False)
    assert [access(open_to_all, stolen, MAIN, client=f"10.0.0.{n}")[0] for n in (1, 2)] == [200, 200], "control"
    often = exchange()
    used = token("main")
    assert [access(often, used)[0] for _ in range(102)] == [200] * 100 + [401] * 2


@contextlib.contextmanager
def room_for(tokens: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_TOKENS", tokens)
        yield


def test_strangers_fill_no_table() -> None:
    """Anybody at the same provider can have tokens for this audience, and gets what everybody may read."""
    at = exchange()
    with room_for(3):
        for _ in range(10):
            strange = token("main", repository="strange/images", repository_id="999", repository_owner_id="998")
            assert access(at, strange, MAIN) == (200, {"cache/main/base": "pull"})
        assert [access(at, token("main"), MAIN)[0] for _ in range(4)] == [200, 200, 200, 401]


def test_a_token_is_kept_in_mind_as_long_as_it_is_accepted() -> None:
    """However long it says that it holds: GitLab's tokens last as long as their jobs may."""
    began = time.time()
    now = [began]
    at = exchange(clock=lambda: now[0])
    tokens = [token("main", iat=began, nbf=began, exp=began + 30 * 86_400) for _ in range(4)]
    with room_for(3):
        assert [access(at, one, MAIN)[0] for one in tokens] == [200, 200, 200, 401]
        now[0] = began + MAX_AGE + LEEWAY - 0.01
        assert access(at, tokens[0], MAIN, client="10.0.0.2")[0] == 401, "another machine's"
        assert access(at, tokens[0], MAIN)[0] == 200
        now[0] = began + MAX_AGE + LEEWAY + 1
        assert access(at, tokens[0], MAIN)[0] == 401, "too old"
        assert access(at, token("main", iat=now[0], nbf=now[0], exp=now[0] + 300), MAIN)[0] == 200


def test_a_flood_is_limited_for_each_client_alone() -> None:
    now = [0.0]
    at = exchange(rate=RateLimit(10, 20, lambda: now[0]))
    assert [access(at, "", client="flood")[0] for _ in range(30)] == [200] * 20 + [429] * 10
    assert access(at, "", client="other")[0] == 200
    now[0] += 1
    assert [access(at, "", client="flood")[0] for _ in range(12)] == [200] * 10 + [429] * 2


def test_the_audit_log_says_who_got_what_and_holds_no_token() -> None:
    at = exchange()
    identity = token("pr/17", actor='ann\n\x1b[31m{"outcome": "granted"}', run_id="5")
    answer = at.answer(
        Request(service="registry.acme.example", scopes=(OWN, "x\n\x1b[2J\u202e:y"), token=identity, client="c")
    )
    access(at, "bad.token.here", MAIN)
    text = at.audit.getvalue()  # type: ignore[attr-defined]
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["outcome"] for line in lines] == ["granted", "refused"]
    assert lines[0]["granted"] == ["cache/pr/17/base:pull,push"]
    assert (lines[0]["level"], lines[0]["run"]["run_id"], lines[1]["reason"]) == ("pr", "5", "malformed")
    for secret in (identity, identity.split(".")[2], str(answer.document["token"]), "bad.token.here"):
        assert secret not in text
    assert text.isascii()
    assert "\x1b" not in text


def test_keys_are_rotated_through_one_that_the_registry_knows_already(tmp_path: Path) -> None:
    private, public = tmp_path / "keys.json", tmp_path / "keys.jwks"
    first = signing_keys.new_keys()
    signing_keys.save(first, private, public)
    known = {key["kid"] for key in json.loads(public.read_text())["keys"]}
    assert not any("d" in key for key in json.loads(public.read_text())["keys"])
    second = signing_keys.load(private).rotated()
    assert second.current.kid in known, "the registry needs no restart for what is signed now"
    assert second.previous is not None
    assert second.previous.kid == first.current.kid, "what was signed before holds until it ends"
    private.chmod(0o644)
    with pytest.raises(PlannerError, match="others can read it"):
        signing_keys.load(private)


def test_a_providers_keys_are_fetched_by_discovery_and_seldom() -> None:
    asked: list[str] = []
    now = [0.0]
    answers = {
        f"{ISSUER}/.well-known/openid-configuration": json.dumps({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}),
        f"{ISSUER}/keys": issuing.key_set(),
    }

    def fetch(url: str) -> bytes:
        asked.append(url)
        if url not in answers:
            raise PlannerError("gone")
        return answers[url].encode()

    keys = IssuerKeys(ISSUER, fetch, lambda: now[0])
    assert keys.find("github-1") is not None
    assert [keys.find(f"made-up-{n}") for n in range(50)] == [None] * 50
    assert len(asked) == 2
    now[0] = 700
    answers.clear()
    assert keys.find("github-1") is not None, "an issuer that does not answer stops nobody for a day"
    before = len(asked)
    assert [keys.find("github-1") is not None for _ in range(20)] == [True] * 20
    assert len(asked) == before
    now[0] = 200_000
    assert keys.find("github-1") is None


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: "
ODD = {
    "cut": HEAD + b'100\r\n\r\n{"value"',
    "no gzip": HEAD + b"4\r\nContent-Encoding: gzip\r\n\r\nabcd",
    "no head": b"HTTP/1.1 200",
    "deep": HEAD + b"60000\r\n\r\n" + b"[" * 60_000,
}


@pytest.mark.parametrize("odd", ODD)
def test_while_a_provider_breaks_off_its_keys_go_on_serving(odd: str) -> None:
    now = [0.0]
    with trickling(ODD[odd], b"", 0) as server:
        issuer = f"http://127.0.0.1:{server.port}"
        sound = {
            f"{issuer}/.well-known/openid-configuration": {"issuer": issuer, "jwks_uri": f"{issuer}/keys"},
            f"{issuer}/keys": json.loads(issuing.key_set()),
        }
        keys = IssuerKeys(issuer, lambda url: fetch(url) if now[0] else json.dumps(sound[url]).encode(), lambda: now[0])
        assert keys.find(issuing.KEY.kid) is not None
        now[0] = KEEP + 1
        assert keys.find(issuing.KEY.kid) is not None


@pytest.mark.parametrize("odd", ODD)
def test_a_token_that_breaks_off_is_none(odd: str) -> None:
    with trickling(ODD[odd], b"", 0) as server, pytest.raises(PlannerError, match="gives no identity token"):
        identity_token(
            {
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{server.port}/x",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t",
            },
            "a",
        )


def test_a_shared_secret_is_no_key() -> None:
    assert read_keys(b'{"keys": [{"kty": "oct", "kid": "a", "k": "AAAA"}, {"kty": "RSA", "kid": "b"}, 5]}') == {}
    with pytest.raises(PlannerError):
        read_keys(b"[]")


tokens = st.one_of(
    st.text(max_size=200),
    st.lists(st.binary(max_size=60).map(lambda data: issuing.base64.urlsafe_b64encode(data).decode()), max_size=4).map(
        ".".join
    ),
    st.builds(
        lambda header, body, tail: f"{issuing.part(header)}.{issuing.part(body)}.{tail}",
        st.dictionaries(
            st.sampled_from(["alg", "kid", "crit", "jwk", "jku"]), st.none() | st.text(max_size=9) | st.just("RS256")
        ),
        st.dictionaries(st.sampled_from(["iss", "aud", "exp"]), st.just(ISSUER) | st.integers() | st.lists(st.text())),
        st.text("AQw_-", max_size=20),
    ),
)
FUZZED = exchange()


@given(tokens, st.lists(st.text(max_size=60), max_size=40), st.text(max_size=30))
@settings(max_examples=500, deadline=None)
def test_anything_may_be_sent_and_nothing_is_granted(identity: str, scopes: list[str], service: str) -> None:
    for named in (service, "registry.acme.example"):
        answer = FUZZED.answer(Request(service=named, scopes=tuple(scopes), token=identity, client="c"))
        assert answer.status in (200, 400, 401)
        if identity and answer.status == 200:
            raise AssertionError("a token that nobody signed was accepted")
