"""Records compare, hash and show themselves as those of the standard library do."""

from __future__ import annotations

import dataclasses

from planner.model.frozen import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    name: str
    parts: tuple[str, ...] = ()
    hidden: int = dataclasses.field(default=0, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Single:
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Other:
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Nothing:
    pass


Theirs = dataclasses.make_dataclass(
    "Ours",
    [
        ("name", str),
        ("parts", tuple[str, ...], ()),
        ("hidden", int, dataclasses.field(default=0, compare=False, repr=False)),
    ],
    frozen=True,
    kw_only=True,
    slots=True,
)


def test_records_are_those_of_the_standard_library_but_for_refusing_changes() -> None:
    one, theirs = Ours(name="a", parts=("b",), hidden=1), Theirs(name="a", parts=("b",), hidden=1)
    assert repr(one) == repr(theirs)
    assert hash(one) == hash(theirs)
    assert one == Ours(name="a", parts=("b",), hidden=2)
    assert one != Ours(name="a")
    assert dataclasses.replace(one, name="c") == Ours(name="c", parts=("b",))
    assert not hasattr(one, "__dict__")


def test_records_of_one_field_and_of_none() -> None:
    assert Single(name="a") == Single(name="a")
    assert Single(name="a") != Single(name="b")
    assert Single(name="a") != Other(name="a")
    assert hash(Single(name="a")) == hash(("a",))
    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing(), Single(name="a"), Single(name="a")}) == 2
