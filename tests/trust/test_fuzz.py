"""Requests of every shape against the whole service: no error of its own, and never more than the policy grants."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import time
import urllib.parse
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.policy.claims import run_of
from planner.policy.grants import asked, granted
from planner.policy.levels import Run
from planner.policy.policy import Policy
from planner.trust import exchange as exchanging
from planner.trust.exchange import Exchange
from planner.trust.server import MAX_BODY, application
from tests.policy.policies import sound
from tests.trust import issuing
from tests.trust.stack import Stack
from tests.trust.test_exchange import exchange, tokens

ANSWERS = {200, 400, 401, 404, 405, 413, 415, 429}
# They are made once, and outlast the longest run of the tests.
RIGHT = {run: issuing.token(run, exp=int(time.time()) + 3_000) for run in ("main", "release", "pr/17", "pr/1")}
FORGED = [
    issuing.unsigned("main"),
    issuing.signed_with_the_public_key("main"),
    issuing.token("main", key=issuing.STRANGER),
    issuing.token("main", aud="another.example"),
    issuing.token("main", exp=1),
    RIGHT["main"][:-6] + "AAAAAA",
    RIGHT["main"] + "\n",
    ".".join([*RIGHT["main"].split(".")[:2], RIGHT["pr/17"].split(".")[2]]),
    ".".join([RIGHT["pr/17"].split(".")[0], RIGHT["main"].split(".")[1], RIGHT["pr/17"].split(".")[2]]),
]
NAMES = [
    "cache/main/a",
    "images/a",
    "release/a",
    "pr/17/a",
    "cache/pr/17/a",
    "cache/pr/1/a",
    "cache/pr/17/../../main/a",
]


def call(app: Any, method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]], body: list[bytes]) -> Any:
    """Status and body of an answer, as a server of ASGI would see them; what the service raises is raised here."""
    parts = [*body] or [b""]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not parts:
            return {"type": "http.disconnect"}
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogatepass"),
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": ("10.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])


scopes = st.one_of(
    st.builds(
        lambda name, actions: f"repository:{name}:{','.join(actions)}",
        st.sampled_from(NAMES),
        st.lists(st.sampled_from(["pull", "push", "delete", "*"]), min_size=1),
    ),
    st.text(max_size=40),
)
identities = st.one_of(*[st.sampled_from([*RIGHT.values(), ""])] * 4, st.sampled_from(FORGED), tokens)
services = st.sampled_from([*[issuing.AUDIENCE] * 12, "other", ""])


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, bytes, list[tuple[bytes, bytes]], list[bytes]]:
    """A request that is nearly right, with something wrong in each of its parts now and then."""
    identity, service = draw(identities), draw(services)
    wanted = draw(st.lists(scopes, max_size=6))
    more = draw(st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=3))
    joined = [("scope", " ".join(wanted))] if draw(st.booleans()) else [("scope", one) for one in wanted]
    fields = [("service", service), *joined, *more]
    headers = draw(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=30)), max_size=3))
    method = draw(st.sampled_from([*["GET", "POST"] * 6, "PUT", "HEAD", "DELETE"]))
    noise = draw(st.sampled_from([*[b""] * 9, b"&%ff%00=%zz", b"&scope=%e2%28", b"&&&", b"&service=other"]))
    if method == "POST":
        kind = draw(st.sampled_from([*[b"application/x-www-form-urlencoded"] * 12, b"application/json", b"\xff"]))
        fields += [("password", identity), ("grant_type", draw(st.sampled_from([*["password"] * 9, "refresh"])))]
        body = encoded(fields) + noise
        cut = draw(st.integers(0, len(body)))
        return method, b"", [*headers, (b"content-type", kind)], [body[:cut], body[cut:]]
    basic = base64.b64encode(b"oidc:" + identity.encode("utf-8", "replace"))
    value = draw(
        st.sampled_from([*[b"Basic " + basic, b"basic " + basic] * 5, b"Bearer " + basic, b"Basic !", b"\xff"])
    )
    return method, encoded(fields) + noise, [*headers, *([(b"authorization", value)] if identity else [])], []


def encoded(fields: list[tuple[str, str]]) -> bytes:
    return urllib.parse.urlencode(fields, errors="replace").encode()


def expect_nothing_beyond(at: Exchange, policy: Policy, request: Any) -> int:
    """Raise AssertionError where the answer is an error of the service's own, or grants what no such token may have."""
    method, query, headers, body = request
    status, answer = call(application(at), method, "/token", query, headers, body)
    assert status in ANSWERS, (status, answer)
    if status != 200 or method == "HEAD":
        return int(status)
    sent = query + b"".join(body) + b"".join(value for _, value in headers)
    carried = [name for name, one in RIGHT.items() if is_carried(one, sent)]
    runs = [run_of("github", issuing.claims(name), policy.identity) for name in carried] or [Run()]
    for one in issuing.opened(json.loads(answer)["token"])["access"]:
        wanted = asked(f"repository:{one['name']}:{','.join(one['actions'])}")
        assert wanted is not None, one
        assert any(granted(policy, run, [wanted])[0].actions == tuple(sorted(one["actions"])) for run in runs), one
    return int(status)


