"""Turns decisions into the cleanup policies of Google's Artifact Registry, as its own tool takes them.

docs.cloud.google.com/artifact-registry/docs/repositories/cleanup-policy: a list of policies, each with a name, an
action (Delete, Keep) and a condition. Keep wins over Delete. Its service applies them in the background, at its time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from planner.plan.retention import DAY, Decision

HOSTS = ("-docker.pkg.dev",)
MAX_POLICIES = 10
"""Policies that a repository may have."""


def cleanup_policies(
    decisions: Sequence[Decision], names: Collection[str], grace: float, scopes: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Delete what is older than `grace` (seconds) in these packages, and keep every digest that stays.

    `scopes` are further beginnings of package names with the days after which everything there goes. Packages and
    scopes are named without host, project and repository.
    """
    kept = sorted({one.manifest.digest for one in decisions if one.keep})
    found: list[dict[str, Any]] = [
        {
            "name": "delete-what-nothing-wants",
            "action": {"type": "Delete"},
            "condition": {"tagState": "any", "olderThan": _age(grace), "packageNamePrefixes": sorted(names)},
        }
    ]
    if kept:
        found.append(
            {
                "name": "keep-what-is-wanted",
                "action": {"type": "Keep"},
                "condition": {"tagState": "any", "versionNamePrefixes": kept, "packageNamePrefixes": sorted(names)},
            }
        )
    for number, (prefix, days) in enumerate(sorted(scopes.items())[: MAX_POLICIES - 2]):
        found.append(
            {
                "name": f"delete-pull-requests-{number}",
                "action": {"type": "Delete"},
                "condition": {"tagState": "any", "olderThan": f"{days}d", "packageNamePrefixes": [prefix]},
            }
        )
    return found


def _age(seconds: float) -> str:
    return f"{int(seconds // DAY)}d" if seconds >= DAY else f"{int(seconds)}s"
