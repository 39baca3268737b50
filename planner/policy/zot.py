"""Turns a policy into the configuration of a zot registry: who a token makes you, what each may do, what goes by age.

github.com/project-zot/zot, `examples/README.md` ("Identity-based Authorization", "Conditional access on policies",
"Retention") and `examples/README-OIDC-WORKLOAD-IDENTITY.md`. Conditions came with zot 2.1.17.
"""

from __future__ import annotations

from typing import Any

from planner.policy.conditions import ISSUERS, NUMBER_PART, level_expression, ours_expression, quoted, ref_claim
from planner.policy.identity import Ours
from planner.policy.levels import Level
from planner.policy.policy import NUMBER, Backend, Policy, ScopeRule
from planner.policy.scopes import ACCESS, PR

READ = ("read",)
WRITE = ("create", "update", "delete")
USER = "planner-"
"""Before a level, in the name of zot's user."""


def configuration(policy: Policy, registry: str, root: str) -> dict[str, Any]:
    """zot's document for the registry that the policy calls so. `root` is the folder of its data."""
    address = policy.registries[registry].address
    rules = [rule for rule in policy.scopes.values() if rule.registry == registry]
    return {
        "distSpecVersion": "1.1.1",
        "storage": {"rootDirectory": root, "gc": True, "gcDelay": "2h", "gcInterval": "24h", **_retention(policy)},
        "http": {
            "address": "127.0.0.1",
            "port": "5000",
            "realm": "zot",
            "auth": {
                "bearer": {
                    "realm": f"https://{address}/zot/auth/token",
                    "service": address,
                    "oidc": [_provider(policy, ours, address) for ours in judged_by_token(policy)],
                }
            },
            "accessControl": {"repositories": _repositories(policy, rules)},
        },
        "log": {"level": "info", "audit": f"{root}/audit.log"},
    }


def judged_by_token(policy: Policy) -> list[Ours]:
    """The repositories whose provider gives identity tokens that a registry can check."""
    return [ours for ours in policy.identity.repositories if ours.provider in ISSUERS]


def issuer_of(policy: Policy, provider: str) -> str:
    """Who signs the tokens of a provider: as the policy's token server has it, else the public service."""
    told = dict(policy.token_server.issuers) if policy.token_server is not None else {}
    return told.get(provider, ISSUERS[provider])


def audience_of(policy: Policy, address: str) -> str:
    """What a token has to be made for."""
    return policy.token_server.audience if policy.token_server is not None else address


def _provider(policy: Policy, ours: Ours, address: str) -> dict[str, Any]:
    message = f"tokens of {ours.provider} are taken of {ours.name} alone"
    return {
        "issuer": issuer_of(policy, ours.provider),
        "audiences": [audience_of(policy, address)],
        "claimMapping": {
            "validations": [{"expression": ours_expression(ours, "claims"), "message": message}],
            "username": f"{quoted(USER)} + ({level_expression(policy.identity, ours, 'claims')})",
        },
    }


def _repositories(policy: Policy, rules: list[ScopeRule]) -> dict[str, Any]:
    """By zot's globs; a repository that is in no scope is nobody's."""
    found: dict[str, Any] = {"**": {"policies": [], "defaultPolicy": [], "anonymousPolicy": []}}
    for rule in rules:
        for path in rule.paths:
            found[_glob(path)] = {
                "policies": list(_entries(policy, rule, path)),
                "defaultPolicy": [],
                "anonymousPolicy": list(READ) if _may_read(rule, Level.UNTRUSTED) else [],
            }
    return found


def _entries(policy: Policy, rule: ScopeRule, path: str) -> list[dict[str, Any]]:
    """What each level may do below a path. Every entry names its path again, so that no glob can widen it."""
    found = []
    for level in Level:
        actions = [*(READ if _may_read(rule, level) else ()), *(WRITE if _may_write(rule, level) else ())]
        if not actions:
            continue
        refs = [ref_claim(ours.provider) for ours in judged_by_token(policy)] if rule.kind == PR else [""]
        for ref in dict.fromkeys(refs):
            condition = {"expression": _below(path, ref), "message": f"{rule.kind} is not this run's"}
            found.append({"users": [f"{USER}{level}"], "actions": actions, "conditions": [condition]})
    return found


def _below(path: str, ref: str) -> str:
    """True for a repository below a path, whose number, if it has one, is that of the token's own pull request."""
    head, number, tail = path.partition(NUMBER)
    if not number:
        return f"req.repository.startsWith({quoted(path + '/')})"
    claim = f"req.claims.{ref}"
    begins = f'{quoted(head)} + {claim}.split("/")[{NUMBER_PART}] + {quoted(tail + "/")}'
    return f"has({claim}) && req.repository.startsWith({begins})"


def _glob(path: str) -> str:
    return f"{path.replace(NUMBER, '*')}/**"


def _may_read(rule: ScopeRule, level: Level) -> bool:
    return level in rule.read and rule.kind in ACCESS[level].reads


def _may_write(rule: ScopeRule, level: Level) -> bool:
    return level in rule.write and rule.kind == ACCESS[level].write


def _retention(policy: Policy) -> dict[str, Any]:
    """By age for pull requests alone: what main and releases still need, pins and leases, zot cannot know.

    A repository that no policy names keeps everything; the last one says so for tags, against additions before it.
    """
    policies: list[dict[str, Any]] = []
    rule, days = policy.scopes.get(PR), policy.retention.get(PR)
    if rule is not None and days is not None:
        paths = [rule.images, *([rule.cache] if rule.backend is Backend.REGISTRY else [])]
        policies.append(
            {
                "repositories": sorted({_glob(path) for path in paths}),
                "deleteReferrers": True,
                "deleteUntagged": True,
                "keepTags": [{"patterns": [".*"], "pushedWithin": f"{days * 24}h"}],
            }
        )
    kept = {"repositories": ["**"], "deleteReferrers": False, "deleteUntagged": False}
    policies.append({**kept, "keepTags": [{"patterns": [".*"]}]})
    return {"retention": {"dryRun": False, "delay": "24h", "policies": policies}}
