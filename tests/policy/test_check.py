"""The proof over all runs finds what is wrong with a policy, finds nothing in a sound one, and is a naive one."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import DefinitionError
from planner.policy import check as checking
from planner.policy.check import all_runs, check
from planner.policy.grants import Asked, granted
from planner.policy.levels import TRUSTING, Level, level_of
from planner.policy.policy import Policy
from planner.policy.policy_file import read
from tests.policy.policies import SOUND, changed, sound


def test_nothing_reaches_a_trusted_run_over_the_whole_model() -> None:
    proof = check(sound(), "sha256")
    assert proof.holds
    assert proof.runs == 11 * 4 * 4 * 3 * 3 * 3
    print(f"{proof.runs} runs, {proof.resources} resources, {proof.pairs} pairs of run and resource, 0 chains")


@pytest.mark.parametrize(
    ("before", "after", "through"),
    [
        ("isolation: path", "isolation: registry", "image at cache/images"),
        ("isolation: path", "isolation: none", "image at cache/images"),
        ("read: [release, trusted, pr", "read: [release, pr", ""),
        ("write: [pr], read: [pr]", "write: [pr], read: [pr, trusted]", ""),
        ('images: "pr/{number}"', 'images: "images/{number}"', "image at cache/images"),
        ('cache: "cache/pr/{number}"', 'cache: "cache/main/{number}"', "image at cache/images"),
        ("levels: [trusted]", "levels: [trusted, pr]", "builder main"),
        ("levels: [trusted]", "levels: [trusted, untrusted]", "builder main"),
        ("write: [trusted], read", "write: [trusted, pr], read", "image at cache/images"),
        ("write: [trusted], read", "write: [trusted], backend: github, read", "layer cache at GitHub's cache/main"),
        ("builders:", "assume: {reviewed: false}\nbuilders:", "lock at git/main"),
    ],
)
def test_what_is_wrong_is_found(before: str, after: str, through: str) -> None:
    chains = [chain for chain in check(sound((before, after)), "sha256").chains if "of level trusted" in chain.what]
    if not through:
        assert not chains, "read by nobody, or by a level that names no pull request"
        return
    assert level_of(chains[0].runs[0]) not in TRUSTING
    assert level_of(chains[0].runs[-1]) is Level.TRUSTED
    assert str(chains[0].through[0]) == through or "cache" in str(chains[0].through[0])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("images: images", "images: pr/17"),
        ("cache: cache/main", "cache: pr/17/main"),
        ("cache: cache/release", "cache: cache/pr/4711"),
    ],
)
def test_a_scope_in_the_place_of_one_pull_request_is_found(before: str, after: str) -> None:
    """Whichever its number is: the token server grants that path to it."""
    policy = sound((before, after))
    chain = check(policy, "sha256").chains[0]
    assert chain.runs[0].number in (17, 4711)
    number, path = chain.runs[0].number, str(chain.through[0]).partition("/")[2]
    (grant,) = granted(policy, chain.runs[0], [Asked(name=f"{path}/app", actions=("push",))])
    assert grant.actions == ("push",), f"control: it is true of pull request {number}"
    assert check(sound((before, after.replace("pr/", "pr-"))), "sha256").holds, "control: what only looks alike"


@pytest.mark.parametrize("again", ["registry.acme.example", "Registry.acme.example.", "registry.acme.example:0443"])
def test_a_registry_is_named_once(again: str) -> None:
    """Named twice, main's paths in the one and a pull request's in the other were taken to be apart."""
    second = f'isolation: path}}\n  other: {{address: "{again}", isolation: path}}'
    with pytest.raises(DefinitionError, match="is the registry cache again"):
        read(changed(("isolation: path}", second)).encode(), "policy.yaml")
    other = second.replace(again, "registry.acme.example:5000")
    assert read(changed(("isolation: path}", other)).encode(), "policy.yaml").registries["other"]


def test_a_chain_over_a_third_run_is_found() -> None:
    """A builder that pull requests and main share reaches the release through main's images."""
    proof = check(sound(("levels: [trusted]", "levels: [trusted, pr]")), "sha256")
    (release,) = [chain for chain in proof.chains if "release" in chain.what]
    assert [level_of(run) for run in release.runs] == [Level.PR, Level.TRUSTED, Level.RELEASE]
    assert [str(one) for one in release.through] == ["builder main", "image at cache/images"]


def test_one_pull_request_reaches_another_over_a_builder_that_stays() -> None:
    (chain,) = check(sound(("ephemeral: true", "ephemeral: false")), "sha256").chains
    assert chain.what == "reaches another pull request"


def test_githubs_cache_may_serve_main_where_no_outsider_runs_in_its_context() -> None:
    cached = ("write: [trusted], read", "write: [trusted], backend: github, read")
    assert not check(sound(cached), "sha256").holds
    assert check(sound(cached, ("builders:", "assume: {guarded: true}\nbuilders:")), "sha256").holds


def test_fast_keys_are_refused_where_untrusted_runs_write() -> None:
    assert "not collision resistant" in check(sound(), "xxh3_128").refusals[0]
    nobody = sound(("write: [pr]", "write: []"))
    assert check(nobody, "xxh3_128").holds


