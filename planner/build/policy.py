"""Turns what is locked of ADDed sources into a source policy of BuildKit: fetch this, whatever the name means now.

Names are those that BuildKit gives sources (`llb.Git` and `llb.HTTP` of v0.32.2). Pure: texts in, text out.
"""

from __future__ import annotations

import json
import posixpath
import re

from planner.model.image import Pairs

_SCP = re.compile(r"[A-Za-z0-9_.-]+@([^:/]+):(.*)", re.DOTALL)
_URL = re.compile(r"[A-Za-z]+://(?:[^@/]*@)?([^/]*)/?(.*)", re.DOTALL)


def source_policy(sources: Pairs, own: bytes = b"") -> str:
    """The policy's JSON for sources with their checksum (`sha256:…`) or commit, after the rules of the user's own one.

    Raises ValueError for a policy of the user's that has no list of rules.
    """
    rules: list[object] = []
    if own:
        try:
            rules = json.loads(own)["rules"]
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError("it has no rules") from error
        if not isinstance(rules, list):
            raise ValueError("its rules are no list")
    return json.dumps({"version": 1, "rules": [*rules, *(_rule(source, value) for source, value in sources)]})


def _rule(source: str, value: str) -> dict[str, object]:
    if value.startswith("sha256:"):
        return _convert(source, {"identifier": source, "attrs": {"http.checksum": value}})
    name, _, fragment = source.partition("#")
    folder = fragment.partition(":")[2]
    folder = posixpath.normpath(f"/{folder}").lstrip("/") if folder else ""
    place = f"git://{_place(name)}"
    within = f":{folder}" if folder else ""
    ref = fragment.partition(":")[0]
    asked = f"{place}#{ref}{within}" if ref or within else place
    return _convert(asked, {"identifier": f"{place}#{value}{within}"})


def _convert(identifier: str, updates: dict[str, object]) -> dict[str, object]:
    selector = {"identifier": identifier, "match_type": "EXACT"}
    return {"action": "CONVERT", "selector": selector, "updates": updates}


def _place(name: str) -> str:
    """The host and path by which BuildKit knows a repository, however it is reached."""
    found = _SCP.fullmatch(name) or _URL.fullmatch(name)
    host, path = (found[1], found[2]) if found else (name.partition("/")[0], name.partition("/")[2])
    return host + posixpath.normpath(f"/{path}")
