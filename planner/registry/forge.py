"""Asks a forge for its pull requests through its REST API: all pages of them, or an error.

GitHub: docs.github.com/rest/pulls/pulls, "List pull requests". GitLab: docs.gitlab.com/api/merge_requests, "List
project merge requests". Tokens go to the API's own host over TLS, never into a message.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from planner.errors import PlannerError, RegistryError
from planner.policy.identity import Identity
from planner.policy.pull_requests import PullRequest, Unknown, read_list
from planner.registry.catalog import FOLLOWING
from planner.registry.connections import PASSING, Broken, host_of, read
from planner.registry.transport import TIMEOUT, Transport

MAX_PAGE = 64 << 20
MAX_PAGES = 1000
MAX_READINGS = 10
_LOOPBACK = re.compile(r"http://(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?(?:/|$)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Forge:
    """An API of GitHub or GitLab: where it is, which repository is meant, and the headers that prove who asks."""

    kind: str
    api: str
    project: str
    headers: Mapping[str, str] = field(repr=False)


def forge_of(environment: Mapping[str, str], identity: Identity) -> Forge:
    """The forge of this run's environment, else of the policy's repositories. Raises PlannerError."""
    names = {ours.provider: ours for ours in identity.repositories}
    if environment.get("GITLAB_CI") == "true" or ("gitlab" in names and "github" not in names):
        project = environment.get("CI_PROJECT_ID") or (names["gitlab"].repository_id if "gitlab" in names else "")
        api = environment.get("CI_API_V4_URL") or "https://gitlab.com/api/v4"
        token = environment.get("GITLAB_TOKEN", "")
        return _checked(
            Forge(kind="gitlab", api=api, project=project, headers={"PRIVATE-TOKEN": token} if token else {})
        )
    project = environment.get("GITHUB_REPOSITORY") or (names["github"].name if "github" in names else "")
    if not project:
        hint = "name the repository in policy.yaml under repositories:, or set GITHUB_REPOSITORY or CI_PROJECT_ID"
        raise PlannerError(f"no forge is known to ask for pull requests\n  {hint}")
    return _checked(
        Forge(kind="github", api=github_api(environment), project=project, headers=github_headers(environment))
    )


def github_api(environment: Mapping[str, str]) -> str:
    """Where GitHub's API is, as Actions tell it."""
    return environment.get("GITHUB_API_URL") or "https://api.github.com"


def github_headers(environment: Mapping[str, str]) -> dict[str, str]:
    """The headers of requests to GitHub's API; the token is `GITHUB_TOKEN` or `GH_TOKEN`, as for `gh`."""
    token = environment.get("GITHUB_TOKEN") or environment.get("GH_TOKEN") or ""
    kind = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    return {**kind, **({"Authorization": f"Bearer {token}"} if token else {})}


def _checked(forge: Forge) -> Forge:
    if not forge.api.startswith("https://") and not _LOOPBACK.match(forge.api):
        raise PlannerError(f"{forge.api[:200]}: an API is asked over https alone")
    return forge


def open_requests(forge: Forge, transport: Transport) -> tuple[PullRequest, ...]:
    """All that are open. Raises RegistryError rather than give a part.

    Of several pages, one that moves meanwhile to a page that was read already is on none: what is merged before it in
    the list moves it. So they are read until two readings in a row tell of the same ones.
    """
    before: Mapping[int, PullRequest] | None = None
    for _ in range(MAX_READINGS):
        found, count = _reading(forge, transport)
        if count == 1 or (before is not None and before.keys() == found.keys()):
            return tuple(found.values())
        before = found
    raise RegistryError(f"{host_of(forge.api)}: the list of open pull requests changes while it is read: try again")


def _reading(forge: Forge, transport: Transport) -> tuple[Mapping[int, PullRequest], int]:
    """What all pages tell, and how many pages that took."""
    found: dict[int, PullRequest] = {}
    count = 0
    try:
        for place in _places(forge):
            for page in pages(transport, forge.api + place, forge.headers):
                found.update({one.number: one for one in read_list(page)})
                count += 1
    except Unknown as error:
        raise RegistryError(f"{host_of(forge.api)}: what it says of pull requests cannot be read: {error}") from error
    return found, count


def _places(forge: Forge) -> tuple[str, ...]:
    if forge.kind == "github":
        return (f"/repos/{urllib.parse.quote(forge.project)}/pulls?state=open&per_page=100",)
    place = f"/projects/{urllib.parse.quote(forge.project, safe='')}/merge_requests?per_page=100&state="
    # GitLab calls a request that is being merged "locked": it is not over yet.
    return tuple(place + state for state in ("opened", "locked"))


def pages(transport: Transport, url: str, headers: Mapping[str, str]) -> Iterator[Any]:
    """The documents of all pages of a list, by the link to the next one. Raises RegistryError."""
    origin = _origin(url)
    for _ in range(MAX_PAGES):
        status, told, body = send(transport, "GET", url, headers)
        if status != 200:
            hint = "\n  GITHUB_TOKEN or GITLAB_TOKEN proves who asks" if status in (401, 403, 404) else ""
            raise RegistryError(f"{host_of(url)}: the API answers with status {status}{hint}")
        try:
            yield json.loads(body)
        except (ValueError, RecursionError) as error:
            raise RegistryError(f"{host_of(url)}: the API's answer is no JSON") from error
        following = FOLLOWING.search(told.get("link", ""))
        if following is None:
            return
        if _origin(following[1]) != origin or following[1] == url:
            raise RegistryError(f"{host_of(url)}: the API's list goes on nowhere")
        url = following[1]
    raise RegistryError(f"{host_of(url)}: the API's list never ends")


def _origin(url: str) -> tuple[str, str]:
    try:
        found = urllib.parse.urlsplit(url)
    except ValueError:
        return "", ""  # No address at all.
    return found.scheme, found.netloc


def send(
    transport: Transport, method: str, url: str, headers: Mapping[str, str]
) -> tuple[int, Mapping[str, str], bytes]:
    """One request to an API: status, headers (lower case), body. Passing failures are waited out. RegistryError."""
    patience = transport.patience
    for turn in range(patience.tries):
        last = turn + 1 == patience.tries
        try:
            with closing(transport.connections.send(method, url, headers=headers, timeout=TIMEOUT)) as given:
                body = read(given, host_of(url), MAX_PAGE)
        except Broken as broken:
            if last:
                raise RegistryError(str(broken)) from broken.__cause__
            transport.sleep(patience.pause(turn, None))
            continue
        if given.status not in PASSING or last:
            return given.status, given.headers, body
        transport.sleep(patience.pause(turn, given.headers.get("retry-after")))
    raise AssertionError("a request is tried at least once")
