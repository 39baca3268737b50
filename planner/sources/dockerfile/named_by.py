"""Tells which arguments decide the name of an image in a reference, rather than its registry, owner, tag or digest."""

from __future__ import annotations

from collections.abc import Mapping

from planner.sources.dockerfile.expand import ExpansionError, expand

_OPEN, _CLOSE = "\ue000", "\ue001"


def named_by(text: str, args: Mapping[str, str], escape: str = "\\") -> tuple[str, ...]:
    """The arguments whose values reach into the last path component of a reference, sorted; () for a plain name.

    `text` is what stands in the Dockerfile: `${OWNER}/${BASE}:${TAG}` is named by BASE alone.
    """
    found = []
    for name, value in args.items():
        if name in text and value:
            marked = {**args, name: f"{_OPEN}{value}{_CLOSE}"}
            try:
                expanded = expand(text, marked, escape).value
            except ExpansionError:
                continue
            if _reaches_name(expanded):
                found.append(name)
    return tuple(sorted(found))


def _reaches_name(marked: str) -> bool:
    """Whether some marked letter stands in the last path component, before a tag or digest."""
    inside = False
    component: list[bool] = []
    in_name = True
    for letter in marked:
        if letter == _OPEN:
            inside = True
        elif letter == _CLOSE:
            inside = False
        elif letter == "@":
            break
        elif letter == "/":
            component, in_name = [], True
        elif letter == ":":
            in_name = False
        elif in_name:
            component.append(inside)
    return any(component)
