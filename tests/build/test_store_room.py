"""The store of a state folder does not grow for ever, and never loses an image that a record leads to."""

from __future__ import annotations

import os
import time
from pathlib import Path

from planner.build.layout import Layout
from planner.build.store_room import PAUSE, is_due, swept
from tests.build.family import BuildSpace, Family

IMAGES = ("base", "tool", "app", "side")


def blobs(space: BuildSpace) -> set[str]:
    return {path.name for path in (space.root / ".planner" / "store" / "blobs" / "sha256").iterdir()}


def hours_pass(space: BuildSpace) -> None:
    """As if all that is in the store, and the last look through it, were of the day before."""
    before = time.time() - 24 * 3600
    store = space.root / ".planner" / "store"
    for path in (store / "swept", *(store / "blobs" / "sha256").iterdir()):
        os.utime(path, (before, before))


def test_what_no_record_leads_to_goes_and_nothing_else(family: Family) -> None:
    space = family()
    space.build()
    left = space.root / ".planner" / "store" / "blobs" / "sha256" / ("a" * 64)
    left.write_text("of a build that was killed")
    (left.parent / "note").write_text("no blob")
    before = blobs(space)
    space.write({"base.txt": "two\n"})
    space.build()
    assert before <= blobs(space), "the store was looked through a moment ago"
    hours_pass(space)
    space.write({"base.txt": "three\n"})
    space.build()
    assert before - blobs(space) == {"a" * 64}
    for text in ("one\n", "two\n", "three\n"):
        space.write({"base.txt": text})
        assert space.outcomes() == dict.fromkeys(IMAGES, "reused"), "each state is recorded"


def test_a_clock_that_was_ahead_keeps_nobody_from_looking(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert is_due(layout)
    swept(layout)
    assert not is_due(layout)
    for moved in (-2 * PAUSE, 2 * PAUSE):
        os.utime(tmp_path / "swept", (time.time() + moved,) * 2)
        assert is_due(layout)


def test_a_limit_lets_go_what_was_unused_for_longest(family: Family) -> None:
    space = family(base__txt=f"one {os.urandom(200_000).hex()}")
    old = space.build()["base"]["digest"]
    first = (space.root / "base.txt").read_text()
    layout = Layout(space.root / ".planner" / "store")
    hours_pass(space)
    space.write({"base.txt": f"two {os.urandom(200_000).hex()}"})
    built = space.build("--keep-bytes", "100kB")
    assert all(layout.holds(built[name]["digest"]) for name in IMAGES), "what the run wanted stays, whatever the limit"
    assert not layout.holds(old)
    space.write({"base.txt": first})
    assert space.outcomes()["base"] == "built", "a state that went is built again"


def test_a_limit_that_is_none_is_told(family: Family) -> None:
    space = family()
    assert "such as 20GB" in space.planner("build", "--keep-bytes", "much").stderr
