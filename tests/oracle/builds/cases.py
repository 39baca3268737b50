"""Edits that failed once, in `cases.json`: made small, kept, and built again by the tests."""

from __future__ import annotations

import json
from pathlib import Path

from tests.oracle.builds.edits import Edited
from tests.oracle.builds.family import read, written

FILE = Path(__file__).with_name("cases.json")


def kept() -> dict[str, Edited]:
    """The kept edits by name."""
    found: dict[str, Edited] = {}
    for case in json.loads(FILE.read_text()):
        found[case["name"]] = Edited(read(case["before"]), read(case["after"]), case["edit"])
    return found


def keep(name: str, one: Edited) -> None:
    """Add an edit, unless one of that name is there."""
    cases = json.loads(FILE.read_text())
    if all(case["name"] != name for case in cases):
        cases.append({"name": name, "edit": one.edit, "before": written(one.before), "after": written(one.after)})
        FILE.write_text(json.dumps(cases, indent=1, sort_keys=True) + "\n")
