"""What is generated for registries, in their documented form, and judged over every token that there can be.

`tests/policy/registries/README.md` says where each form is documented.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from planner.cli.policy_generated import generated
from planner.errors import PlannerError
from planner.policy import ghcr, google
from planner.policy.claims import run_of
from planner.policy.grants import Asked, granted
from planner.policy.levels import Level, Origin, level_of
from planner.policy.policy import Policy
from tests.policy.policies import sound
from tests.policy.tokens import evaluated, holds, usual_tokens
from tests.workspace import Workspace

FORMS = Path(__file__).parent / "registries"
GOOGLE = (
    ('"registry.acme.example", isolation: path', '"europe-docker.pkg.dev", isolation: repository'),
    ("cache: cache/main, images: images", "cache: acme/main/cache, images: acme/main/images"),
    ("cache: cache/release, images: release", "cache: acme/release/cache, images: acme/release/images"),
    ('cache: "cache/pr/{number}", images: "pr/{number}"', 'cache: "acme/pr/c/{number}", images: "acme/pr/i/{number}"'),
    ("write: [pr]", "write: []"),
)


class Zot:
    """How zot decides, as its documentation tells: the longest glob alone, users with conditions, then nobody."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.rules = document["http"]["accessControl"]["repositories"]
        self.providers = document["http"]["auth"]["bearer"]["oidc"]
        self.known: dict[tuple[object, ...], bool] = {}

    def user(self, claims: dict[str, str]) -> str | None:
        for provider in self.providers:
            mapping = provider["claimMapping"]
            if all(holds(one["expression"], claims=claims) for one in mapping["validations"]):
                name = evaluated(mapping["username"], claims=claims)
                return None if name is None else str(name)
        return None

    def can(self, user: str, claims: dict[str, str], action: str, repository: str) -> bool:
        """Depends on the user and on the claims that conditions name, so each of those is worked out once."""
        asked = tuple((name, claims[name]) for name in ("ref", "ref_path") if name in claims)
        if (user, asked, action, repository) not in self.known:
            self.known[(user, asked, action, repository)] = self._can(user, dict(asked), action, repository)
        return self.known[(user, asked, action, repository)]

    def _can(self, user: str, claims: dict[str, str], action: str, repository: str) -> bool:
        matching = [glob for glob in self.rules if _matches(glob.split("/"), repository.split("/"))]
        rule = self.rules[max(matching, key=len)]
        for entry in rule["policies"]:
            if user in entry["users"] and action in entry["actions"]:
                request = {"repository": repository, "claims": claims}
                if all(holds(one["expression"], req=request) for one in entry["conditions"]):
                    return True
        return action in (rule["defaultPolicy"] if user else rule["anonymousPolicy"])


def _matches(glob: list[str], path: list[str]) -> bool:
    """Doublestar's globs: `**` is any number of parts, none too, `*` is one."""
    if not glob:
        return not path
    if glob[0] == "**":
        return any(_matches(glob[1:], path[at:]) for at in range(len(path) + 1))
    return bool(path) and glob[0] in ("*", path[0]) and _matches(glob[1:], path[1:])


PATHS = ["cache/main", "images", "cache/release", "release", "cache/pr/1", "cache/pr/17", "pr/17", "cache", "other"]
ACTIONS = {"read": "pull", "create": "push", "update": "push", "delete": "delete"}


def wrong_answers(document: dict[str, Any], policy: Policy) -> tuple[int, list[str]]:
    """How many answers of zot were looked at, and which are not those of the policy's own tables."""
    at, looked, wrong = Zot(document), 0, []
    for claims in (*usual_tokens("github"), *usual_tokens("gitlab"), {}):
        user = at.user(claims) if claims else ""
        provider = "gitlab" if "project_id" in claims else "github"
        run = run_of(provider, claims, policy.identity)
        for path, (action, wanted) in itertools.product(PATHS, ACTIONS.items()):
            name = f"{path}/base"
            (grant,) = granted(policy, run, [Asked(name=name, actions=(wanted,))])
            looked += 1
            admitted = user is not None and at.can(user, claims, action, name)
            # zot turns away the token of another repository; nobody, without a token, may read.
            right = bool(grant.actions) and (not claims or run.origin is Origin.SAME)
            if admitted != right:
                wrong.append(f"{run}: {action} {name}: {admitted}")
    return looked, wrong


def test_zot_admits_what_the_policy_grants_and_nothing_else() -> None:
    policy = sound()
    document = json.loads(generated("zot", policy, "cache"))
    looked, wrong = wrong_answers(document, policy)
    assert not wrong
    print(f"{looked} answers of zot's rules, each as the policy's own tables have it")
    text = json.dumps(document)
    opened = text.replace(r"\"/\")[2] + \"/\")", r"\"/\")[2])")
    assert opened != text
    assert wrong_answers(json.loads(opened), policy)[1], "control: pull request 1 is the beginning of 17"


