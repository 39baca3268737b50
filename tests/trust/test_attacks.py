"""The attacks, on a real registry behind a real token server, and with real BuildKit.

Each has its controls: the same step with the right identity works, and against the open registry it succeeds for
anybody, so that the test is known to see an attack that succeeds. docs/trust.md has the table.
"""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engine.engine import Engine
from tests.trust import issuing
from tests.trust.conftest import Builders, TrustSpace, cached
from tests.trust.pushing import INDEX, MANIFEST, Client, digest_of
from tests.trust.runs import environment_of
from tests.trust.stack import Stack


def client(stack: Stack, run: str, *names: str, actions: str = "pull,push") -> Client:
    """A client with a token for everything that it would like, as far as the server grants it."""
    scopes = [f"repository:{name}:{actions}" for name in names]
    return Client(stack.registry, stack.token(issuing.token(run), *scopes))


def anybody(stack: Stack) -> Client:
    return Client(stack.open_registry)


def build(
    stack: Stack, builders: Builders, run: str, cache: str, folder: Path, *, open_one: bool = False
) -> tuple[int, str]:
    """BuildKit's own push of a layer cache, with the run's identity through the credential helper."""
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(f"FROM scratch\nCOPY Dockerfile /{run.replace('/', '-')}\n")
    address = stack.open_registry.address if open_one else stack.registry.address
    argv = [
        os.fspath(builders.programs / "buildctl"),
        f"--addr={builders.addresses['main' if run == 'main' else 'pr']}",
        "build",
        "--frontend=dockerfile.v0",
        f"--local=context={folder}",
        f"--local=dockerfile={folder}",
        f"--export-cache=type=registry,ref={address}/{cache},mode=max",
    ]
    environment = {**os.environ, **stack.client(run.replace("/", "-"), issuing.token(run))}
    environment["PATH"] += os.pathsep + os.environ.get("PATH", os.defpath)
    ended = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    ("run", "cache", "right"),
    [
        ("pr/17", "cache/main/base:x", "main"),
        ("pr/17", "cache/pr/18/base:x", "pr/18"),
        ("pr/17", "images/base:x", "main"),
    ],
)
def test_1_and_3_layer_cache_in_anothers_path(
    stack: Stack, builders: Builders, tmp_path: Path, run: str, cache: str, right: str
) -> None:
    status, said = build(stack, builders, run, cache, tmp_path / "a")
    assert status != 0
    assert "insufficient_scope" in said or "push access denied" in said or "401" in said
    assert build(stack, builders, right, cache, tmp_path / "b")[0] == 0, "control: the right identity"
    assert build(stack, builders, run, cache, tmp_path / "c", open_one=True)[0] == 0, "control: nobody enforces"


def test_2_a_record_for_a_key_that_main_will_need(stack: Stack) -> None:
    """Records stand beside images; one written for a key would be reused for it."""
    name, tag = "images/base", "rec-s2-" + "0" * 64
    assert client(stack, "pr/17", name).image(name, tag, b"poison") in (401, 403)
    assert client(stack, "pr/17", name).send("GET", f"/v2/{name}/manifests/{tag}")[0] == 404, "it may look"
    assert client(stack, "main", name).image(name, tag, b"true") == 201, "control"
    assert anybody(stack).image(name, tag, b"poison") == 201, "control"


def test_4_a_token_that_is_not_right_gets_nothing(stack: Stack) -> None:
    """Over HTTP; `test_exchange.py` has each check with the check alone relaxed."""
    name = "cache/main/base"
    scope = f"repository:{name}:pull,push"
    forged = [
        issuing.token("main", aud="another.example"),
        issuing.token("main", iss="https://evil.example"),
        issuing.unsigned("main"),
        issuing.signed_with_the_public_key("main"),
        issuing.token("main", exp=1),
        issuing.token("main", key=issuing.STRANGER),
        issuing.token("main", repository="acme/images-tools", repository_id="9"),
        issuing.token("main", repository_owner_id="43"),
    ]
    for identity in forged:
        assert Client(stack.registry, stack.token(identity, scope)).image(name, "x") in (401, 403)
    assert Client(stack.registry, stack.token(issuing.token("main"), scope)).image(name, "x") == 201, "control"
    assert anybody(stack).image(name, "x") == 201, "control"


