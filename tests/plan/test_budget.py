"""A budget of bytes: within it or only roots are left, more room never keeps less, and what stays lacks no part."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.plan.budget import Budget, within
from planner.plan.retention import Decision, Manifest, Roots, decide, weights
from tests.plan.test_retention import NOW, ROOTS, digest, image, key, record, repositories


def judged(manifests: list[Manifest], roots: Roots, limit: int, *gone: int) -> tuple[set[int], Budget]:
    after, budget = within(decide(manifests, roots), limit, NOW, frozenset(map(digest, gone)))
    return {int(one.manifest.digest[7:], 16) for one in after if one.keep}, budget


def stale(number: int, size: int, days: float, uses: int = 1) -> list[Manifest]:
    """An image that nobody wants, with its records."""
    one = replace(image(number, key(number)), blobs={digest(900 + number): size})
    return [one, *(record(100 * number + use, number, days) for use in range(1, uses + 1))]


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (stale(1, 200, 20), stale(2, 100, 20)),
        (stale(1, 100, 40), stale(2, 100, 20)),
        (stale(1, 100, 20), stale(2, 100, 20, uses=2)),
        (stale(1, 50, 90), stale(2, 100, 20)),
    ],
)
def test_the_least_valuable_goes_first(more: list[Manifest], less: list[Manifest]) -> None:
    both = [*more, *less]
    size = sum(less[0].blobs.values())
    assert 1 not in judged(both, ROOTS, size)[0]
    assert 2 in judged(both, ROOTS, size)[0]
    assert judged(both, ROOTS, 10_000)[0] >= {1, 2}
    assert judged(both, ROOTS, 0)[0] == set()


def test_roots_stay_whatever_the_budget_is_and_that_is_told() -> None:
    wanted = replace(ROOTS, keys={key(1): "main"})
    kept, budget = judged([*stale(1, 500, 90), *stale(2, 1, 20)], wanted, 100)
    assert kept == {1, 101}
    assert (budget.held, budget.fits) == (500, False)


def test_what_is_in_quarantine_does_not_come_back_for_the_room() -> None:
    assert judged([*stale(1, 5, 90), *stale(2, 5, 20)], ROOTS, 1000, 1)[0] == {2, 201}


def test_a_layer_that_a_root_holds_costs_nothing() -> None:
    shared = {digest(900): 1000}
    root = replace(image(3, "v1"), blobs=shared)
    heavy = replace(image(1, key(1)), blobs={**shared, digest(901): 1})
    kept, budget = judged([root, heavy, record(2, 1, 90)], ROOTS, 1001)
    assert kept == {1, 2, 3}
    assert budget.held == 1001


def test_nothing_smaller_takes_the_place_of_what_does_not_fit() -> None:
    """Else more room could keep less: from the least burdensome on, the first that does not fit is the end."""
    some = [*stale(1, 10, 20), *stale(2, 9, 50), *stale(3, 2, 400)]
    for limit, expected in ((9, set()), (10, {1}), (11, {1}), (18, {1}), (19, {1, 2}), (21, {1, 2, 3})):
        assert judged(some, ROOTS, limit)[0] & {1, 2, 3} == expected


def test_why_is_told() -> None:
    decisions = decide([*stale(1, 500, 90), *stale(2, 1, 20)], ROOTS)
    after, _ = within(decisions, 10, NOW)
    why = {one.manifest.digest: one.why for one in after}
    assert why[digest(1)] == "no room within --max-bytes: 500 bytes x 90 days, recorded 1 times"
    assert why[digest(2)] == "nobody wants it, and there is room"


def bytes_of(decisions: tuple[Decision, ...]) -> int:
    stored: dict[str, int] = {}
    for one in decisions:
        if one.keep:
            stored.update(weights(one.manifest))
    return sum(stored.values())


LIMITS = st.integers(0, 200)


@st.composite
def sized(draw: st.DrawFn) -> tuple[list[Manifest], Roots]:
    """Any repositories, with images of very different sizes."""
    manifests, roots = draw(repositories())
    sizes = draw(st.lists(st.sampled_from([1, 5, 30, 90]), min_size=len(manifests), max_size=len(manifests)))
    changed = [
        replace(one, blobs=dict.fromkeys(one.blobs, size), size=1) for one, size in zip(manifests, sizes, strict=True)
    ]
    return changed, roots


@given(sized(), LIMITS, st.sets(st.integers(0, 9), max_size=2))
def test_within_the_budget_or_only_roots_and_nothing_lacks_a_part(
    found: tuple[list[Manifest], Roots], limit: int, gone: set[int]
) -> None:
    manifests, roots = found
    plain = decide(manifests, roots)
    after, budget = within(plain, limit, NOW, frozenset(map(digest, gone)))
    stays = {one.manifest.digest for one in after if one.keep}
    rooted = {one.manifest.digest for one in plain if one.keep}
    assert [one.manifest for one in after] == manifests
    assert rooted <= stays, "no root goes"
    assert budget.held == bytes_of(after)
    assert budget.held <= limit or stays == rooted
    assert budget.fits == (budget.held <= limit)
    assert stays - rooted <= {one.digest for one in manifests} - set(map(digest, gone))
    here = {one.digest for one in manifests}
    for one in manifests:
        if one.digest in stays:
            assert set(one.children) & here <= stays, "a live image loses no child"
            assert not one.subject or one.subject in stays or one.subject not in here
        if one.subject in stays:
            assert one.digest in stays, "what is attached to what stays, stays"


@given(sized(), LIMITS, LIMITS)
def test_more_room_never_keeps_less(found: tuple[list[Manifest], Roots], one: int, other: int) -> None:
    manifests, roots = found
    decisions = decide(manifests, roots)
    less, more = (
        {decision.manifest.digest for decision in within(decisions, limit, NOW)[0] if decision.keep}
        for limit in sorted((one, other))
    )
    assert less <= more
