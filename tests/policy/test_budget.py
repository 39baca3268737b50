"""What fits GitHub's cache: never more than the budget, the best per byte first, shared layers counted once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planner.policy.budget import Cached, forecast

BASE = {"base": 100}


def chosen(images: list[Cached], budget: int, writers: int = 1) -> list[str]:
    return [one.image for one in forecast(images, budget, writers).choices if one.chosen]


def test_the_most_saved_per_byte_comes_first() -> None:
    images = [
        Cached(image="slow", layers={"a": 100}, seconds=500),
        Cached(image="big", layers={"b": 900}, seconds=600),
        Cached(image="small", layers={"c": 10}, seconds=100),
    ]
    assert chosen(images, 1010) == ["small", "slow", "big"]
    assert chosen(images, 200) == ["small", "slow"]
    assert chosen(images, 200, writers=2) == ["small"], "each writer changes every layer, and slow no longer fits"


def test_layers_that_are_shared_are_stored_once() -> None:
    images = [
        Cached(image="one", layers={**BASE, "x": 10}, seconds=10),
        Cached(image="two", layers={**BASE, "y": 10}, seconds=10),
    ]
    made = forecast(images, 120, 1)
    assert made.used == 120
    assert [one.size for one in made.choices] == [110, 10]


def test_what_is_not_known_or_saves_nothing_is_not_chosen() -> None:
    images = [Cached(image="unknown", layers=None, seconds=9), Cached(image="free", layers={"a": 1}, seconds=0)]
    made = forecast(images, 100, 1)
    assert {one.image: one.why for one in made.choices} == {
        "unknown": "no size is known: build it once here",
        "free": "saves nothing",
    }


cached_images = st.lists(
    st.builds(
        Cached,
        image=st.uuids().map(str),
        layers=st.none() | st.dictionaries(st.sampled_from("abcdefgh"), st.just(7), max_size=5),
        seconds=st.floats(0, 1000),
    ),
    max_size=12,
)


@given(cached_images, st.integers(0, 100), st.integers(0, 5))
def test_the_budget_is_never_passed_and_no_image_is_lost(images: list[Cached], budget: int, writers: int) -> None:
    made = forecast(images, budget, writers)
    assert made.used <= budget
    assert sorted(one.image for one in made.choices) == sorted(one.image for one in images)
    names = {one.image for one in made.choices if one.chosen}
    held: dict[str, int] = {}
    for one in images:
        if one.image in names:
            held.update(one.layers or {})
    assert sum(held.values()) * writers == made.used
