"""What a policy says of runs: which repository is ours, which refs are protected, who and where is trusted.

Turns the neutral words of providers into the kinds that the table of levels knows. Refuses to guess: "" is unknown.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field

from planner.policy.levels import Actor, Origin, RefKind, Runner

_PULL = re.compile(r"refs/(?:pull|merge-requests)/([1-9][0-9]{0,9})/(?:merge|head|train)")
BOTS = ("dependabot[bot]", "renovate[bot]")
"""Actors that bring in the work of others unread; GitHub itself gives Dependabot's runs no secrets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """The repository that a policy is for. Ids are compared, since names can be given up and registered anew.

    `provider` is github, gitlab or buildkite; the last one tells no ids.
    """

    provider: str
    name: str = ""
    repository_id: str = ""
    owner_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who and what counts as ours. `branches`, `tags`, `runners` and `refused` are globs."""

    repositories: tuple[Ours, ...] = ()
    branches: tuple[str, ...] = ("main",)
    tags: tuple[str, ...] = ()
    runners: tuple[str, ...] = ("github-hosted", "gitlab-hosted")
    refused: tuple[str, ...] = field(default=BOTS)

    def ref(self, ref: str, protected: str) -> tuple[RefKind, int]:
        """The kind of a full ref, and the number of its pull request. `protected` is what the provider says of it.

        A provider that says "false" is believed; one that says nothing leaves it to the policy.
        """
        if found := _PULL.fullmatch(ref):
            return RefKind.PULL, int(found[1])
        if protected.lower() not in ("true", ""):
            return RefKind.OTHER, 0
        if ref.startswith("refs/heads/") and _in(ref.removeprefix("refs/heads/"), self.branches):
            return RefKind.PROTECTED_BRANCH, 0
        if ref.startswith("refs/tags/") and _in(ref.removeprefix("refs/tags/"), self.tags):
            return RefKind.PROTECTED_TAG, 0
        return RefKind.OTHER, 0

    def origin(self, provider: str, name: str, repository_id: str, owner_id: str) -> Origin:
        """Whether a repository is ours: by its ids where the policy has them, and by its name, all of them."""
        if not name and not repository_id:
            return Origin.UNKNOWN
        for ours in self.repositories:
            if ours.provider != provider:
                continue
            said = [(ours.name, name), (ours.repository_id, repository_id), (ours.owner_id, owner_id)]
            if any(mine for mine, _ in said) and all(mine == theirs for mine, theirs in said if mine):
                return Origin.SAME
        return Origin.FOREIGN

    def actor(self, name: str) -> Actor:
        """Somebody who got this far in our repository may write to it, unless the policy refuses them."""
        if not name:
            return Actor.UNKNOWN
        return Actor.REFUSED if _in(name, self.refused) else Actor.WRITER

    def runner(self, *names: str) -> Runner:
        """A runner by what is said of it: its environment, its group, its queue or its tags."""
        said = [name for name in names if name]
        if not said:
            return Runner.UNKNOWN
        return Runner.TRUSTED if any(_in(name, self.runners) for name in said) else Runner.OTHER


def _in(name: str, globs: tuple[str, ...]) -> bool:
    # A name with brackets, such as a bot's, is meant letter by letter.
    return any(name == glob or fnmatch.fnmatchcase(name, glob) for glob in globs)
