"""Changes documents by their structure: a reader of JSON or YAML is reached only by what is still JSON or YAML.

A document is read as a tree, one to four of its nodes are exchanged, taken away, doubled or moved, and it is written
again. What no tree can say (broken syntax, a name given twice) is left to the changes of bytes that libFuzzer makes.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import yaml

Change = Callable[[bytes, Random], bytes | None]
"""Gives other bytes of the same form, None for bytes that are not of this form."""

MAX_NODES = 4_000
"""Nodes of a tree that is changed; anchors can make endless ones of few bytes."""
_ODD: tuple[object, ...] = (
    *(None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, float("nan"), float("inf"), 2**31, 2**63, 10**30, 10**400),
    *("", "a", " ", "0", "1e999", "9" * 400, "\0", "\n", "\ud800", "é", "-", "*", "..", "../a", "/", "a/b", "//a"),
    *(
        "${A}",
        "${A:-b}",
        "$",
        "{}",
        "a" * 300,
        "sha256:" + "0" * 64,
        "2026-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
    ),
    *([], {}, [[]], [{}], {"": 0}, {"a": {"b": []}}),
)


def _places(tree: object) -> list[tuple[Any, Any]] | None:
    """Every container with each of its places; None for a tree that is too large."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        at = waiting.pop()
        keys = list(at) if isinstance(at, dict) else range(len(at)) if isinstance(at, list) else ()
        found += [(at, key) for key in keys]
        waiting += [at[key] for key in keys]
        if len(found) > MAX_NODES:
            return None
    return found


def changed(tree: object, random: Random) -> object | None:
    """The tree with some nodes changed in place; None for one that is too large to be changed."""
    for _ in range(random.randint(1, 4)):
        places = _places(tree)
        if places is None:
            return None
        if not places or not random.randrange(40):
            tree = random.choice((random.choice(_ODD), [tree], {"a": tree}))
            continue
        _change(*random.choice(places), places, random)
    return tree


def _change(at: Any, key: Any, places: list[tuple[Any, Any]], random: Random) -> None:
    other, its = random.choice(places)
    match random.randrange(9):
        case 0 | 1 | 2:
            at[key] = random.choice(_ODD)
        case 3:
            del at[key]
        case 4:
            at[key] = _copied(other[its])
        case 5:
            at[key] = random.choice(([at[key]], {"a": at[key]}, [at[key], at[key]], str(at[key])))
        case 6 if isinstance(at, dict):
            at[random.choice((str(random.choice(_ODD)), its if isinstance(its, str) else "b"))] = at.pop(key)
        case 6:
            at.insert(key, _copied(other[its]))
        case 7 if isinstance(other, dict) and isinstance(at, dict):
            at[its] = _copied(other[its])
        case _:
            at[key] = _edited(at[key], random)


def _copied(node: object) -> object:
    """A copy, so that a tree never holds itself."""
    return json.loads(json.dumps(node, default=str))


def _edited(node: object, random: Random) -> object:
    """Another value of the same type."""
    if isinstance(node, bool):
        return not node
    if isinstance(node, int | float):
        return random.choice((-node, node + 1, node * 2, node * 1e300 if abs(node) < 1e9 else 0, 0))
    if not isinstance(node, str):
        return node
    if node[:1] in ("[", "{") and (inner := as_json(node.encode("utf-8", "replace"), random)) is not None:
        return inner.decode("utf-8", "replace")  # a document inside of a document
    at = random.randint(0, len(node))
    word = random.choice([one for one in _ODD if isinstance(one, str) and len(one) < 40])
    return random.choice((node[:at] + word + node[at:], node[:at], node[at:], node * 2, node.upper()))


def _written(tree: object, random: Random) -> bytes:
    text = json.dumps(tree, default=str, ensure_ascii=random.random() < 0.5)
    return text.encode("utf-8", "surrogatepass")


def as_json(data: bytes, random: Random) -> bytes | None:
    """See Change: one JSON document."""
    try:
        tree = changed(json.loads(data), random)
        return None if tree is None else _written(tree, random)
    except (ValueError, RecursionError, OverflowError):
        return None


def as_lines(data: bytes, random: Random) -> bytes | None:
    """See Change: a JSON document a line, of which one is changed, doubled or taken away."""
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    match random.randrange(8):
        case 0:
            del lines[at]
        case 1:
            lines.insert(random.randint(0, len(lines)), lines[at])
        case _:
            line = as_json(lines[at], random)
            if line is None:
                return None
            lines[at] = line
    return b"\n".join(lines)


def as_yaml(data: bytes, random: Random) -> bytes | None:
    """See Change: YAML, written as JSON half of the time, which YAML 1.2 is too."""
    try:
        tree = changed(yaml.load(data, yaml.CSafeLoader), random)
        if tree is None:
            return None
        if random.random() < 0.5:
            return _written(tree, random)
        return yaml.dump(tree, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False).encode()
    except (ValueError, TypeError, RecursionError, OverflowError, yaml.YAMLError):
        return None


def as_packed(data: bytes, random: Random) -> bytes | None:
    """See Change: gzip of one JSON document."""
    try:
        plain = as_json(gzip.decompress(data), random)
    except (OSError, EOFError, ValueError, gzip.zlib.error):  # type: ignore[attr-defined]
        return None
    return None if plain is None else gzip.compress(plain, 1, mtime=0)


def words(*known: bytes) -> Change:
    """See Change: text of a language, into which words of it are put or exchanged, or whose lines are moved."""

    def change(data: bytes, random: Random) -> bytes | None:
        for _ in range(random.randint(1, 3)):
            lines = data.split(b"\n")
            at = random.randrange(len(lines))
            match random.randrange(6):
                case 0:
                    lines.insert(random.randint(0, len(lines)), lines.pop(at))
                case 1:
                    lines.insert(random.randint(0, len(lines)), lines[at])
                case 2:
                    del lines[at]
                case _:
                    lines[at] = _worded(lines[at], random.choice(known), random)
            data = b"\n".join(lines)
        return data

    return change


def _worded(line: bytes, word: bytes, random: Random) -> bytes:
    """A line with a word put in, at its beginning or end, or in place of one of its own words."""
    at = random.choice((0, len(line), random.randint(0, len(line))))
    if random.random() < 0.5:
        return line[:at] + word + line[at:]
    parts = line.split(b" ")
    parts[random.randrange(len(parts))] = word
    return b" ".join(parts)


def variants(change: Change, seeds: tuple[bytes, ...], random: Random) -> Iterator[bytes]:
    """Changes of a seed, each of the one before."""
    data = random.choice(seeds)
    for _ in range(random.randint(1, 5)):
        made = change(data, random)
        if made is None:
            return
        data = made
        yield data
