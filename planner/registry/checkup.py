"""Looks at a registry: does it answer, and is a login for it stored. Pushes nothing and shows no secret."""

from __future__ import annotations

from collections.abc import Iterator

from planner.errors import RegistryError
from planner.model.finding import Finding, Severity
from planner.registry.client import HttpRegistry

ANSWER = 8.0
"""Seconds within which a registry must answer."""


def registry(host: str) -> Iterator[Finding]:
    """The registry that a graph file names."""
    try:
        known = HttpRegistry().answers(host, ANSWER)
    except RegistryError as error:
        advice = "check registry: in the graph file, and the network"
        yield Finding(check="registry", severity=Severity.ERROR, what=str(error), advice=advice)
        return
    yield Finding(check="registry", severity=Severity.OK, what=f"{host} answers")
    if not known:
        what, advice = f"no login for {host} is stored, so pushes may be refused", f"docker login {host}"
        yield Finding(check="registry", severity=Severity.HINT, what=what, advice=advice)
