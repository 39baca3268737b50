"""Reads the parts of the page from the package."""

from __future__ import annotations


def part(name: str) -> str:
    """One part of the page by its name below `planner/explain/page`."""
    from importlib.resources import files  # takes longer to load than to draw a graph as text

    return files("planner.explain.page").joinpath(name).read_text(encoding="utf-8")
