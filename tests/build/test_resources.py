"""Builds keep within what the machine has, as kinds and `--resources` say."""

from __future__ import annotations

from tests.build.family import FILES, Family

KINDS = "kinds: {derived: {resources: {RES}}, base: {resources: {RES}}}\nimages:\n"


def with_kinds(resources: str) -> str:
    return FILES["images.yaml"].replace("images:\n", KINDS.replace("RES", resources))


def test_what_there_is_not_enough_of_is_told_before_anything_is_built(family: Family) -> None:
    space = family(images__yaml=with_kinds("gpu: 2"))
    told = space.planner("build", "--resources", "gpu=1", **space.engine.environment)
    assert told.returncode == 1
    assert "base needs gpu 2 of 1" in told.stderr
    assert "Traceback" not in told.stderr
    wrong = space.planner("build", "--resources", "gpu=lots", **space.engine.environment)
    assert (wrong.returncode, "gpu is a number" in wrong.stderr) == (2, True)


def test_a_family_builds_one_at_a_time_where_there_is_room_for_one(family: Family) -> None:
    space = family(images__yaml=with_kinds("memory: 1GB"))
    found = space.build("--resources", "memory=1.5GB", "-j4")
    assert {one["outcome"] for name, one in found.items() if name} == {"built"}
