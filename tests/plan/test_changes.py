"""Reasons: they name what changed, and a short look tells what a whole one tells."""

from __future__ import annotations

import json
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.digest.inputs import Input, InputKind, Manifest
from planner.digest.key import Keys, keys_of
from planner.model.image import ImageName, Span
from planner.plan import changes as module
from planner.plan.baseline import of_keys
from planner.plan.changes import State, changes
from planner.plan.reasons import Code
from planner.plan.rebuild import plan
from planner.sources import yaml_file
from planner.sources.doors.door import Asked, named
from planner.sources.doors.read import read
from planner.sources.load import load
from tests.memory import MemoryTree

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
    before, after = (State(manifest=manifest(found), files=lambda _: {}) for found in (one, two))
    short = changes(before, after)
    with mock.patch.object(module, "_differ_in_parents_alone", lambda *_: False):
        assert changes(before, after) == short
    if alike and any(item.kind is InputKind.PARENT for item in one):
        assert {reason.code for reason in short} == {Code.PARENT_CHANGED}


IMAGES = "version: 1\nimages: {i: {context: c}}\n"


def keys(dockerfile: str, files: dict[str, str]) -> Keys:
    tree = MemoryTree({"c/Dockerfile": dockerfile, **{f"c/{path}": text for path, text in files.items()}})
    return keys_of(load(yaml_file.read(IMAGES.encode(), "images.yaml", {}, {}), tree, told=True), tree)


def told(before: Keys, after: Keys) -> list[str]:
    made = plan(after.made_by.loaded.graph, after, of_keys(before), against="then", wanted=list(after.keys))
    return [reason.detail for image in made.images for reason in image.reasons]


@pytest.mark.parametrize(
    "dockerfile",
    ["FROM scratch\nCOPY f /a/\nCOPY * /b/\n", "FROM scratch\nCOPY f /a/\nCOPY f g /b/\n"],
    ids=["wildcard", "named"],
)
def test_a_selection_that_comes_to_hold_what_another_one_holds(dockerfile: str) -> None:
    before = keys(dockerfile, {"f": "1", "g": "1", ".dockerignore": "Dockerfile\n.dockerignore\n"})
    after = keys(dockerfile, {"f": "1", ".dockerignore": "Dockerfile\n.dockerignore\n"})
    assert told(before, after)[0] == "c/g is gone"


def test_a_file_that_another_instruction_reads_no_more_is_not_gone() -> None:
    files = {"f": "1", "g": "1"}
    before, after = (keys(f"FROM scratch\nCOPY {names} /a/\n", files) for names in ("f", "g"))
    assert told(before, after) == ["COPY f /a/ → COPY g /a/", "c/f is read no more", "c/g is read now"]


def test_what_is_unsure_is_no_change_of_order() -> None:
    dockerfile = "FROM scratch\nCOPY f /a/\n"
    doubted = f"{dockerfile}FROM scratch AS y\nCOPY --from=y*z / /\n{dockerfile}"
    sure = f"{dockerfile}FROM scratch AS y\nRUN a\n{dockerfile}"
    reason = "BuildKit refuses a stage that is not built: "
    now = told(keys(sure, {"f": "1"}), keys(doubted, {"f": "1"}))
    assert len(now) == 1
    assert now[0].startswith(reason)
    assert told(keys(doubted, {"f": "1"}), keys(sure, {"f": "1"})) == [f"was unsure before: {now[0]}"]


@pytest.mark.parametrize(
    ("before", "after", "details"),
    [
        (("a:1", "b:1"), ("a:2", "b:1"), ["--add-host=a:1 → --add-host=a:2"]),
        (("a:1",), ("a:1", "b:1"), ["--add-host=b:1 is new"]),
        (("a:1", "b:1"), ("b:1",), ["--add-host=a:1 is gone"]),
        (("a:1",), ("a:2",), ["--add-host 'a:1' → 'a:2'"]),
        (("a:1",), (), ["--no-cache is new", "--add-host is gone"]),
    ],
)
def test_an_option_that_is_given_several_times(
    before: tuple[str, ...], after: tuple[str, ...], details: list[str]
) -> None:
    def of(hosts: tuple[str, ...]) -> Keys:
        target: dict[str, object] = {"no-cache": not hosts, "extra-hosts": dict(host.split(":") for host in hosts)}
        tree = MemoryTree({"docker-bake.json": json.dumps({"target": {"i": target}}), "Dockerfile": "FROM x"})
        family = read(named(["docker-bake.json"]), tree, Asked(environment={}))
        return keys_of(load(family, tree, told=True), tree)

    assert told(of(before), of(after)) == details


def test_an_ignore_file_that_leaves_out_more_or_less_is_named() -> None:
    dockerfile, files = "FROM scratch\nCOPY . /\n", {"f": "1", "g": "1"}
    hidden = "Dockerfile\n.dockerignore\n"
    whole, less = (keys(dockerfile, {**files, ".dockerignore": text}) for text in (hidden, f"{hidden}g\n"))
    assert told(whole, less) == ["c/g is read no more: c/.dockerignore:3 leaves it out"]
    assert told(less, whole) == ["c/g is read now: c/.dockerignore:3 left it out"]
    gone = keys(dockerfile, {"f": "1", ".dockerignore": hidden})
    assert told(whole, gone) == ["c/g is gone"]
    assert told(gone, whole) == ["c/g is new"]
