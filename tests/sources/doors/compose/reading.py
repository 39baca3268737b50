"""Reads a case with our reader, in the words of the judge."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from planner.errors import DefinitionError
from planner.local.disk_tree import DiskTree
from planner.sources.doors.compose import names, project
from tests.sources.doors.compose.judge import HOME, Case, ours


def read(root: Path, case: Case) -> dict[str, Any] | str:
    """What we say of a project; a text where we refuse it."""
    tree = DiskTree(os.fspath(root), "sha1")
    environment = {"HOME": HOME, **case.environment}
    try:
        files = case.named or names.listed(tree, environment)
        found = project.read(files, tree, environment, env_files=case.env_files, profiles=case.profiles)
    except DefinitionError as error:
        return str(error)
    return ours(found)
