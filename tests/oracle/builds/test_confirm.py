"""What becomes of suspects: seen again in turns, kinds that are known no longer looked at, nothing lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.oracle.builds import cases
from tests.oracle.builds.builder import Lost
from tests.oracle.builds.chain import Found, Outcome
from tests.oracle.builds.confirm import OF_A_KIND, Confirmation
from tests.oracle.builds.edits import Edited
from tests.oracle.builds.family import Member, State
from tests.oracle.builds.law import Finding
from tests.oracle.builds.report import Report, Suspect, cause
from tests.oracle.builds.sample import Family
from tests.oracle.case import Case, File, Piece


def edited(name: str) -> Edited:
    def state(text: str) -> State:
        pieces = (Piece(0, "FROM scratch"), Piece(1, "COPY a /"))
        members = (Member(name="base", case=Case(pieces=pieces)), Member(name="app", case=Case(pieces=pieces)))
        return State(files={"ctx/a": File(text), "ctx/b": File("b")}, members=members)

    return Edited(state("1"), state("2"), name)


def suspect(why: str, family: int, finding: Finding = Finding.STALE) -> Suspect:
    one = edited(f"edit {why}")
    found = Found(finding, "app", why)
    return Suspect(found, Outcome(one, found=(found,)), family)


class Fake:
    """Shows of an edit what `shows` says of its name."""

    def __init__(self, shows: Callable[[str], tuple[Found, ...]]) -> None:
        self.shows = shows
        self.asked: list[Edited] = []

    def found(self, one: Edited) -> tuple[Found, ...]:
        self.asked.append(one)
        return self.shows(one.edit)


def nothing(_: str) -> tuple[Found, ...]:
    return ()


def always(edit: str) -> tuple[Found, ...]:
    return (Found(Finding.STALE, "app", edit.removeprefix("edit ")),)


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    place = tmp_path / "cases.json"
    place.write_text("[]\n")
    monkeypatch.setattr(cases, "FILE", place)
    return place


def confirmed(suspects: list[Suspect], again: Fake, said: list[str] | None = None) -> Confirmation:
    found = Confirmation(suspects, seed=7, shown=8, ended=lambda: False)
    said = [] if said is None else said
    found.run(again, said.append, said.append)
    return found


def test_what_is_not_seen_again_is_no_finding_and_is_not_kept(kept: Path) -> None:
    suspects = [suspect("not cached: [one 1/3] RUN x", family) for family in range(OF_A_KIND + 2)]
    said: list[str] = []
    found = confirmed(suspects, Fake(nothing), said)
    assert (len(found.unseen), found.seen, found.left) == (len(suspects), [], [])
    assert kept.read_text() == "[]\n"
    assert said[0] == "1 of 5 not seen again (0 s): stale of app by edit not cached: [one 1/3] RUN x (family 0): " + (
        "not cached: [one 1/3] RUN x"
    )
    assert "(seed 7)" in found.lines()[0]


def test_of_a_kind_that_was_seen_again_only_a_few_are_looked_at_and_one_is_kept(kept: Path) -> None:
    suspects = [suspect("other layers", family) for family in range(OF_A_KIND + 2)]
    found = confirmed(suspects, Fake(always))
    assert (len(found.seen), len(found.like)) == (OF_A_KIND, 2)
    assert list(cases.kept()) == ["stale by edit other layers, seed 7, family 0"]
    small = cases.kept()["stale by edit other layers, seed 7, family 0"]
    assert [member.name for member in small.before.members] == ["app"]


def test_another_finding_of_the_same_edit_does_not_count() -> None:
    other = Fake(lambda _: (Found(Finding.STALE, "app", "another configuration"),))
    assert len(confirmed([suspect("other layers", 1)], other).unseen) == 1


def test_all_kinds_and_families_have_their_turn_first() -> None:
    suspects = [suspect("one kind", 1) for _ in range(4)] + [suspect("one kind", 2), suspect("two kinds", 3)]
    suspects.append(suspect("needless", 4, Finding.NEEDLESS))
    found = Confirmation(suspects, seed=7, shown=8, ended=lambda: False)
    order = [(one.found.why, one.family) for one in found.waiting]
    first = [("one kind", 1), ("one kind", 2), ("two kinds", 3), ("one kind", 1), ("needless", 4)]
    assert order == [*first, ("one kind", 1), ("one kind", 1)]


def test_a_lost_engine_costs_the_suspect_at_hand_only() -> None:
    def lost(edit: str) -> tuple[Found, ...]:
        if edit == "edit one":
            raise Lost("gone")
        return always(edit)

    found = Confirmation([suspect("one", 1), suspect("two", 2)], seed=7, shown=8, ended=lambda: False)
    with pytest.raises(Lost):
        found.run(Fake(lost), str, str)
    found.run(Fake(lost), str, str)
    assert [one.family for one in found.seen] == [2]
    assert found.lines() == ["NOT LOOKED AT: stale of app by edit one (family 1): one (seed 7)"]


def test_without_time_all_are_told() -> None:
    found = Confirmation([suspect("one", 1), suspect("two", 2)], seed=7, shown=8, ended=lambda: True)
    found.run(Fake(always), str, str)
    assert [line.partition(":")[0] for line in found.lines()] == ["NOT LOOKED AT"] * 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("not cached: [one 1/3] RUN x", "not cached: [two 2/7] WORKDIR rel"),
        (
            'failed to solve: target stage "0" could not be found',
            'failed to solve: target stage "x" could not be found',
        ),
        (
            "failed to solve: circular dependency detected on stage: one",
            "failed to solve: circular dependency detected on stage: two",
        ),
        (
            "ctx/web.Dockerfile:4:9: unknown instruction ARGX\n  did",
            "docker/base/Dockerfile:1: unknown instruction ARGX",
        ),
    ],
)
def test_names_and_numbers_are_no_cause(one: str, other: str) -> None:
    assert cause(one) == cause(other)
    assert cause(one) != cause("other layers")


def test_what_was_not_judged_and_what_broke_off_is_told() -> None:
    report = Report()
    refused = Outcome(edited("token"), refused="there is no context")
    report.add(Family(3, 5, 20, (refused, Outcome(edited("swap"))), broken="ValueError: x"))
    assert report.edits == 1
    assert "1 more edits not judged" in report.line()
    assert "1 families broken off" in report.line()
    assert "     1 not judged: there is no context" in report.table()
    assert "family 3 was broken off: ValueError: x" in report.table()
