"""What a registry keeps: nothing that is wanted goes, nor anything that it leads to or that is attached to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.plan.retention import DAY, Kind, Manifest, Roots, decide, decide_scope, freed


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def key(number: int) -> str:
    return f"x3-{number:032x}"


NOW = 1000 * DAY
ROOTS = Roots(keys={}, digests={}, now=NOW, grace=14 * DAY, lease=3600.0)


def image(number: int, *tags: str, children: tuple[int, ...] = ()) -> Manifest:
    kind = Kind.INDEX if children else Kind.IMAGE
    parts = tuple(map(digest, children))
    return Manifest(
        repository="r", digest=digest(number), kind=kind, tags=tags, children=parts, blobs={digest(900 + number): 10}
    )


def record(number: int, of: int, days: float = 100, *tags: str) -> Manifest:
    at = NOW - days * DAY
    return Manifest(repository="r", digest=digest(number), kind=Kind.RECORD, subject=digest(of), at=at, tags=tags)


def kept(*manifests: Manifest, roots: Roots = ROOTS) -> set[int]:
    return {int(one.manifest.digest[7:], 16) for one in decide(manifests, roots) if one.keep}


OLD = (image(1, key(1)), record(2, 1, 100, f"rec-{key(1)}", f"res-{key(9)}"))


@pytest.mark.parametrize(("days", "keep"), [(15, False), (13, True), (-0.5, True), (-2, False), (-40_000, False)])
def test_a_record_of_the_future_holds_nothing_in_a_scope_that_is_cleaned_by_age(days: float, keep: bool) -> None:
    parts = [image(1, key(1)), record(2, 1, days, f"rec-{key(1)}")]
    assert [one.keep for one in decide_scope(parts, ROOTS, "is old")] == [keep, keep]


def test_a_record_of_the_future_hides_no_honest_one() -> None:
    parts = [image(1, key(1)), record(2, 1, 1), record(3, 1, -40_000)]
    assert [one.keep for one in decide_scope(parts, ROOTS, "is old")] == [True, True, True]
    assert [one.keep for one in decide_scope([replace(parts[0], at=NOW + 9 * DAY), parts[1]], ROOTS, "is old")] == [
        True, True,
    ]  # fmt: skip
    old = [image(1, key(1)), record(2, 1, 100), record(3, 1, -40_000)]
    assert not any(one.keep for one in decide_scope(old, ROOTS, "is old"))


def test_what_main_recorded_at_a_time_to_come_stays_as_long_as_anything_stays_for_its_youth() -> None:
    """It may be of just now; whoever lets nothing stay for its youth is not held up till then."""
    parts = [image(1, key(1)), record(2, 1, 100), record(3, 1, -40_000)]
    found = decide(parts, ROOTS)
    assert [one.keep for one in found] == [True, True, True]
    assert "at a time that is yet to come" in found[0].why
    assert kept(*parts, roots=replace(ROOTS, grace=0.0)) == set()
    assert kept(*parts, roots=replace(ROOTS, grace=0.0, keys={key(1): "main"})) == {1, 2, 3}
    minutes = [image(1, key(1)), record(2, 1, -200 / DAY)]
    assert decide(minutes, ROOTS)[0].why == "is younger than 14 days"
    assert kept(*minutes, roots=replace(ROOTS, grace=0.0)) == set()


def test_what_nobody_wants_goes_with_its_record() -> None:
    assert kept(*OLD) == set()


@pytest.mark.parametrize(
    "roots",
    [
        replace(ROOTS, keys={key(1): "main"}),
        replace(ROOTS, digests={digest(1): "Dockerfile at main"}),
        replace(ROOTS, grace=101 * DAY),
    ],
)
def test_what_is_wanted_pinned_or_young_stays_with_its_record(roots: Roots) -> None:
    assert kept(*OLD, roots=roots) == {1, 2}


@pytest.mark.parametrize("tag", ["latest", "v1.4", "pr-12", "sha256-x", "x3-1"])
def test_a_tag_that_is_not_a_keys_keeps(tag: str) -> None:
    assert kept(image(1, key(1), tag), OLD[1]) == {1, 2}


def test_an_image_without_a_record_has_no_age_and_stays() -> None:
    assert kept(image(1, key(1))) == {1}


def test_what_was_put_away_and_lost_its_record_goes_unless_it_is_wanted() -> None:
    half = replace(image(1, key(1)), put_away=True)
    assert kept(half) == set()
    assert kept(half, roots=replace(ROOTS, keys={key(1): "main"})) == {1}
    assert [one.keep for one in decide_scope([half], ROOTS, "ended")] == [False]
    assert [one.keep for one in decide_scope([replace(half, put_away=False)], ROOTS, "ended")] == [True]


def test_a_kept_index_keeps_its_children_and_what_is_attached_to_them() -> None:
    listed = f"sha256-{1:064x}"
    index = image(10, key(10), children=(1, 2))
    fallback = Manifest(
        repository="r", digest=digest(30), kind=Kind.REFERRERS, tags=(listed,), children=(digest(20), digest(21))
    )
    signature = Manifest(repository="r", digest=digest(21), kind=Kind.OTHER, subject=digest(1))
    parts = (index, image(1), image(2), record(20, 1), signature, fallback, image(3, key(3)), record(22, 3))
    assert kept(*parts, roots=replace(ROOTS, keys={key(10): "main"})) == {10, 1, 2, 20, 21, 30}


def test_a_pinned_part_keeps_the_index_that_leads_to_it() -> None:
    """No tag would lead to it, and the registry's own collection takes what has no tag."""
    index, outer = image(10, key(10), children=(1, 2)), image(11, key(11), children=(10,))
    apart = (image(12, key(12), children=(3,)), image(3), record(21, 12))
    parts = (index, outer, image(1), image(2), record(20, 10), record(22, 11), *apart)
    pinned = replace(ROOTS, digests={digest(1): "Dockerfile at main"})
    assert kept(*parts, roots=pinned) == {10, 1, 2, 20}
    scope = decide_scope(parts, replace(pinned, grace=0.0), "ended")
    assert {int(one.manifest.digest[7:], 16) for one in scope if one.keep} == {10, 1, 2, 20}

    untagged = (replace(index, tags=()), *parts[1:])
    assert kept(*untagged, roots=pinned) == {10, 11, 1, 2, 20, 22}, "up to one that a tag names"


