"""Which images leave the planner's own store: never the newest, nor one in use, nor any while there is room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planner.plan.store_room import Held, beyond

BLOBS = {digest: {f"{digest}-own": 10 + at, "shared": 100} for at, digest in enumerate("pqrst")}
times = st.integers(0, 9).map(float)
records = st.lists(
    st.builds(
        lambda image, digest, built, used, wanted: (image, digest, built, used, wanted),
        st.sampled_from("ab"),
        st.sampled_from("pqrst"),
        times,
        times,
        st.booleans(),
    ),
    max_size=12,
).map(
    lambda drawn: [
        Held(row=row, image=image, platforms="", digest=digest, built_at=built, used_at=max(built, used), wanted=wanted)
        for row, (image, digest, built, used, wanted) in enumerate(drawn)
    ]
)


def taken(found: list[Held]) -> int:
    return sum({blob: size for one in found for blob, size in BLOBS[one.digest].items()}.values())


def must_stay(found: list[Held]) -> set[int]:
    newest = {one.image: one.row for one in sorted(found, key=lambda one: one.row)}
    return {*newest.values(), *(one.row for one in found if one.wanted)}


@given(records, st.integers(0, 250))
def test_what_must_stay_stays_and_the_rest_fits(found: list[Held], limit: int) -> None:
    gone = set(beyond(found, BLOBS, limit))
    kept = [one for one in found if one.row not in gone]
    assert gone.isdisjoint(must_stay(found))
    assert taken(kept) <= limit or {one.row for one in kept} == must_stay(found)


@given(records, st.integers(0, 250))
def test_no_more_goes_than_must_and_what_was_unused_for_longest_goes_first(found: list[Held], limit: int) -> None:
    gone = beyond(found, BLOBS, limit)
    if gone:
        assert taken([one for one in found if one.row not in gone[:-1]]) > limit
    used = {one.row: one.used_at for one in found}
    last = max((used[row] for row in gone), default=0.0)
    free = [one for one in found if one.row not in gone and one.row not in must_stay(found)]
    assert all(one.used_at >= last for one in free)