def test_4_a_registry_token_that_somebody_else_signed(stack: Stack) -> None:
    from joserfc import jwt
    from joserfc.jwk import ECKey

    good = stack.token(issuing.token("pr/17"), "repository:cache/pr/17/base:pull,push")
    wide = {
        **issuing.opened(good),
        "access": [{"type": "repository", "name": "cache/main/base", "actions": ["push", "pull"]}],
    }
    kid = json.loads(issuing.base64.urlsafe_b64decode(good.split(".")[0] + "=="))["kid"]
    stranger = ECKey.generate_key("P-256", parameters={"kid": kid})
    forged = [
        jwt.encode({"alg": "ES256", "kid": kid}, wide, stranger),
        ".".join([good.split(".")[0], issuing.part(wide), good.split(".")[2]]),
        ".".join([issuing.part({"alg": "none", "kid": kid}), issuing.part(wide), ""]),
    ]
    for token in forged:
        assert Client(stack.registry, token).image("cache/main/base", "y") == 401
    assert Client(stack.registry, good).image("cache/pr/17/base", "y") == 201, "control"


def test_5_an_edited_planner_asks_for_more(stack: Stack) -> None:
    """Whatever a pull request makes of planner and workflow, it is its token that the server looks at."""
    names = ["cache/main/base", "images/base", "release/base", "cache/pr/18/base", "cache/pr/17/base", "anything"]
    token = stack.token(issuing.token("pr/17"), *(f"repository:{name}:pull,push,delete,*" for name in names))
    granted = {one["name"]: one["actions"] for one in issuing.opened(token)["access"]}
    assert granted == {
        "cache/main/base": ["pull"],
        "images/base": ["pull"],
        "cache/pr/17/base": ["delete", "pull", "push"],
    }
    everything = stack.token(issuing.token("main"), "registry:catalog:*")
    assert issuing.opened(everything)["access"] == []


TRICKS = [
    "cache/pr/17/../../main/base",
    "cache/pr/17/%2e%2e/%2e%2e/main/base",
    "cache%2fmain%2fbase",
    "cache/pr/17%2f..%2f..%2fmain/base",
    "CACHE/main/base",
    "cache/Main/base",
    "cache//main/base",
    "./cache/main/base",
]


@pytest.mark.parametrize("name", TRICKS)
def test_6_a_path_trick_writes_nothing_of_mains(stack: Stack, name: str) -> None:
    """The pull request has every token that it can get, for its own path and for the path as it is written."""
    token = stack.token(issuing.token("pr/17"), "repository:cache/pr/17/base:pull,push", f"repository:{name}:pull,push")
    before = Client(stack.registry, stack.token(issuing.token("main"), "repository:cache/main/base:pull"))
    tag = f"trick-{TRICKS.index(name)}"
    assert Client(stack.registry, token).image(name, tag) not in (201, 202)
    assert before.send("GET", f"/v2/cache/main/base/manifests/{tag}")[0] == 404
    right = client(stack, "main", "cache/main/base")
    assert right.image("cache/main/base", tag) == 201, "control: and it is seen where it would have been"
    assert before.send("GET", f"/v2/cache/main/base/manifests/{tag}")[0] == 200


def test_6_a_blob_of_a_private_path_cannot_be_mounted(stack: Stack) -> None:
    secret = b"layer of the release"
    owner = client(stack, "release", "release/base")
    assert owner.image("release/base", "v1", secret) == 201
    thief = client(stack, "pr/17", "release/base", "cache/pr/17/base")
    assert thief.mount("cache/pr/17/base", digest_of(secret), "release/base") != 201
    assert thief.send("GET", f"/v2/cache/pr/17/base/blobs/{digest_of(secret)}")[0] == 404
    shared = b"layer of main"
    assert client(stack, "main", "images/base").image("images/base", "m", shared) == 201
    reader = client(stack, "pr/17", "images/base", "cache/pr/17/base")
    assert reader.mount("cache/pr/17/base", digest_of(shared), "images/base") == 201, "control: what it may read"
    assert anybody(stack).image("release/base", "v1", secret) == 201
    assert anybody(stack).mount("cache/pr/17/base", digest_of(secret), "release/base") == 201, "control"


def test_7_keys_that_can_collide_are_refused_where_others_write(trust_space: TrustSpace) -> None:
    space = trust_space
    assert space.planner("policy", "check").returncode == 0, "control: sha256"
    text = (space.root / "images.yaml").read_text().replace("keys: {algorithm: sha256}\n", "")
    space.write({"images.yaml": text})
    refused = space.planner("policy", "check")
    assert refused.returncode == 3
    assert "not collision resistant" in refused.stdout
    env = environment_of("main", space.root.parent)
    built = space.planner("build", **space.engine.environment, **env)
    assert built.returncode == 1
    assert "not collision resistant" in built.stderr


