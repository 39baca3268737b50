"""Turns a policy into Terraform's JSON for Artifact Registry: a workload identity pool, a repository for each scope.

A provider maps a token to the level of its run, and a level is bound to roles of a repository. IAM knows no resource
attributes of Artifact Registry (docs.cloud.google.com/iam/docs/conditions-resource-attributes), so what it can keep
apart is a repository, which is the first two parts of a path; a condition below that would hold nobody back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from planner.policy.conditions import level_expression, ours_expression
from planner.policy.levels import Level
from planner.policy.policy import NUMBER, Backend, Policy, ScopeRule
from planner.policy.scopes import ACCESS, PR
from planner.policy.zot import audience_of, issuer_of, judged_by_token

HOST = "-docker.pkg.dev"
MAX_CONDITION, MAX_MAPPING = 4096, 2048
"""Characters of an attribute's condition and of a mapping that a provider takes."""
READER, WRITER = "roles/artifactregistry.reader", "roles/artifactregistry.repoAdmin"
POOL = "planner"
DAY = 86_400
SHARED = "a repository for each scope, since IAM keeps apart nothing smaller"


class Impossible(ValueError):
    """What a policy asks for and Artifact Registry cannot do, one reason a line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A repository of Artifact Registry, and the packages' beginning in it."""

    project: str
    repository: str
    prefix: str


def place_of(path: str) -> Place | None:
    """The place of a scope's path, None where the path names no project and repository."""
    parts = path.split("/")
    if len(parts) < 2 or NUMBER in parts[:2]:
        return None
    return Place(project=parts[0], repository=parts[1], prefix="/".join(parts[2:]).partition(NUMBER)[0])


def terraform(policy: Policy, registry: str) -> dict[str, Any]:
    """The whole document. Raises Impossible."""
    address = policy.registries[registry].address
    rules = [rule for rule in policy.scopes.values() if rule.registry == registry]
    _expect_possible(policy, address, rules)
    return {
        "//": f"of policy.yaml, by planner policy generate artifact-registry; {SHARED}",
        "terraform": {"required_providers": {"google": {"source": "hashicorp/google", "version": ">= 5.14"}}},
        "variable": {"project": {"type": "string", "description": "the project of the workload identity pool"}},
        "resource": {
            "google_iam_workload_identity_pool": {
                POOL: {"project": "${var.project}", "workload_identity_pool_id": POOL, "display_name": "planner"}
            },
            "google_iam_workload_identity_pool_provider": _providers(policy, address),
            "google_artifact_registry_repository": _repositories(policy, address, rules),
            "google_artifact_registry_repository_iam_member": dict(_members(rules)),
        },
    }


def _expect_possible(policy: Policy, address: str, rules: list[ScopeRule]) -> None:
    wrong = [] if address.endswith(HOST) else [f"{address} is no registry of Artifact Registry: LOCATION{HOST}"]
    owners: dict[tuple[str, str], str] = {}
    for rule in rules:
        for path in rule.paths:
            place = place_of(path)
            if place is None:
                wrong.append(f"scopes.{rule.kind}: {path} does not begin with PROJECT/REPOSITORY")
            elif owners.setdefault((place.project, place.repository), rule.kind) != rule.kind:
                other = owners[(place.project, place.repository)]
                wrong.append(
                    f"scopes.{rule.kind}: {path} is in the repository of scope {other}: IAM gives both or none"
                )
    for ours in judged_by_token(policy):
        mapping = level_expression(policy.identity, ours, "assertion")
        for text, most in ((mapping, MAX_MAPPING), (ours_expression(ours, "assertion"), MAX_CONDITION)):
            if len(text) > most:
                wrong.append(f"an expression for {ours.provider} is longer than the {most} characters that are taken")
    if wrong:
        raise Impossible("\n".join(wrong))


def _providers(policy: Policy, address: str) -> dict[str, Any]:
    claims = {"github": "assertion.repository_id", "gitlab": "assertion.project_id"}
    runs = {"github": "assertion.run_id", "gitlab": "assertion.job_id"}
    return {
        ours.provider: {
            "project": "${var.project}",
            "workload_identity_pool_id": f"${{google_iam_workload_identity_pool.{POOL}.workload_identity_pool_id}}",
            "workload_identity_pool_provider_id": ours.provider,
            "attribute_condition": literal(ours_expression(ours, "assertion")),
            "attribute_mapping": {
                "google.subject": f'"{ours.provider}:" + {claims[ours.provider]} + ":" + {runs[ours.provider]}',
                "attribute.level": literal(level_expression(policy.identity, ours, "assertion")),
            },
            "oidc": {
                "issuer_uri": literal(issuer_of(policy, ours.provider)),
                "allowed_audiences": [literal(audience_of(policy, address))],
            },
        }
        for ours in judged_by_token(policy)
    }


def _repositories(policy: Policy, address: str, rules: Iterable[ScopeRule]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for rule in rules:
        for place in _places(rule):
            found[_name(place)] = {
                "project": place.project,
                "location": address.removesuffix(HOST),
                "repository_id": place.repository,
                "format": "DOCKER",
                "labels": {"scope": rule.kind},
                **_cleaning(policy, rule, place),
            }
    return found


def _cleaning(policy: Policy, rule: ScopeRule, place: Place) -> dict[str, Any]:
    """By age for pull requests; those of others are what `planner gc --format artifact-registry` writes."""
    if rule.kind != PR:
        return {"lifecycle": {"ignore_changes": ["cleanup_policies", "cleanup_policy_dry_run"]}}
    days = policy.retention.get(PR)
    if days is None:
        return {}
    paths = [rule.images, *([rule.cache] if rule.backend is Backend.REGISTRY else [])]
    here = [found for path in paths if (found := place_of(path)) and _name(found) == _name(place)]
    prefixes = sorted({one.prefix for one in here if one.prefix})
    condition: dict[str, Any] = {"tag_state": "ANY", "older_than": f"{days * DAY}s"}
    if prefixes:
        condition["package_name_prefixes"] = prefixes
    cleanup = {"id": "delete-pull-requests", "action": "DELETE", "condition": condition}
    return {"cleanup_policy_dry_run": False, "cleanup_policies": [cleanup]}


def _members(rules: Iterable[ScopeRule]) -> Iterable[tuple[str, dict[str, Any]]]:
    pool = f"${{google_iam_workload_identity_pool.{POOL}.name}}"
    for rule in rules:
        for place in _places(rule):
            at = f"google_artifact_registry_repository.{_name(place)}"
            for level in Level:
                role = _role(rule, level)
                if role:
                    yield (
                        f"{_name(place)}-{level}",
                        {
                            "project": f"${{{at}.project}}",
                            "location": f"${{{at}.location}}",
                            "repository": f"${{{at}.name}}",
                            "role": role,
                            "member": f"principalSet://iam.googleapis.com/{pool}/attribute.level/{level}",
                        },
                    )


def _role(rule: ScopeRule, level: Level) -> str:
    """Whoever may write may read there: Artifact Registry has no role that writes alone."""
    access = ACCESS[level]
    if level in rule.write and rule.kind == access.write:
        return WRITER
    return READER if level in rule.read and rule.kind in access.reads else ""


def _places(rule: ScopeRule) -> list[Place]:
    """One for each repository of a scope."""
    found = {_name(place): place for path in rule.paths if (place := place_of(path))}
    return list(found.values())


def _name(place: Place) -> str:
    return f"{place.project}--{place.repository}".replace(".", "-")


def literal(text: str) -> str:
    """A text that Terraform takes letter by letter: its templates begin with ${ and %{."""
    return text.replace("${", "$${").replace("%{", "%%{")
