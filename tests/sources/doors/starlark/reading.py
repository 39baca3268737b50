"""Reads an images.star in memory with the real evaluator."""

from __future__ import annotations

from planner.errors import DefinitionError
from planner.local.starlark import Starlark
from planner.model.image import Family, Image
from planner.sources.doors.door import Asked
from planner.sources.doors.starlark import family
from tests.memory import MemoryTree


def read(text: str, files: dict[str, str] | None = None, said: list[str] | None = None, **defines: str) -> Family:
    """The family of a file, with other files beside it; what it prints goes to `said`."""
    asked = Asked(
        environment={},
        variables=defines,
        starlark=Starlark(seconds=2),
        say=[].append if said is None else said.append,
    )
    return family.read("images.star", MemoryTree({**(files or {}), "images.star": text}), asked)


def image(text: str, files: dict[str, str] | None = None, **defines: str) -> Image:
    """The one image of a file."""
    (one,) = read(text, files, **defines).images
    return one


def mistakes(text: str, files: dict[str, str] | None = None) -> str:
    """What is said of a file that is wrong."""
    try:
        read(text, files)
    except DefinitionError as error:
        return str(error)
    raise AssertionError("nothing is wrong with it")
