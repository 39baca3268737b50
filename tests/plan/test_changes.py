"""What is told of an image of which only parents changed is what a look at all of its inputs tells."""

from __future__ import annotations

from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from planner.digest.manifest import Input, InputKind, Manifest
from planner.model.image import ImageName, Span
from planner.plan import changes as module
from planner.plan.changes import changes
from planner.plan.reasons import Code

KINDS = [kind for kind in InputKind if kind is not InputKind.FILES]
inputs = st.lists(
    st.builds(
        lambda kind, name, digest, line: Input(kind=kind, name=name, digest=digest, where=Span(file="f", line=line)),
        st.sampled_from([*KINDS, InputKind.PARENT, InputKind.PARENT]),
        st.sampled_from("ab"),
        st.sampled_from("xy"),
        st.integers(1, 2),
    ),
    max_size=4,
).map(tuple)


def manifest(found: tuple[Input, ...]) -> Manifest:
    return Manifest(image=ImageName("i"), platform="p", inputs=found)


@given(inputs, inputs, st.booleans())
def test_a_short_look_tells_what_a_whole_one_tells(one: tuple[Input, ...], two: tuple[Input, ...], alike: bool) -> None:
    if alike:  # the same inputs but for what is under a parent's name
        moved = {InputKind.PARENT: "z"}
        two = tuple(
            Input(kind=item.kind, name=item.name, digest=moved.get(item.kind, item.digest), where=item.where)
            for item in one
        )
    short = changes(manifest(one), manifest(two), lambda _: {}, lambda _: {})
    with mock.patch.object(module, "_differ_in_parents_alone", lambda *_: False):
        assert changes(manifest(one), manifest(two), lambda _: {}, lambda _: {}) == short
    if alike and any(item.kind is InputKind.PARENT for item in one):
        assert {reason.code for reason in short} == {Code.PARENT_CHANGED}
