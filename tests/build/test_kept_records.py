"""A build drops records that nobody used for longest, and none that it, `why`, `history` or `--resume` stands on."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from planner.local.records import SqliteRecords
from planner.local.unused_records import MOST
from planner.model.image import ImageName
from tests.build.family import BuildSpace, Family

OLD = 300


def fill(space: BuildSpace, name: str) -> None:
    """As if the image had been built in many states, long ago."""
    with closing(SqliteRecords(space.root / ".planner" / "records.sqlite")) as records:
        latest = records.latest(ImageName(name))
        assert latest is not None
        for number in range(OLD):
            records.add(replace(latest, key=f"x3-{number}", resolved_key=f"x3-{number}", built_at=float(number)))


def recorded(space: BuildSpace) -> dict[str, int]:
    return {image["name"]: len(image["builds"]) for image in space.document("history")["images"]}


def test_a_build_drops_what_was_unused_for_longest(family: Family) -> None:
    space = family()
    space.build()
    fill(space, "base")
    fill(space, "side")
    space.write({"base.txt": "two\n"})
    assert recorded(space)["base"] == OLD + 1, "what only reads drops nothing"
    space.build("side")
    assert recorded(space) == {"base": MOST, "side": MOST, "tool": 1, "app": 1}
    space.write({"base.txt": "one\n"})
    assert space.outcomes() == dict.fromkeys(("base", "tool", "app", "side"), "reused"), "the state before is known"
    space.write({"base.txt": "three\n"})
    assert "base.txt" in space.planner("why", "base").stdout


def test_what_a_killed_run_had_built_is_not_built_again(family: Family) -> None:
    broken = "FROM registry.example/fam/tool\nRUN false\n"
    space = family(app__Dockerfile=broken)
    space.build("base")
    fill(space, "base")
    space.build("--all", status=1)
    space.write({"app.Dockerfile": broken.replace("false", "true")})
    run = space.planner("build", "--resume", "--format", "json", **space.engine.environment)
    assert run.returncode == 0, run.stderr
    assert recorded(space)["base"] == MOST
    assert space.outcomes()["base"] == "reused"
