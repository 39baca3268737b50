"""Records compare, hash and show themselves as those of the standard library do."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from planner.model.frozen import dataclass, field, replace


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    name: str
    parts: tuple[str, ...] = ()
    hidden: int = field(default=0, compare=False, repr=False)


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


@dataclass(frozen=True)
class Placed:
    first: int
    second: int = 2
    third: list[int] = field(default_factory=list)
    total: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", self.first + self.second)


@dataclass(frozen=True, kw_only=True)
class Wider(Placed):
    fourth: str = "d"


@dataclass(slots=True)
class Changing:
    name: str


def test_defaults_places_and_what_is_made_after() -> None:
    one = Placed(1)
    assert (one.second, one.third, one.total) == (2, [], 3)
    assert one.third is not Placed(1).third
    assert replace(one, second=5).total == 6
    match one:
        case Placed(first, second):
            assert (first, second) == (1, 2)
    with pytest.raises(TypeError):
        Placed()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Placed(1, total=2)  # type: ignore[call-arg]


def test_records_inherit() -> None:
    wide = Wider(1, 2, fourth="e")
    assert repr(wide) == "Wider(first=1, second=2, third=[], total=3, fourth='e')"
    assert replace(wide, first=4).total == 6
    assert wide != Placed(1, 2)


def test_the_library_knows_their_fields() -> None:
    names = [one.name for one in dataclasses.fields(Wider)]
    assert names == ["first", "second", "third", "total", "fourth"]
    assert dataclasses.is_dataclass(Changing("a"))
    assert dataclasses.asdict(Wider(1)) == {"first": 1, "second": 2, "third": [], "total": 3, "fourth": "d"}
    assert dataclasses.replace(Wider(1), second=3).total == 4


def test_what_may_change_has_no_hash() -> None:
    one = Changing("a")
    one.name = "b"
    assert one == Changing("b")
    with pytest.raises(TypeError):
        hash(one)


def test_making_records_does_not_load_the_library() -> None:
    code = "import sys, planner.model.image; sys.exit('dataclasses' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
