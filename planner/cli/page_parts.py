"""Reads the parts of the page from the package."""

from __future__ import annotations

from importlib.resources import files


def part(name: str) -> str:
    """One part of the page by its name below `planner/explain/page`."""
    return files("planner.explain.page").joinpath(name).read_text(encoding="utf-8")
