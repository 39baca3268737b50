"""A Docker credential helper: answers for a registry with a fresh identity token of the CI, and keeps nothing.

The client (BuildKit's, Docker's) hands the token on to the registry's token server, which exchanges it. A helper is
asked again whenever the client needs it, so a token that lives for minutes does not end a long build.
See github.com/docker/docker-credential-helpers for the protocol.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.parse
from collections.abc import Mapping
from contextlib import closing

from planner.errors import PlannerError, RegistryError
from planner.registry.connections import Broken, Connections, host_of, read

USER = "oidc"
AUDIENCE = "PLANNER_AUDIENCE"
"""The variable that names what the token is for, where that is not the registry's host."""
GIVEN = "PLANNER_ID_TOKEN"
"""The variable that GitLab puts a job's token in: `id_tokens: {PLANNER_ID_TOKEN: {aud: HOST}}`."""
MISSING = "credentials not found in native keychain"
"""What clients take for "no login", and go on without one."""
TIMEOUT = 20.0
_LOOPBACK = re.compile(r"http://127(?:\.\d{1,3}){3}(?::\d+)?/")
MAX_ANSWER = 64 << 10


def identity_token(environment: Mapping[str, str], audience: str) -> str:
    """A token of this run, "" where the CI gives none. Raises PlannerError where it refuses."""
    if environment.get(GIVEN):
        return environment[GIVEN]
    url, bearer = (environment.get(f"ACTIONS_ID_TOKEN_REQUEST_{name}", "") for name in ("URL", "TOKEN"))
    if not url or not bearer:
        return ""
    return _github(url, bearer, audience)


def _github(url: str, bearer: str, audience: str) -> str:
    """docs.github.com, "OpenID Connect reference", "Methods for requesting the OIDC token"."""
    if _LOOPBACK.match(url) is None and not url.startswith("https://"):
        raise PlannerError("ACTIONS_ID_TOKEN_REQUEST_URL is not https")
    place = f"{url}{'&' if '?' in url else '?'}{urllib.parse.urlencode({'audience': audience})}"
    try:
        headers = {"Authorization": f"bearer {bearer}"}
        with closing(Connections().send("GET", place, headers=headers, timeout=(TIMEOUT, TIMEOUT))) as given:
            document = json.loads(read(given, host_of(place), MAX_ANSWER))
        value = document["value"]
    except (Broken, RegistryError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PlannerError("GitHub gives no identity token\n  the job needs permissions: {id-token: write}") from error
    return str(value)


def _given(most: int) -> str:
    """What the client says on standard input, "" where that is closed."""
    return sys.stdin.buffer.read(most).decode("utf-8", "replace") if sys.stdin is not None else ""


def main() -> int:
    """The console script `docker-credential-planner`."""
    action = sys.argv[1] if len(sys.argv) == 2 else ""
    if action == "list":
        print("{}")
        return 0
    if action in ("store", "erase"):
        _given(MAX_ANSWER)
        return 0
    if action != "get":
        print("usage: docker-credential-planner get|store|erase|list", file=sys.stderr)
        return 1
    host = _given(4096).strip()
    try:
        token = identity_token(os.environ, os.environ.get(AUDIENCE) or host)
    except PlannerError as error:
        print(error, file=sys.stdout)
        return 1
    if not token:
        print(MISSING)
        return 1
    print(json.dumps({"ServerURL": host, "Username": USER, "Secret": token}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
