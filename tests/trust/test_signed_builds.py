"""Whole commands on a family that was really built: they believe what is signed, sign what they write, and say so."""

from __future__ import annotations

from pathlib import Path

from tests.build.family import BuildSpace
from tests.build.shared import clone
from tests.engine.engine import Engine
from tests.trust.forging import pushed, record, records
from tests.trust.sealing import (
    MAIN,
    pem,
)
from tests.trust.signed_family import planned, unsigned


def test_a_build_signs_and_others_believe_it(space: BuildSpace, tmp_path: Path) -> None:
    run = space.planner("build", "--push", **space.engine.environment)
    assert run.returncode == 1
    assert "records of main must be signed, and this run has no key" in run.stderr
    built = space.build("--push", PLANNER_SIGNING_KEY=pem(MAIN))
    other = clone(space, tmp_path / "b")
    found, _ = planned(other)
    assert {name: image["action"] for name, image in found.items()} == dict.fromkeys(found, "reuse")
    assert found["app"]["digest"] == built["app"]["digest"]
    assert "PLANNER_SIGNING_KEY" not in built[""]["error"]


def test_what_is_not_signed_is_built_and_told_of(engine: Engine, space: BuildSpace, place: str, tmp_path: Path) -> None:
    keys = space.keys()
    evil = pushed(engine, place, keys["base"], b"evil", "base")
    records(place, tmp_path / "forger", None).add(record(place, evil, keys["base"], "base"))

    found, _ = planned(space)
    told = "its record is not signed, as records of scope main must be, so it counts as absent"
    assert [reason["detail"] for reason in found["base"]["reasons"]] == [told]
    run = space.planner("plan", "--against", "published", **engine.environment)
    assert "is not signed" in run.stdout
    assert f"warning: {place}/base:rec-{keys['base']} is not signed" in run.stderr
    why = space.planner("why", "base", "--from", "published", **engine.environment)
    assert "is not signed" in why.stdout, why.stderr
    pin = space.planner("pin", "--check", **engine.environment)
    assert "not published as" in pin.stderr

    built = space.build("base", "--push", PLANNER_SIGNING_KEY=pem(MAIN))
    assert built["base"]["outcome"] == "built"
    assert built["base"]["digest"] != evil
    assert [reason["detail"] for reason in built["base"]["reasons"]] == [told]
    again, _ = planned(clone(space, tmp_path / "b"))
    assert again["base"]["digest"] == built["base"]["digest"], "control: it is signed now"


def test_without_signatures_asked_for_the_same_attack_succeeds(
    engine: Engine, space: BuildSpace, place: str, tmp_path: Path
) -> None:
    unsigned(space)
    keys = space.keys()
    evil = pushed(engine, place, keys["base"], b"evil", "base")
    records(place, tmp_path / "forger", None).add(record(place, evil, keys["base"], "base"))
    found, _ = planned(space)
    assert (found["base"]["action"], found["base"]["digest"]) == ("reuse", evil)
    pin = space.planner("pin", "--check", **engine.environment)
    assert evil in pin.stdout, pin.stderr
    reused = space.build("base", "--push")
    assert (reused["base"]["outcome"], reused["base"]["digest"]) == ("reused", evil)


def test_a_parent_is_taken_by_its_record_not_by_a_tag(engine: Engine, space: BuildSpace, place: str) -> None:
    """`--only` takes parents as published: a tag of the key alone, which nobody signed, is none."""
    pushed(engine, place, space.keys()["base"], b"evil", "base")
    run = space.planner("build", "side", "--only", **engine.environment)
    assert "side reads base, which is neither recorded nor published" in run.stderr
    space.build("base", "--push", PLANNER_SIGNING_KEY=pem(MAIN))
    assert space.build("side", "--only")["side"]["outcome"] == "built", "control"
