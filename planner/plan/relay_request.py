"""What an untrusted runner asks of a trusted one: images of a commit by their keys, as a document.

Whoever writes it may be hostile: it is read strictly, says where nothing is, and is believed in nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from planner.errors import PlannerError
from planner.model.frozen import dataclass
from planner.model.image import ImageName
from planner.model.names import COMMIT, Platform

VERSION = 1
MAX_REQUEST = 1 << 20
"""Bytes of a request."""
MAX_IMAGES = 2_000
_KEY = re.compile(r"s2-[0-9a-f]{64}", re.ASCII)
_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_{1,2}|-+|/)[a-z0-9]+)*", re.ASCII)
MAX_NAME = 200
MAX_NUMBER = 10**9


class RequestError(PlannerError):
    """A request that is not as it has to be, or that is refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One image by its key."""

    name: ImageName
    platforms: tuple[str, ...]
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked for: images of one commit of a pull request."""

    number: int
    commit: str
    images: tuple[Wanted, ...]


def write(request: Request) -> str:
    """The document of a request."""
    images = [{"name": one.name, "platforms": list(one.platforms), "key": one.key} for one in request.images]
    document = {"version": VERSION, "number": request.number, "commit": request.commit, "images": images}
    return json.dumps(document, indent=2)


def read(data: bytes) -> Request:
    """The request of a document. Raises RequestError for whatever is not exactly one."""
    if len(data) > MAX_REQUEST:
        raise RequestError(f"the request is longer than {MAX_REQUEST:,} bytes")
    try:
        found = json.loads(data, object_pairs_hook=_once, parse_constant=_refuse)
        return _request(found)
    except (ValueError, TypeError, RecursionError) as error:
        what = "it nests too deep" if isinstance(error, RecursionError) else str(error)
        raise RequestError(f"this is no request of version {VERSION}: {what[:200]}") from error


def _request(found: Any) -> Request:
    fields = _fields(found, "the document", ("version", "number", "commit", "images"))
    if fields["version"] != VERSION or isinstance(fields["version"], bool):
        raise ValueError("its version is another one")
    number, images = fields["number"], fields["images"]
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < MAX_NUMBER:
        raise ValueError("number is no pull request's")
    if not isinstance(images, list) or not 0 < len(images) <= MAX_IMAGES:
        raise ValueError(f"images is a list of 1 to {MAX_IMAGES:,}")
    wanted = tuple(_wanted(one) for one in images)
    if len({one.name for one in wanted}) != len(wanted):
        raise ValueError("an image stands twice")
    return Request(number=number, commit=_matching(COMMIT, fields["commit"], "commit"), images=wanted)


def _wanted(found: Any) -> Wanted:
    fields = _fields(found, "an image", ("name", "platforms", "key"))
    name = _matching(_NAME, fields["name"], "name")
    platforms = fields["platforms"]
    if len(name) > MAX_NAME or not isinstance(platforms, list) or not 0 < len(platforms) <= 32:
        raise ValueError("an image's name or its platforms are too long")
    for one in platforms:
        if not isinstance(one, str) or str(Platform.parse(one)) != one:
            raise ValueError("a platform is none")
    return Wanted(name=ImageName(name), platforms=tuple(platforms), key=_matching(_KEY, fields["key"], "key"))


def _fields(found: Any, what: str, names: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(found, dict) or set(found) != set(names):
        raise ValueError(f"{what} has exactly {', '.join(names)}")
    return found


def _matching(pattern: re.Pattern[str], value: Any, name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{name} is not as it has to be")
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no number")
