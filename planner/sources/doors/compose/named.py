"""Tells a Compose file by its name. Imports nothing: every start of the planner may ask."""

from __future__ import annotations


def is_compose(file: str) -> bool:
    """Whether a file's name says that it is a Compose file: `compose` is in it, and it ends in `.yaml` or `.yml`."""
    name = file.rpartition("/")[2].lower()
    return "compose" in name and name.endswith((".yaml", ".yml"))
