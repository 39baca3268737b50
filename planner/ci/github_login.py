"""How a job of GitHub Actions logs in to a registry, and the permissions that it needs for that and no more."""

from __future__ import annotations

import re

from planner.ci.pipeline import Settings

GHCR = "ghcr.io"
GOOGLE = re.compile(r"(?:[a-z0-9-]+\.)?(?:gcr\.io|pkg\.dev)")
AMAZON = re.compile(r"\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com")
SECRETS = ("REGISTRY_USER", "REGISTRY_TOKEN")
"""What a registry is logged in to with that knows neither the run's own token nor OIDC."""
KEY = "PLANNER_SIGNING_KEY"
Steps = list[dict[str, object]]


def permissions(settings: Settings, *, write: bool, plans: bool = False) -> dict[str, str]:
    """What `GITHUB_TOKEN` may do in a job that reads the repository, and reads or writes its registry.

    An OIDC token is asked for only where a cloud's registry is written to, or read for the plan.
    """
    found = {"contents": "read"}
    if settings.host == GHCR:
        found["packages"] = "write" if write else "read"
    elif (write or plans) and (GOOGLE.fullmatch(settings.host) or AMAZON.fullmatch(settings.host)):
        found["id-token"] = "write"
    return found


def secrets(settings: Settings) -> tuple[str, ...]:
    """The secrets that the steps of `login` use, and the key that records are signed with."""
    host = settings.host
    login = () if host == GHCR or GOOGLE.fullmatch(host) or AMAZON.fullmatch(host) else SECRETS
    return (*login, *signing_key(settings))


def signing_key(settings: Settings) -> dict[str, str]:
    """The variable with the private key for a job that publishes signed records; it runs no pull request's code."""
    return {KEY: "${{ secrets." + KEY + " }}"} if settings.signed else {}


def login(settings: Settings, *, write: bool, plans: bool = False) -> Steps:
    """The steps. A job that only reads logs in to GHCR alone, where the run's own token is enough.

    What `plans` reads the registry except for pull requests, and logs in everywhere then.
    """
    if plans and settings.host != GHCR:
        ours = {"if": "github.event_name != 'pull_request' && github.event_name != 'merge_group'"}
        return [{**ours, **step} for step in _login(settings, write=True)]
    return _login(settings, write=write)


def _login(settings: Settings, *, write: bool) -> Steps:
    host = settings.host
    if host == GHCR:
        return [docker_login(host, "${{ github.actor }}", "${{ github.token }}")]
    if not write:
        return []
    if GOOGLE.fullmatch(host):
        given = {
            "workload_identity_provider": "${{ vars.GCP_WORKLOAD_IDENTITY_PROVIDER }}",
            "service_account": "${{ vars.GCP_SERVICE_ACCOUNT }}",
            "token_format": "access_token",
            # The file would lie in the workspace, which is a context; the token is an output without it too.
            "create_credentials_file": False,
        }
        made = "${{ steps.google.outputs.access_token }}"
        return [
            {"uses": "google-github-actions/auth", "id": "google", "with": given},
            docker_login(host, "oauth2accesstoken", made),
        ]
    if found := AMAZON.fullmatch(host):
        given = {"role-to-assume": "${{ vars.AWS_ROLE }}", "aws-region": found[1]}
        script = f"aws ecr get-login-password | docker login {host} --username AWS --password-stdin"
        return [
            {"uses": "aws-actions/configure-aws-credentials", "with": given},
            {"name": "Log in to the registry", "run": script},
        ]
    user, token = ("${{ secrets." + name + " }}" for name in SECRETS)
    return [docker_login(host, user, token)]


def docker_login(host: str, user: str, token: str) -> dict[str, object]:
    """A step that logs in with a name and a token that the shell sees as variables alone."""
    script = f'printf %s "$TOKEN" | docker login {host} --username "$USERNAME" --password-stdin'
    return {"name": "Log in to the registry", "run": script, "env": {"USERNAME": user, "TOKEN": token}}
