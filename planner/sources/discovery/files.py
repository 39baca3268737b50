"""Turns the paths of a tree into those that are Dockerfiles by their name. Looks into none of them."""

from __future__ import annotations

from collections.abc import Iterable

from planner.errors import PlannerError

MAX_DOCKERFILES = 5000
OWN_NAMES = ("Dockerfile", "Containerfile")
SEPARATORS = ".-_"
"""What may stand between such a name and a word: `Dockerfile.gpu`, `Dockerfile-gpu`, `Dockerfile_gpu`."""

SKIPPED_FOLDERS = frozenset({"bower_components", "node_modules", "site-packages", "testdata", "vendor"})
"""Folders that hold other people's files, or samples for tests, by the custom of their languages."""

NOT_DOCKERFILES = (
    ".dockerignore",
    ".j2",
    ".jinja",
    ".jinja2",
    ".tmpl",
    ".template",
    ".tpl",
    ".in",
    ".erb",
    ".mustache",
    ".md",
    ".rst",
    ".json",
    ".yaml",
    ".yml",
    ".py",
    ".go",
    ".sh",
    ".rego",
    ".bak",
    ".orig",
    ".rej",
    ".swp",
    "~",
)
"""Ends of names that make them no Dockerfiles: ignore files, build policies, templates, texts, leftovers."""


def is_dockerfile(name: str) -> bool:
    """Whether a file is a Dockerfile by its name."""
    if name.lower().endswith(NOT_DOCKERFILES):
        return False
    for own in OWN_NAMES:
        if name == own or (name.startswith(own) and name[len(own)] in SEPARATORS and len(name) > len(own) + 1):
            return True
    stem, dot, end = name.rpartition(".")
    return bool(dot) and bool(stem) and end in ("Dockerfile", "dockerfile")


def is_skipped(folder: str) -> bool:
    """Whether a folder of this name is not looked into."""
    return folder in SKIPPED_FOLDERS


def dockerfiles(paths: Iterable[str]) -> tuple[str, ...]:
    """The Dockerfiles among the paths of a tree, sorted. Raises PlannerError where there are too many."""
    found = []
    for path in paths:
        *folders, name = path.split("/")
        if is_dockerfile(name) and not any(is_skipped(folder) for folder in folders):
            found.append(path)
            if len(found) > MAX_DOCKERFILES:
                hint = "name the images in an images.yaml, or start in a folder below with -C DIR"
                raise PlannerError(f"more than {MAX_DOCKERFILES} Dockerfiles stand below this folder\n  {hint}")
    return tuple(sorted(found))