def test_8_a_poisoned_cache_of_a_merged_pull_request(trust_space: TrustSpace) -> None:
    """The pull request leaves a lie in its own scope; main builds the same files after the merge and runs all steps."""
    space = trust_space
    space.write({"app.txt": "merged\n"})
    assert cached(space.run("pr/17"))["COPY app.txt /"] is False
    assert all(cached(space.run("pr/17")).values()), "control: the pull request itself would get the lie"
    assert not any(cached(space.run("main")).values())


def test_9_an_index_whose_child_is_not_there_or_lies_elsewhere(stack: Stack) -> None:
    """A registry takes an index only when its children are in the same repository."""
    elsewhere = client(stack, "pr/18", "pr/18/base")
    assert elsewhere.image("pr/18/base", "x", b"poison of 18") == 201
    child = elsewhere.send("GET", "/v2/pr/18/base/manifests/x")[2]
    own = client(stack, "pr/17", "pr/17/base", "pr/18/base")
    index = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [{"mediaType": MANIFEST, "digest": digest_of(child), "size": len(child)}],
        }
    ).encode()
    assert own.send("PUT", "/v2/pr/17/base/manifests/i", index, INDEX)[0] in (400, 404)
    assert elsewhere.send("PUT", "/v2/pr/18/base/manifests/i", index, INDEX)[0] == 201, "control: where the child is"


def test_10_a_lease_that_another_scope_holds(stack: Stack) -> None:
    """Leases stand beside images, so nobody below main can hold one of main's, let alone for ever."""
    name = "images/base"
    assert client(stack, "pr/17", name).image(name, "lease-s2-" + "1" * 64) in (401, 403)
    assert client(stack, "main", name).image(name, "lease-s2-" + "1" * 64) == 201, "control"
    assert anybody(stack).image(name, "lease-s2-" + "1" * 64) == 201, "control"


def test_11_what_a_token_says_cannot_forge_a_line_of_the_log(stack: Stack) -> None:
    evil = 'x"}\n{"version": 1, "outcome": "granted", "level": "release"}\x1b[2J\r'
    before = len(stack.audit.read_text().splitlines())
    stack.token(issuing.token("pr/17", actor=evil, ref=evil, workflow_ref=evil), f"repository:{evil}:push", evil)
    lines = stack.audit.read_text().splitlines()[before:]
    assert len(lines) == 1
    assert json.loads(lines[0])["level"] == "untrusted"
    assert json.loads(lines[0])["run"]["actor"] == evil, "control: it was written down"
    assert "\x1b" not in lines[0]


def test_12_a_flood_stops_at_the_limit_and_gives_no_wrong_answer(stack: Stack, engine: Engine, tmp_path: Path) -> None:
    from tests.trust.stack import running_stack

    with running_stack(engine.programs / "registry", tmp_path / "stack", limits=("--rate", "5")) as small:
        scope = "repository:cache/main/base:pull,push"
        identity = issuing.token("main")

        def ask(number: int) -> tuple[int, bool]:
            token = issuing.unsigned("main") if number % 2 else identity
            basic = issuing.base64.b64encode(f"oidc:{token}".encode()).decode()
            path = f"/token?service={issuing.AUDIENCE}&scope={scope}"
            status, _, body = small.server.request("GET", path, headers={"Authorization": f"Basic {basic}"})
            return status, b'"token"' in body

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(ask, range(600)))
        assert {(200, True), (401, False), (429, False)} == set(answers), "and nothing else, least of all 500"
        assert small.server.request("GET", "/healthz")[0] == 200
        metrics = small.server.request("GET", "/metrics")[2].decode()
        assert 'planner_token_requests_total{outcome="limited"}' in metrics
        assert stack.token(issuing.token("main"), scope), "control: the other server goes on"


def test_a_build_through_the_planner_pushes_its_cache_with_its_identity(
    stack: Stack, trust_space: TrustSpace, tmp_path: Path
) -> None:
    """The whole way: `planner build` in a pull request's name, credential helper, token server, registry."""
    space = trust_space
    space.write({"policy.yaml": stack.policy()})
    seen: list[dict[str, bool]] = []
    for run in ("main", "pr/17", "pr/17"):
        space.write({"app.txt": f"{run}\n"})
        seen.append(cached(space.run(run, **stack.client(run.replace("/", "-"), issuing.token(run)))))
    assert [list(one.values()) for one in seen] == [[False] * 3, [True, False, False], [True] * 3]
    lying = stack.client("lying", issuing.token("pr/17"))
    built = space.run("main", **lying)  # the environment says main, the token knows better
    assert built["app"]["outcome"] == "built"
    assert "exporting cache to registry" in built[""]["error"], "told, and not written"
