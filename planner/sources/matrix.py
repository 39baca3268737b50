"""Unfolds a matrix into its combinations, as Bake does, with `exclude` for those that make no sense."""

from __future__ import annotations

import itertools

from planner.sources.desk import Desk
from planner.sources.image_fields import Fields

MAX_COMBINATIONS = 10_000


def combinations(reader: Desk, fields: Fields, path: str) -> list[dict[str, str]]:
    """The values of the axes for each image; one empty combination where there is no matrix."""
    if fields.matrix is None:
        return [{}]
    axes: dict[str, list[str]] = {}
    excluded: list[dict[str, str]] = []
    for name, (_, node) in reader.fields(fields.matrix, f"{path}.matrix").items():
        if name == "exclude":
            for item in reader.items(node, f"{path}.matrix.exclude"):
                entries = reader.fields(item, f"{path}.matrix.exclude")
                texts = {axis: reader.text(value, path) or "" for axis, (_, value) in entries.items()}
                excluded.append(texts)
        else:
            texts_of = (
                reader.text(item, f"{path}.matrix.{name}") for item in reader.items(node, f"{path}.matrix.{name}")
            )
            axes[name] = [text for text in texts_of if text is not None]
    for entry in excluded:
        for axis in entry.keys() - axes.keys():
            reader.wrong(fields.matrix, f'{path}.matrix.exclude: no axis is named "{axis}"')
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > MAX_COMBINATIONS:
        reader.wrong(fields.matrix, f"{path}.matrix: makes more than {MAX_COMBINATIONS} images")
        return []
    made = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    return [combination for combination in made if not any(_covers(entry, combination) for entry in excluded)]


def _covers(entry: dict[str, str], combination: dict[str, str]) -> bool:
    return bool(entry) and all(combination.get(axis) == value for axis, value in entry.items())
