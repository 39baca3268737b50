"""Images that copy the same context: a plan lists what it holds once on each side, however many they are."""

from __future__ import annotations

from unittest import mock

from planner.digest.key import Keys, keys_of
from planner.digest.trace import Traced
from planner.plan import baseline
from planner.plan.baseline import of_keys
from planner.plan.rebuild import plan
from planner.sources import yaml_file
from planner.sources.load import load
from tests.sources.discovery.memory import MemoryTree

COUNT = 12
GRAPH = "version: 1\nimages:\n" + "".join(f"  i{at}: {{dockerfile: d{at}.Dockerfile}}\n" for at in range(COUNT))
FILES = {
    "images.yaml": GRAPH,
    ".dockerignore": "left-out\n",
    **{f"d{at}.Dockerfile": f"FROM scratch\nCOPY . /to{at}\nCOPY src /src{at}\n" for at in range(COUNT)},
    "src/a": "a\n",
    "src/b": "b\n",
}


def keys(files: dict[str, str]) -> Keys:
    tree = MemoryTree(files)
    loaded = load(yaml_file.read(GRAPH.encode(), "images.yaml", {}, {}), tree)
    return keys_of(loaded, tree, definition=Traced(tree).taken())


def test_a_context_is_listed_once_for_each_selection_and_side() -> None:
    now, then = keys({**FILES, "src/a": "other\n"}), keys(FILES)
    graph = now.made_by.loaded.graph
    with mock.patch.object(baseline, "files_of", wraps=baseline.files_of) as listed:
        made = plan(graph, now, of_keys(then), against="HEAD", wanted=graph.order)
    assert listed.call_count == 4
    assert {image.name for image in made.building} == set(graph.order)
    for image in made.images:
        assert [reason.detail for reason in image.reasons] == ["src/a changed", "src/a changed"]
        assert len({reason.where for reason in image.reasons}) == 2
