"""Turns recorded rebuilds into labels, and labels and a replay into how far they agree, image by image."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from planner.errors import PlannerError
from planner.model.frozen import dataclass
from planner.model.image import ImageName
from planner.plan.replay import Replayed

SHORTEST = 7

Labels = Mapping[str, frozenset[str]]
"""The images that were rebuilt, by the beginning of a commit's id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How often a replay and the labels agree on one image, at the commits that are labelled.

    `true`: both rebuild it; `false`: only the replay does; `missed`: only the label does. `absent` counts labels of
    an image that the family does not have there, `unrecorded` rebuilds at commits without a label.
    """

    image: str
    true: int = 0
    false: int = 0
    missed: int = 0
    absent: int = 0
    unrecorded: int = 0


def read(data: bytes, file: str) -> Labels:
    """Read `{COMMIT: [IMAGE…]}`, or families with `rebuild_commits` of `{"commit", "rebuilt"}`. Raises PlannerError."""
    try:
        document = json.loads(data)
        if not isinstance(document, dict):
            raise ValueError("it is no mapping from commits")
        return {commit: frozenset(images) for commit, images in _pairs(document)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PlannerError(f"{file}: holds no labels: {error}\n  write {{COMMIT: [IMAGE, …]}} as JSON") from error


def _pairs(document: Mapping[str, object]) -> Iterator[tuple[str, list[str]]]:
    for key, value in document.items():
        if isinstance(value, Mapping):
            for entry in value["rebuild_commits"]:
                yield _pair(entry["commit"], entry["rebuilt"])
        else:
            yield _pair(key, value)


def _pair(commit: object, images: object) -> tuple[str, list[str]]:
    if not isinstance(commit, str) or len(commit) < SHORTEST or commit.strip("0123456789abcdef"):
        raise ValueError(f"{commit!r} is no commit of {SHORTEST} or more hexadecimal digits")
    if not isinstance(images, list) or not all(isinstance(name, str) for name in images):
        raise ValueError(f"{commit}: is followed by no list of images")
    return commit, images


class Labelled:
    """Labels that answer for a whole commit id."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self._lengths = sorted({len(commit) for commit in labels})

    def of(self, commit: str) -> frozenset[str] | None:
        """The images recorded for a commit, None where nothing is."""
        for length in self._lengths:
            if commit[:length] in self.labels:
                return self.labels[commit[:length]]
        return None


def agreement(replayed: Iterable[Replayed], labelled: Labelled) -> Sequence[Agreement]:
    """Image by image, over all commits whose graph could be read."""
    counts: dict[str, dict[str, int]] = {}

    def count(names: Iterable[str], what: str) -> None:
        for name in names:
            of_image = counts.setdefault(name, {})
            of_image[what] = of_image.get(what, 0) + 1

    for one in replayed:
        if one.error:
            continue
        recorded = labelled.of(one.commit.id)
        planned = {str(name) for name in one.names}
        if recorded is None:
            count(planned, "unrecorded")
            continue
        there = {ImageName(name) for name in recorded} & set(one.images)
        count(planned & there, "true")
        count(planned - there, "false")
        count(there - planned, "missed")
        count(recorded - there, "absent")
    return [Agreement(image=name, **counts[name]) for name in sorted(counts)]
