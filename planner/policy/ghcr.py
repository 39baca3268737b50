"""Turns a policy into a note on GitHub's container registry: what it keeps apart, what it cannot, and what to set.

docs.github.com, "About permissions for GitHub Packages", "Configuring a package's access control and visibility",
"Controlling permissions for GITHUB_TOKEN". A package there is a repository of images by its whole path, so every path
of a policy is a package of its own, and no part of a path is a boundary.
"""

from __future__ import annotations

from planner.policy.levels import Level
from planner.policy.policy import Backend, Isolation, Policy, ScopeRule
from planner.policy.scopes import ACCESS, MAIN, PR, RELEASE

HOST = "ghcr.io"
PERMISSIONS = {
    Level.RELEASE: "a push or release of a protected tag",
    Level.TRUSTED: "a push, schedule or dispatch on a protected branch",
    Level.PR: "a pull request from within the repository",
    Level.UNTRUSTED: "everything else",
}
CANNOT = (
    "One pull request from another: a token with `packages: write` writes every package that its repository may write.",
    "A pull request's path from main's, where one repository may write both packages: there is no rule by path or ref.",
    "A pull request from within the repository that edits its workflow to ask for `packages: write`.",
    "Who may delete from who may write for a time: retention is a job of yours, `planner gc --scopes`.",
)
CAN = (
    "One package from another, by the repositories and people that each package admits.",
    "Runs of forks: their `GITHUB_TOKEN` is read-only, whatever the workflow asks for.",
    "Jobs of one workflow: each has the permissions that it names, and no others.",
)


def note(policy: Policy, registry: str) -> str:
    """The note, as Markdown."""
    rules = [rule for rule in policy.scopes.values() if rule.registry == registry]
    lines = ["# GitHub's container registry under this policy", ""]
    lines += ["What it keeps apart:", "", *(f"- {text}" for text in CAN), ""]
    lines += ["What it cannot keep apart:", "", *(f"- {text}" for text in CANNOT), ""]
    lines += [*_verdict(policy, registry, rules), "", "## Permissions of jobs", "", *_permissions(rules)]
    lines += ["", "## Checklist", "", *(f"- [ ] {text}" for text in checklist(rules))]
    return "\n".join(lines) + "\n"


def _verdict(policy: Policy, registry: str, rules: list[ScopeRule]) -> list[str]:
    lines = ["## This policy", ""]
    rule = policy.registries[registry]
    if not rule.address.startswith(HOST):
        lines.append(f"`{rule.address}` is not {HOST}: what follows is of {HOST}.")
    if rule.isolation is Isolation.PATH:
        lines.append("**It says `isolation: path`. That is not so here:** write `isolation: registry`.")
    writers = sorted({level.value for one in rules for level in one.write if one.kind == ACCESS[level].write})
    pulls = [one for one in rules if one.kind == PR and Level.PR in one.write and in_registry(one)]
    others = [one.kind for one in rules if one.kind != PR]
    if pulls:
        lines.append(
            f"**Pull requests write here beside {' and '.join(others) or 'nothing'}.** Keep them in another "
            "registry, or their layer caches in GitHub's (`backend: github`)."
        )
    else:
        lines.append(f"Written by: {', '.join(writers) or 'nobody'}. No pull request writes here.")
    return lines


def in_registry(rule: ScopeRule) -> bool:
    """Whether what a scope writes gets into the registry: its images do, wherever its layer cache is."""
    return rule.backend is Backend.REGISTRY or rule.images != rule.cache


def packages_permission(rules: list[ScopeRule], level: Level) -> str:
    """What a job of a level needs of packages: write, read or none. A pull request is never given write."""
    access = ACCESS[level]
    if level is not Level.PR and any(level in rule.write and rule.kind == access.write for rule in rules):
        return "write"
    return "read" if any(level in rule.read and rule.kind in access.reads for rule in rules) else "none"


def _permissions(rules: list[ScopeRule]) -> list[str]:
    lines = ["| level | who | `permissions` of its job |", "|---|---|---|"]
    for level, who in PERMISSIONS.items():
        lines.append(f"| {level} | {who} | `{{contents: read, packages: {packages_permission(rules, level)}}}` |")
    return [*lines, "", "Set `permissions: {}` for the workflow, so that a job that is added has none."]


def checklist(rules: list[ScopeRule]) -> list[str]:
    """What has to be set by hand, since no file of a repository can set it."""
    kinds = [rule for rule in rules if rule.kind in (MAIN, RELEASE)]
    found = []
    for rule in kinds:
        paths = ", ".join(f"`{path}/*`" for path in rule.paths)
        found.append(f"packages {paths} ({rule.kind}): Manage Actions access: this repository has the role Read")
        found.append(
            f"packages {paths} ({rule.kind}): written with a credential that is a secret of an environment, whose "
            f"deployments are limited to protected {'tags' if rule.kind == RELEASE else 'branches'}"
        )
    return [
        *found,
        "the packages inherit no access from the repository, which would give its workflows write",
        "Settings, Actions, General: workflow permissions are read-only by default",
        "Settings, Actions, General: runs of pull requests from forks get no write tokens and no secrets",
        "`planner policy lint` finds nothing",
    ]
