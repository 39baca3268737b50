"""Lists the repositories of a registry, where it tells them (distribution's `_catalog`): all of them, or none."""

from __future__ import annotations

import re

from planner.errors import RegistryError
from planner.registry.client import HttpRegistry, read_json
from planner.registry.transport import Request

PAGE = 1000
MAX_PAGES = 1000
_NEXT = re.compile(r'<(?:https?://[^/<>]+)?(/v2/_catalog\?[^<>]+)>\s*;\s*rel="?next"?')


def catalog(registry: HttpRegistry, host: str) -> tuple[str, ...] | None:
    """The paths of all repositories, None where the registry does not tell. Raises RegistryError."""
    found: list[str] = []
    place = f"/v2/_catalog?n={PAGE}"
    for _ in range(MAX_PAGES):
        answer = registry.transport.ask(Request(method="GET", host=host, path=place, scope="registry:catalog:*"))
        if answer.status in (401, 403, 404, 405) and not found:
            return None
        document = read_json(answer.body) if answer.status == 200 else None
        listed = (document.get("repositories") or []) if document is not None else None
        if not isinstance(listed, list) or not all(isinstance(path, str) for path in listed):
            raise RegistryError(f"{host}: the registry's list of repositories cannot be read (status {answer.status})")
        found.extend(listed)
        following = _NEXT.search(answer.headers.get("link", ""))
        if following is None:
            return tuple(dict.fromkeys(found))
        if following[1] == place:
            break
        place = following[1]
    raise RegistryError(f"{host}: the registry's list of repositories never ends")