def test_what_is_shared_keeps_no_index_for_its_own_sake() -> None:
    """A platform that two states have in common stays with the wanted one; the other one goes."""
    wanted, other = image(10, key(10), children=(1, 2)), image(11, key(11), children=(1, 3))
    parts = (wanted, other, image(1), image(2), image(3), record(20, 10), record(21, 11))
    assert kept(*parts, roots=replace(ROOTS, keys={key(10): "main"})) == {10, 1, 2, 20}


def test_a_running_lease_keeps_its_key_and_an_old_one_nothing() -> None:
    lease = Manifest(repository="r", digest=digest(5), kind=Kind.LEASE, tags=(f"lease-{key(1)}",), at=NOW - 60)
    assert kept(*OLD, lease) == {1, 2, 5}
    assert kept(*OLD, replace(lease, at=NOW - 7200)) == set()


def test_a_lease_of_the_future_keeps_nothing() -> None:
    """Clocks may differ by minutes; a lease of next year would hold the scope of a pull request till then."""
    lease = Manifest(repository="r", digest=digest(5), kind=Kind.LEASE, tags=(f"lease-{key(1)}",), at=NOW + 200)
    later = replace(lease, at=NOW + 400)
    assert kept(*OLD, lease) == {1, 2, 5}
    assert kept(*OLD, later) == set()
    roots = replace(ROOTS, grace=0.0)
    assert [one.keep for one in decide_scope([*OLD, lease], roots, "ended")] == [True, True, True]
    assert [one.keep for one in decide_scope([*OLD, later], roots, "ended")] == [False, False, False]


def test_bytes_that_something_else_names_are_not_freed() -> None:
    shared = replace(image(1, key(1)), blobs={digest(900): 5, digest(901): 7}, size=3)
    other = replace(image(3, "latest"), blobs={digest(900): 5})
    assert freed(decide((shared, OLD[1], other), ROOTS)) == 7 + 3


@st.composite
def repositories(draw: st.DrawFn) -> tuple[list[Manifest], Roots]:
    """Any images, indexes, records and things attached, some of them wanted."""
    count = draw(st.integers(1, 10))
    manifests: list[Manifest] = []
    for number in range(count):
        tags = tuple(draw(st.lists(st.sampled_from([key(number), "latest", "v1", f"rec-{key(number)}"]), max_size=2)))
        below = draw(st.lists(st.integers(0, number - 1), max_size=2)) if number else []
        kind = draw(st.sampled_from(["image", "index", "record", "other"]))
        if kind == "index":
            manifests.append(image(number, *tags, children=tuple(below)))
        elif kind == "image" or not below:
            manifests.append(image(number, *tags))
        elif kind == "record":
            manifests.append(record(number, below[0], draw(st.sampled_from([1, 100])), *tags))
        else:
            manifests.append(replace(record(number, below[0], 100, *tags), kind=Kind.OTHER))
    wanted = draw(st.sets(st.integers(0, count - 1)))
    pinned = draw(st.sets(st.integers(0, count - 1)))
    roots = replace(ROOTS, keys={key(one): "a ref" for one in wanted}, digests={digest(one): "a pin" for one in pinned})
    return manifests, roots


@given(repositories(), st.randoms())
def test_what_stays_is_closed_and_does_not_depend_on_order(found: tuple[list[Manifest], Roots], random: object) -> None:
    manifests, roots = found
    stays = {one.manifest.digest for one in decide(manifests, roots) if one.keep}
    by_digest = {one.digest: one for one in manifests}
    assert set(roots.digests) & set(by_digest) <= stays
    for name in stays:
        one = by_digest[name]
        assert set(one.children) <= stays, "a kept index is whole"
        assert not one.subject or one.subject in stays
    for one in manifests:
        if one.subject in stays:
            assert one.digest in stays, "what is attached to what stays, stays"
        if one.kind in (Kind.IMAGE, Kind.INDEX) and set(one.tags) & (set(roots.keys) | {"latest", "v1"}):
            assert one.digest in stays
    random.shuffle(manifests)  # type: ignore[attr-defined]
    assert {one.manifest.digest for one in decide(manifests, roots) if one.keep} == stays


@given(repositories(), st.integers(0, 9))
def test_one_root_more_never_drops_anything(found: tuple[list[Manifest], Roots], more: int) -> None:
    manifests, roots = found
    before = {one.manifest.digest for one in decide(manifests, roots) if one.keep}
    wider = replace(roots, keys={**roots.keys, key(more): "one more"})
    assert before <= {one.manifest.digest for one in decide(manifests, wider) if one.keep}
