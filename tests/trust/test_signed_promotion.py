"""A promotion copies what is signed as its place asks, signs it there, and keeps to the level of its run."""

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
from tests.trust.signed_family import unsigned


def test_a_promotion_copies_what_is_signed_and_signs_it_for_its_place(
    engine: Engine, space: BuildSpace, place: str, tmp_path: Path
) -> None:
    space.build("--push", PLANNER_SIGNING_KEY=pem(MAIN))
    target = f"{place}-r"
    run = space.planner("promote", "--to", target, **engine.environment)
    assert "records of release must be signed" in run.stderr
    run = space.planner("promote", "--to", target, PLANNER_SIGNING_KEY=pem(MAIN), **engine.environment)
    assert run.returncode == 0, run.stderr
    other = clone(space, tmp_path / "b")
    found = other.document("plan", "--against", target)["images"]
    assert {image["action"] for image in found} == {"reuse"}
    moved = other.document("plan", "--against", f"{place}-pr/17")["images"]
    assert {image["action"] for image in moved} == {"build"}

    key = space.keys()["app"]
    evil = pushed(engine, place, key, b"evil")
    records(place, tmp_path / "forger", None).add(record(place, evil, key))
    run = space.planner("promote", "--to", target, PLANNER_SIGNING_KEY=pem(MAIN), **engine.environment)
    assert "not published in their current state" in run.stderr
    assert "is not signed" in run.stderr
    unsigned(space)
    run = space.planner("promote", "--to", target, **engine.environment)
    assert run.returncode == 0, "control: nobody asks for signatures"


def test_a_promotion_keeps_to_the_level(engine: Engine, space: BuildSpace, place: str, tmp_path: Path) -> None:
    from tests.trust.runs import environment_of

    space.build("--push", PLANNER_SIGNING_KEY=pem(MAIN))

    def promote(run: str, target: str) -> tuple[int, str]:
        environment = {**engine.environment, **environment_of(run, tmp_path), "PLANNER_SIGNING_KEY": pem(MAIN)}
        ended = space.planner("promote", "--to", target, **environment)
        return ended.returncode, ended.stderr

    for run in ("pr/17", "fork/17", "main"):
        status, said = promote(run, f"{place}-r")
        assert status == 1
        assert "refused: push to" in said
    assert promote("release", f"{place}-r")[0] == 0, "control"
    status, said = promote("release", f"{place}-elsewhere")
    assert (status, "refused: push to" in said) == (1, True)
