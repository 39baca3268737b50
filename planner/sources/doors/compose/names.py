"""Tells which files of a workspace Docker Compose would read, by their names and by `COMPOSE_FILE`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from planner.ports import MODE_FOLDER, Tree
from planner.sources.dockerfile_places import place_of
from planner.sources.doors.compose import dotenv

MAIN = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""The names that Compose looks for, in its order (cli/options.go of compose-go v2.13.0)."""
OVERRIDE = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
_MAY_BUILD = re.compile(rb"\b(build|include|extends)\b")
MAX_FILE = 8 << 20
ENV = ".env"


def found(tree: Tree, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The files that make the project of a workspace: those of COMPOSE_FILE, else one by its name and its override.

    None where they build nothing: many a repository only runs its databases with Compose.
    """
    files = listed(tree, environment)
    return files if any(_MAY_BUILD.search(_bytes(tree, file)) for file in files) else ()


def listed(tree: Tree, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The files that Compose would read in a workspace, whatever they hold."""
    return _asked(tree, environment) or _by_name(tree)


def _asked(tree: Tree, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The files of COMPOSE_FILE, which the `.env` file may set as well."""
    lookup = environment.get
    if "COMPOSE_FILE" not in environment and place_of(tree, ENV) is not None:
        given = dotenv.read(_bytes(tree, ENV), ENV, {}, environment.get)
        lookup = given.get if "COMPOSE_FILE" in given else environment.get
    text = lookup("COMPOSE_FILE") or ""
    separator = lookup("COMPOSE_PATH_SEPARATOR") or ":"
    return tuple(posixpath.normpath(name) for name in text.split(separator)) if text else ()


def _by_name(tree: Tree) -> tuple[str, ...]:
    main, override = (next((name for name in names if _is_file(tree, name)), "") for names in (MAIN, OVERRIDE))
    return tuple(name for name in (main, override) if name) if main else ()


def _is_file(tree: Tree, name: str) -> bool:
    entry = tree.entry(name)
    return entry is not None and entry.mode != MODE_FOLDER


def _bytes(tree: Tree, file: str) -> bytes:
    place = None if file.startswith(("/", "../")) else place_of(tree, file)
    return b"build" if place is None else tree.read(place, MAX_FILE)
