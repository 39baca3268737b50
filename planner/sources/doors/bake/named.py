"""Tells Bake files by their names. Imports nothing: every start of the planner may ask."""

from __future__ import annotations

NAMES = ("docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl")
"""The files that Bake looks for, in the order in which it merges them, after Compose's."""
REGISTRY = "PLANNER_REGISTRY"
"""The variable that says where the images of a definition are published that has no field for it."""
FILES, SEPARATOR = "BUILDX_BAKE_FILE", "BUILDX_BAKE_PATH_SEPARATOR"
"""The variables that name other files, as buildx has them."""


def is_bake(file: str) -> bool:
    """Whether a file's name says that it is a Bake file: it ends in `.hcl` or `.json`."""
    return file.lower().endswith((".hcl", ".json"))
