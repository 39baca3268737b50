"""The same family gives the same keys in whatever form it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings

from planner.digest.key import keys_of
from planner.local.starlark import Starlark
from planner.sources.doors.door import Asked, found
from planner.sources.doors.read import read
from planner.sources.load import load
from tests.memory import MemoryTree
from tests.sources.doors.forms import WRITERS, Declared, Described, Files, families, starlark_macros, yaml

ASKED = Asked(environment={}, starlark=Starlark())


def keys(definition: Files, files: Files) -> dict[str, str]:
    tree = MemoryTree({**files, **definition})
    named = found(tree, {})
    assert named is not None
    loaded = load(read(named, tree, ASKED), tree, told=True)
    return {str(name): key for name, key in keys_of(loaded, tree).keys.items()}


@pytest.mark.parametrize("form", WRITERS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(families())
def test_every_form_gives_the_keys_of_yaml(form: str, drawn: tuple[Described, Files]) -> None:
    family, files = drawn
    assume(any(one.combinations() for one in family))  # a Bake file without an image is a mistake
    assert keys(WRITERS[form](family), files) == keys(yaml(family), files)


def test_keys_tell_families_apart() -> None:
    one = Declared(name="a", args={"A": "1"})
    files = {"Dockerfile": "FROM scratch\nARG A\nCOPY f$A /\n", "f1": "", "f2": ""}
    other = replace(one, args={"A": "2"})
    assert keys(starlark_macros((one,)), files) != keys(yaml((other,)), files)