def test_zots_configuration_has_its_documented_form() -> None:
    document = json.loads(generated("zot", sound(), "cache"))
    schema = json.loads((FORMS / "zot.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "accessControl": {}}, schema)
    policies = document["storage"]["retention"]["policies"]
    assert policies[0]["repositories"] == ["cache/pr/*/**", "pr/*/**"]
    assert policies[0]["keepTags"] == [{"patterns": [".*"], "pushedWithin": "336h"}]
    assert policies[-1]["keepTags"] == [{"patterns": [".*"]}], "what main needs does not go by age"


def google_document(*changes: tuple[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(generated("artifact-registry", sound(*GOOGLE, *changes), "cache"))
    return found


def bound(document: dict[str, Any], level: str) -> dict[str, str]:
    """The role of a level by repository."""
    members = document["resource"]["google_artifact_registry_repository_iam_member"].values()
    repositories = document["resource"]["google_artifact_registry_repository"]
    return {
        repositories[one["repository"].split(".")[1]]["repository_id"]: one["role"].rpartition(".")[2]
        for one in members
        if one["member"].endswith(f"/attribute.level/{level}")
    }


def test_google_binds_each_level_to_its_own_repositories() -> None:
    document = google_document()
    assert bound(document, "trusted") == {"main": "repoAdmin"}
    assert bound(document, "release") == {"main": "reader", "release": "repoAdmin"}
    assert bound(document, "pr") == {"main": "reader", "pr": "reader"}
    assert bound(document, "untrusted") == {"main": "reader"}
    cleanup = document["resource"]["google_artifact_registry_repository"]["acme--pr"]["cleanup_policies"]
    assert cleanup[0]["condition"] == {
        "tag_state": "ANY",
        "older_than": "1209600s",
        "package_name_prefixes": ["c/", "i/"],
    }


@pytest.mark.parametrize("provider", ["github", "gitlab"])
def test_google_admits_no_pull_request_to_mains_repository(provider: str) -> None:
    """From a token over the provider's condition and mapping to a role, for every token."""
    policy = sound(*GOOGLE)
    document = google_document()
    told = document["resource"]["google_iam_workload_identity_pool_provider"][provider]
    condition = told["attribute_condition"].replace("$${", "${").replace("%%{", "%{")
    mapping = told["attribute_mapping"]["attribute.level"].replace("$${", "${").replace("%%{", "%{")
    writers = 0
    for claims in usual_tokens(provider):
        if not holds(condition, assertion=claims):
            continue
        level = evaluated(mapping, assertion=claims)
        run = run_of(provider, claims, policy.identity)
        assert level == level_of(run).value
        writes = {name for name, role in bound(document, str(level)).items() if role == "repoAdmin"}
        for repository in ("main", "release", "pr"):
            path = f"acme/{repository}/c/{run.number}/x" if repository == "pr" else f"acme/{repository}/cache/x"
            (grant,) = granted(policy, run, [Asked(name=path, actions=("push",))])
            assert (repository in writes) == bool(grant.actions), (claims, repository)
        writers += bool(writes)
    assert writers > 3, "some write"


def test_terraform_has_its_documented_form_and_reads_what_we_wrote_letter_by_letter() -> None:
    document = google_document()
    schema = json.loads((FORMS / "artifact-registry.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    assert google.literal("${var.x} %{if}") == "$${var.x} %%{if}"
    evil = ("branches: [main", 'branches: [main, "${file(1)}"')
    text = json.dumps(google_document(evil))
    assert "$${file(1)}" in text
    assert text.count("${file(1)}") == text.count("$${file(1)}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("acme/pr/c/{number}", "acme/main/pr/{number}"), "IAM gives both or none"),
        (("acme/pr/c/{number}", "acme/{number}/pr"), "does not begin with PROJECT/REPOSITORY"),
        (("europe-docker.pkg.dev", "registry.example"), "is no registry of Artifact Registry"),
        (("branches: [main", f"branches: [{', '.join(f'branch-{n}' for n in range(200))}"), "longer than the 2048"),
        (("isolation: repository", "isolation: none"), "does not hold"),
        (("write: []", "write: [pr]"), "does not hold"),
    ],
)
def test_what_artifact_registry_cannot_do_is_refused(change: tuple[str, str], said: str) -> None:
    with pytest.raises(PlannerError, match=said):
        google_document(change)


def test_ghcr_is_told_what_it_cannot_do() -> None:
    text = generated("ghcr", sound(), "cache")
    assert "That is not so here" in text
    assert "Pull requests write here beside main and release" in text
    quiet = sound(("isolation: path", "isolation: registry"), ("write: [pr]", "write: []"))
    assert "No pull request writes here" in generated("ghcr", quiet, "cache")
    rules = list(quiet.scopes.values())
    wanted = {level: ghcr.packages_permission(rules, level) for level in Level}
    assert wanted == {"release": "write", "trusted": "write", "pr": "read", "untrusted": "read"}
    assert ghcr.packages_permission(list(sound().scopes.values()), Level.PR) == "read", "never write"


def test_the_command_writes_checks_and_refuses(tmp_path: Path) -> None:
    from tests.policy.policies import SOUND

    space = Workspace(tmp_path)
    space.write({"policy.yaml": SOUND})
    words = ("policy", "generate", "zot", "--out", str(tmp_path / "out" / "zot.json"))
    assert space.planner(*words).returncode == 0
    assert json.loads((tmp_path / "out" / "zot.json").read_text())["distSpecVersion"]
    assert space.planner(*words, "--check").returncode == 0
    space.write({"policy.yaml": SOUND.replace("pr: 14d", "pr: 15d")})
    assert space.planner(*words, "--check").returncode == 3
    printed = space.planner("policy", "generate", "ghcr", "--out", "-")
    assert printed.stdout.startswith("# GitHub's container registry")
    refused = space.planner("policy", "generate", "artifact-registry")
    assert refused.returncode == 1
    assert "is no registry of Artifact Registry" in refused.stderr
    assert space.planner("policy", "generate", "harbor").returncode == 2
