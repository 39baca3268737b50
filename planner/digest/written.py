"""Turns manifests, with every file they select, into the text that records keep, and back.

The text is JSON and was written by a planner, but it is read as if anybody had written it.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence

from planner.digest.inputs import Input, InputKind, Manifest
from planner.model.frozen import dataclass
from planner.model.image import ImageName, Span

MAX_VALUES = 100_000
LETTERS_OF_A_FILE = 48
"""What a text holds at most: so many values, and one more for each so many letters. A file with its mode and id is
longer; what is shorter is made to take much more memory than its letters.
"""
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?+', re.DOTALL)

Files = Mapping[str, str]
"""Paths of a selection with their `MODE OID`."""


class Unreadable(ValueError):
    """A text that is no written manifest."""


@dataclass(frozen=True, kw_only=True)
class WrittenManifest:
    """A manifest as it was, with the files of each input that selected some."""

    manifest: Manifest
    files: Mapping[Input, Files]

    def listing(self, item: Input) -> dict[str, str]:
        """The files of one of its inputs."""
        return dict(self.files.get(item, {}))


def write(manifests: Sequence[Manifest], files: Callable[[Manifest, Input], Files]) -> str:
    """The text of an image's manifests, one for each platform. `files` lists what an input selects."""
    document = [
        {
            "image": manifest.image,
            "platform": manifest.platform,
            "inputs": [_input(item, files(manifest, item)) for item in manifest.inputs],
        }
        for manifest in manifests
    ]
    return json.dumps(document, separators=(",", ":"))


def _input(item: Input, files: Files) -> dict[str, object]:
    entry: dict[str, object] = {"kind": item.kind.value, "name": item.name, "digest": item.digest}
    if item.parts:
        entry["parts"] = [list(pair) for pair in item.parts]
    if item.where:
        entry["where"] = [item.where.file, item.where.line]
    if files:
        entry["files"] = dict(files)
    return entry


def expect_sparse(text: str) -> None:
    """Raise Unreadable for a JSON text of many small values, before anything is made of it."""
    most = MAX_VALUES + len(text) // LETTERS_OF_A_FILE
    count = _values(text, 0, len(text))
    # Names of files hold commas and brackets as well, which count for nothing; but no name holds little else.
    strings = _STRING.finditer(text) if most < count < MAX_VALUES + len(text) // 8 else iter(())
    for string in itertools.islice(strings, 2 * most):
        count -= _values(text, *string.span())
        if count <= most:
            return
    if count > most:
        raise Unreadable("holds more values than a planner writes")


def _values(text: str, start: int, end: int) -> int:
    return sum(text.count(mark, start, end) for mark in ",[{")


def read(text: str) -> tuple[WrittenManifest, ...]:
    """The manifests of a text that `write` made. Raises Unreadable."""
    expect_sparse(text)
    try:
        return tuple(_manifest(entry) for entry in json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise Unreadable(str(error)) from error


def _manifest(entry: dict[str, object]) -> WrittenManifest:
    inputs: list[Input] = []
    files: dict[Input, Files] = {}
    listed = entry["inputs"]
    if not isinstance(listed, list):
        raise Unreadable("inputs is no list")
    for one in listed:
        where = one.get("where")
        item = Input(
            kind=InputKind(one["kind"]),
            name=str(one["name"]),
            digest=str(one["digest"]),
            parts=tuple((str(name), str(value)) for name, value in one.get("parts", ())),
            where=Span(file=str(where[0]), line=int(where[1])) if where else None,
        )
        inputs.append(item)
        if "files" in one:
            files[item] = {str(path): _checked(str(value)) for path, value in one["files"].items()}
    manifest = Manifest(image=ImageName(str(entry["image"])), platform=str(entry["platform"]), inputs=tuple(inputs))
    return WrittenManifest(manifest=manifest, files=files)


def _checked(value: str) -> str:
    if len(value.split(" ")) != 2:
        raise Unreadable("a file is written as MODE OID")
    return value
