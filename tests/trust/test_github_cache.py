"""Way A with BuildKit's real `gha` backend, against a stand-in of GitHub's cache service with its scopes and limit."""

from __future__ import annotations

from tests.trust.conftest import TrustSpace, cached
from tests.trust.github_cache import MAIN, Service, running_cache


def github(space: TrustSpace, *scopes: str) -> None:
    """Let these scopes of the policy keep their layer cache with GitHub."""
    text = (space.root / "policy.yaml").read_text()
    for scope in scopes:
        head, _, tail = text.partition(f"\n  {scope}:")
        text = f"{head}\n  {scope}:{tail.replace('registry: cache,', 'registry: cache, backend: github,', 1)}"
    space.write({"policy.yaml": f"{text}assume: {{guarded: true}}\n"})


def steps(space: TrustSpace, service: Service, run: str) -> list[bool]:
    return list(cached(space.run(run, **service.environment(run))).values())


def test_pull_requests_and_forks_in_githubs_cache_and_main_in_the_registry(trust_space: TrustSpace) -> None:
    space = trust_space
    github(space, "pr")
    with running_cache() as service:
        assert steps(space, service, "main") == [False] * 3
        assert service.scopes() == {}, "main is in the registry"
        space.write({"app.txt": "changed\n"})
        assert steps(space, service, "pr/17") == [True, False, False], "main's, out of the registry"
        assert steps(space, service, "pr/17") == [True] * 3, "its own, out of GitHub's cache"
        assert steps(space, service, "fork/18") == [True, False, False], "not another one's"
        assert steps(space, service, "fork/18") == [True] * 3, "a fork has a cache too"
        assert set(service.scopes()) == {"refs/pull/17/merge", "refs/pull/18/merge"}
        assert steps(space, service, "main") == [True, False, False], "main reads none of them"


def test_mains_entries_are_read_by_pull_requests_and_evicted_by_the_limit(trust_space: TrustSpace) -> None:
    space = trust_space
    github(space, "main", "pr")
    with running_cache() as service:
        assert steps(space, service, "main") == [False] * 3
        assert set(service.scopes()) == {MAIN}
        assert steps(space, service, "pr/17") == [True] * 3
        service.limit = 1
        space.write({"app.txt": "changed\n"})
        assert steps(space, service, "pr/17") == [True, False, False]
        assert service.evicted, "what was read longest ago went"
        assert steps(space, service, "main") == [False] * 3, "and main builds anew: what the budget is for"
