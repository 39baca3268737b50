"""Lists the repositories of a registry, where it tells them (distribution's `_catalog`), and the tags of one: all of
them, or an error.
"""

from __future__ import annotations

import re

from planner.errors import RegistryError
from planner.registry.client import HttpRegistry, expect, read_json
from planner.registry.transport import Request, base

PAGE = 1000
MAX_PAGES = 1000
MAX_TAG_PAGES = 10_000
MAX_TAGS = 1_000_000
"""Of one repository."""
FOLLOWING = re.compile(r'<([^<>]+)>\s*;\s*rel="?next"?')
"""The next page, in a header Link."""
_NEXT = re.compile(r'<(?:https?://[^/<>]+)?(/v2/_catalog\?[^<>]+)>\s*;\s*rel="?next"?')


def catalog(registry: HttpRegistry, host: str) -> tuple[str, ...] | None:
    """The paths of all repositories, None where the registry does not tell. Raises RegistryError."""
    found: list[str] = []
    place = f"/v2/_catalog?n={PAGE}"
    seen: set[str] = set()
    while place not in seen and len(seen) < MAX_PAGES:
        seen.add(place)
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
        place = following[1]
    raise RegistryError(f"{host}: the registry's list of repositories never ends")


def tags_of(registry: HttpRegistry, repository: str, page: int = PAGE, some: int = 0) -> tuple[str, ...]:
    """Every tag of a repository, () where there is none of that name. Raises RegistryError, never gives a part.

    With `some`, the first so many of more than these will do.
    """
    host, _, path = repository.partition("/")
    found: dict[str, None] = {}
    place = f"tags/list?n={page}"
    seen: set[str] = set()
    while place not in seen and len(seen) < MAX_TAG_PAGES:
        seen.add(place)
        answer = registry.ask("GET", repository, place)
        if answer.status == 404 and not found:
            return ()
        expect(answer, repository, 200)
        document = read_json(answer.body)
        listed = (document.get("tags") or []) if document is not None else None
        if not isinstance(listed, list) or not all(isinstance(tag, str) for tag in listed):
            raise RegistryError(f"{repository}: the registry's list of tags cannot be read")
        before = len(found)
        found.update(dict.fromkeys(listed))
        if some and len(found) > some:
            return tuple(found)[:some]
        if len(found) > MAX_TAGS:
            raise RegistryError(f"{repository}: the registry lists more than {MAX_TAGS} tags")
        following = FOLLOWING.search(answer.headers.get("link", ""))
        if following is None and len(listed) >= page and len(found) > before:
            # A full page that says nothing of a next one: some registries and proxies lose the link.
            place = f"tags/list?n={page}&last={listed[-1]}"
            continue
        if following is None and len(listed) == page:
            raise RegistryError(f"{repository}: the registry's list of tags gives the same page again")
        # Who gives all of more than a page again, or less than a page, has no more.
        if following is None:
            return tuple(found)
        prefix = f"/v2/{path}/"
        target = following[1].removeprefix(base(host))
        if not target.startswith(prefix) or target == f"{prefix}{place}":
            raise RegistryError(f"{repository}: the registry's list of tags goes on nowhere")
        place = target.removeprefix(prefix)
    raise RegistryError(f"{repository}: the registry's list of tags never ends")