def is_carried(identity: str, sent: bytes) -> bool:
    basic = base64.b64encode(f"oidc:{identity}".encode())
    return basic in sent or identity.encode() in sent


POLICY = sound()
SERVED = exchange(policy=POLICY)
SERVED.uses.most = 1 << 40


@given(requests())
@settings(max_examples=600, deadline=None)
def test_no_request_is_an_error_or_a_grant_beyond_the_policy(request: Any) -> None:
    expect_nothing_beyond(SERVED, POLICY, request)


def test_the_requests_were_not_all_refused() -> None:
    """Control: what is right among them is granted."""
    for name, identity in RIGHT.items():
        basic = base64.b64encode(f"oidc:{identity}".encode())
        own = {"main": "images", "release": "release"}.get(name, name)
        query = encoded([("service", issuing.AUDIENCE), ("scope", f"repository:{own}/a:push")])
        status, answer = call(application(SERVED), "GET", "/token", query, [(b"authorization", b"Basic " + basic)], [])
        assert status == 200
        assert issuing.opened(json.loads(answer)["token"])["access"][0]["actions"] == ["push"]


def test_a_grant_beyond_the_policy_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: the same check with a server that grants what is asked."""
    from planner.policy.grants import Grant

    monkeypatch.setattr(
        exchanging, "granted", lambda policy, run, wanted: tuple(Grant(name=o.name, actions=o.actions) for o in wanted)
    )
    query = encoded([("service", issuing.AUDIENCE), ("scope", "repository:cache/main/a:push")])
    with pytest.raises(AssertionError):
        expect_nothing_beyond(exchange(), sound(), ("GET", query, [], []))


@given(st.text(max_size=30), st.sampled_from(["GET", "POST", "PATCH", "OPTIONS"]), st.binary(max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_path_is_answered(path: str, method: str, query: bytes) -> None:
    assert call(application(SERVED), method, f"/{path}", query, [], [])[0] in ANSWERS


def test_a_body_is_read_up_to_its_limit() -> None:
    kind = [(b"content-type", b"application/x-www-form-urlencoded")]
    big = [b"a=" + b"x" * (MAX_BODY // 2)] * 3
    assert call(application(SERVED), "POST", "/token", b"", kind, big)[0] == 413
    many = [b"&".join(b"a%d=1" % n for n in range(200))]
    assert call(application(SERVED), "POST", "/token", b"", kind, many)[0] == 400


def test_a_head_without_end_is_cut_off(stack: Stack) -> None:
    """Over a socket: the server keeps no more of a request's head than its limit."""
    host, _, port = stack.server.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"GET /token HTTP/1.1\r\nHost: x\r\n")
        with contextlib.suppress(OSError):  # it hangs up while we go on
            for number in range(2000):
                connection.sendall(b"X-%d: %s\r\n" % (number, b"a" * 1000))
        with contextlib.suppress(OSError):
            assert connection.recv(100)[:12] in (b"", b"HTTP/1.1 400")
    status, _, _ = stack.server.request("GET", "/healthz")
    assert status == 200
    sent = stack.server.log.read_text()
    assert "Traceback" not in sent


def test_the_parser_that_bounds_heads_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Else another one is taken as soon as it is installed beside; and nobody says where he is."""
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    from planner.cli.main import main
    from tests.trust.stack import POLICY as TEXT

    (tmp_path / "policy.yaml").write_text(TEXT.format(address="registry.acme.example"))
    (tmp_path / "issuer").write_text(issuing.key_set())
    told: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda application, **settings: told.update(settings))
    keys = f"--keys={tmp_path}/keys"
    serving = [
        f"--policy={tmp_path}/policy.yaml",
        f"--audit={tmp_path}/audit",
        f"--issuer-keys=github={tmp_path}/issuer",
    ]
    for words in (["init", keys], ["serve", keys, *serving]):
        monkeypatch.setattr("sys.argv", ["planner", "token-server", *words])
        assert main() == 0
    assert issubclass(told["http"], H11Protocol)
    assert (told["proxy_headers"], told["ws"]) == (False, "none")
    assert told["h11_max_incomplete_event_size"] <= 64 << 10
