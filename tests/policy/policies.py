"""Policies that tests change in one place each."""

from __future__ import annotations

from planner.policy.policy import Policy
from planner.policy.policy_file import read

SOUND = """\
version: 1
repositories:
  github: {name: acme/images, id: 4711, owner: 42}
  gitlab: {name: acme/images, id: 17, owner: 5}
  buildkite: {name: acme/images}
protected: {branches: [main, "release/*"], tags: ["v*"]}
runners: [github-hosted, gitlab-hosted, trusted-pool]
registries:
  cache: {address: "registry.acme.example", isolation: path}
scopes:
  main:
    {registry: cache, cache: cache/main, images: images, write: [trusted], read: [release, trusted, pr, untrusted]}
  release: {registry: cache, cache: cache/release, images: release, write: [release], read: [release]}
  pr:      {registry: cache, cache: "cache/pr/{number}", images: "pr/{number}", write: [pr], read: [pr]}
builders:
  main: {levels: [trusted]}
  release: {levels: [release]}
  pull-requests: {levels: [pr, untrusted], ephemeral: true}
budget: {github_cache: 10GiB}
retention: {pr: 14d, main: 90d}
token_server:
  issuers: {github: "https://token.actions.githubusercontent.com", gitlab: "https://gitlab.com"}
  audience: registry.acme.example
  service: registry.acme.example
  issuer: planner-token-server
"""


def sound(*changes: tuple[str, str]) -> Policy:
    """The sound policy with some of its text exchanged; every text must be there."""
    return read(changed(*changes).encode(), "policy.yaml")


def changed(*changes: tuple[str, str]) -> str:
    text = SOUND
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return text