LEVELS = [level.value for level in Level]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Policies with any readers, writers, builders and isolation, and paths that may lie within one another."""
    some = st.lists(st.sampled_from(LEVELS), unique=True).map(lambda names: f"[{', '.join(names)}]")
    path = st.sampled_from(["a", "b", "a/c", "a/7", "d"])
    lines = ["version: 1", "registries:"]
    lines += [f"  r{n}: {{address: r{n}.example, isolation: {draw(st.sampled_from(ISOLATION))}}}" for n in (0, 1)]
    lines.append("scopes:")
    for kind in ("main", "release", "pr"):
        tail = "/{number}" if kind == "pr" else ""
        at = f'registry: r{draw(st.integers(0, 1))}, cache: "{draw(path)}{tail}", images: "{draw(path)}{tail}"'
        backend = draw(st.sampled_from(["registry", "registry", "github", "local", "s3"]))
        lines.append(f"  {kind}: {{{at}, write: {draw(some)}, read: {draw(some)}, backend: {backend}}}")
    lines.append(f"builders: {{one: {{levels: {draw(some)}, ephemeral: {draw(st.sampled_from(['true', 'false']))}}}}}")
    lines.append(f"assume: {{reviewed: {draw(TRUTH)}, guarded: {draw(TRUTH)}}}")
    return read("\n".join(lines).encode(), "policy.yaml")


ISOLATION = ["path", "path", "repository", "registry", "none"]
TRUTH = st.sampled_from(["true", "true", "false"])


@given(policies())
@settings(max_examples=60, deadline=None)
def test_the_search_agrees_with_a_fixpoint_over_all_runs(policy: Policy) -> None:
    """Naive: taint every resource that a tainted run writes, and every run that reads one, until nothing changes."""
    numbers = checking._numbers(policy)
    resources = checking._resources(policy, numbers)
    abilities = {checking._ability(policy, run, resources) for run in all_runs(numbers)}
    tainted = {one for one in abilities if one.level not in TRUSTING}
    while True:
        dirty = set(itertools.chain.from_iterable(one.writes for one in tainted))
        more = {one for one in abilities if one.reads & dirty} | tainted
        if more == tainted:
            break
        tainted = more
    reached = {one.level for one in tainted} & set(TRUSTING)
    found = {
        level for level in TRUSTING for chain in check(policy, "sha256").chains if f"of level {level}" in chain.what
    }
    assert found == reached


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("version: 1", "version: 2", "version: must be 1"),
        ("id: 4711, ", "", "needs id and owner"),
        ('"cache/pr/{number}"', '"cache/pr"', "{number}"),
        ('"cache/pr/{number}"', '"cache/pr{number}"', "{number}"),
        ("cache: cache/main", "cache: ../main", "is a path of a registry"),
        ("cache: cache/main", "cache: Cache/main", "is a path of a registry"),
        ("write: [trusted]", "write: [trustd]", 'did you mean "trusted"?'),
        ("registry: cache, cache: cache/rel", "registry: cash, cache: cache/rel", 'did you mean "cache"?'),
        ("isolation: path", "isolation: paths", "is one of path, repository, registry, none"),
        (
            '"registry.acme.example", ',
            "ghcr.io, ",
            "registries.cache.isolation: ghcr.io keeps neither paths nor repositories apart, so path is not so there",
        ),
        ('"registry.acme.example", ', "GHCR.IO:443, ", "  write isolation: registry"),
        ('"registry.acme.example", isolation: path', "ghcr.io, isolation: repository", "  write isolation: registry"),
        ('"registry.acme.example", ', "eu-docker.pkg.dev, ", "  write isolation: repository"),
        ("10GiB", "10 gigs", "is a size such as 10GiB"),
        ("14d", "soon", "is a number of days"),
        ("  service: registry.acme.example\n", "", "token_server: has no service"),
        ("builders:", "builder:", 'did you mean "builders"?'),
        ("write: [release]", "attributes: {secret_access_key: x}, write: [release]", "a secret has no place"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(before: str, after: str, said: str) -> None:
    with pytest.raises(DefinitionError) as told:
        read(changed((before, after)).encode(), "policy.yaml")
    assert said in str(told.value)
    assert "policy.yaml:" in str(told.value)


def test_the_sound_file_is_read() -> None:
    policy = read(SOUND.encode(), "policy.yaml")
    assert policy.budget == 10 << 30
    assert policy.retention == {"pr": 14, "main": 90}
    assert policy.token_server is not None
    assert policy.token_server.issuers[1] == ("gitlab", "https://gitlab.com")


ARTIFACT_REGISTRY = (
    ('"registry.acme.example", isolation: path', "eu-docker.pkg.dev, isolation: repository"),
    ("cache: cache/main, images: images", "cache: acme/main/cache, images: acme/main/images"),
    ("cache: cache/release, images: release", "cache: acme/release/cache, images: acme/release/images"),
)
"""Each scope in a repository of its own; what pull requests have is said by each test."""


@pytest.mark.parametrize(
    ("pulls", "told"),
    [
        ('cache: "acme/pr/c/{number}", images: "acme/pr/i/{number}"', ["reaches another pull request"]),
        ('cache: "acme/main/c/{number}", images: "acme/pr/i/{number}"', ["release", "trusted", "another"]),
        ('cache: "acme/{number}/c", images: "acme/{number}/i"', []),
    ],
)
def test_what_shares_a_repository_is_not_kept_apart(pulls: str, told: list[str]) -> None:
    """Artifact Registry grants by PROJECT/REPOSITORY: what lies below one is one place."""
    text = 'cache: "cache/pr/{number}", images: "pr/{number}"'
    proof = check(sound(*ARTIFACT_REGISTRY, (text, pulls)), "sha256")
    assert len(proof.chains) == len(told)
    for chain, word in zip(proof.chains, told, strict=True):
        assert word in chain.what
    by_path = sound(
        *ARTIFACT_REGISTRY, (text, pulls), ("eu-docker.pkg.dev, isolation: repository", "a.example, isolation: path")
    )
    assert check(by_path, "sha256").holds, "control: a registry that keeps paths apart"
