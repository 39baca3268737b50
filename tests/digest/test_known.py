"""What is taken over from another tree is what would have been found in this one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.cli.recalled import Agreement
from planner.digest.key import Keys, Known, keys_of
from planner.digest.retold import Retold
from planner.digest.trace import Trace
from planner.local.git_tree import WorkTree, worktree
from planner.local.revision import RevisionTree
from planner.local.revisions import revision_tree
from planner.ports import Tree
from planner.sources import yaml_file
from planner.sources.load import load
from planner.sources.loaded import LoadedFamily
from tests.workspace import Workspace

FILES = {
    "images.yaml": """\
version: 1
registry: registry.example/fam
images:
  base: {context: base}
  tool: {context: tool, contexts: {extra: shared}}
  app: {context: app, dockerfile: ../files/app.Dockerfile}
  leaf: {context: app/inner, dockerfile: ../../files/leaf.Dockerfile}
  whole: {dockerfile: files/whole.Dockerfile}
""",
    "base/Dockerfile": "FROM alpine:3.20\nCOPY src /src\n",
    "base/src/a": "a\n",
    "base/.dockerignore": "none\n",
    "tool/Dockerfile": "FROM registry.example/fam/base\nCOPY --from=extra . /extra\nCOPY b /b\n",
    "tool/b": "b\n",
    "shared/c": "c\n",
    "files/app.Dockerfile": "FROM registry.example/fam/tool\nCOPY d* inner /d/\n",
    "files/app.Dockerfile.dockerignore": "d2\n",
    "app/d1": "d\n",
    "app/d2": "d\n",
    "app/inner/e": "e\n",
    "files/leaf.Dockerfile": "FROM alpine:3.20\nCOPY link /e\n",
    "files/whole.Dockerfile": "FROM registry.example/fam/leaf\nCOPY . /\n",
}
PATHS = st.sampled_from([*FILES, "app/d3", "base/src/new/f", "app/.dockerignore", "shared/.dockerignore"])
IGNORES = ("app/.dockerignore", "shared/.dockerignore", "base/.dockerignore", "files/app.Dockerfile.dockerignore")


def changed(path: str, more: str) -> Callable[[Workspace], None]:
    """A change that every file of the family can bear, with a meaning."""

    def change(space: Workspace) -> None:
        if path in IGNORES:
            space.write({path: "d1\nsrc\n" if more else "e\n"})
        elif path.endswith("Dockerfile"):
            space.write({path: FILES[path] + f"RUN echo {more}\n"})
        elif path == "images.yaml":
            space.write({path: FILES[path].replace("app/inner,", f"app/inner, platforms: [linux/{more or 'arm64'}],")})
        else:
            space.write({path: f"{more}\n"})

    return change


def commit(space: Workspace) -> None:
    space.git("add", "-A")
    space.git("commit", "-q", "--allow-empty", "-m", "state")


EDITS = st.one_of(
    st.builds(changed, PATHS, st.sampled_from(["", "x", "y"])),
    st.builds(lambda path: lambda space: (space.root / path).unlink(missing_ok=True), st.sampled_from(["app/d2"])),
    st.just(lambda space: (space.root / "app/d1").chmod(0o755)),
    st.just(commit),
)


def loaded_from(tree: Tree, like: LoadedFamily | None = None) -> LoadedFamily:
    family = yaml_file.read(tree.read("images.yaml", 1 << 20), "images.yaml", {}, {})
    return load(family, tree, told=True, like=like)


def told(keys: Keys) -> Iterator[object]:
    for name, key in keys.keys.items():
        yield name, key, keys.manifests[name], keys.made_by.loaded.graph.nodes[name]


@pytest.mark.parametrize("path", [*FILES, "app/d3", "base/src/new/f", "app/.dockerignore", "shared/.dockerignore"])
def test_one_edit_of_each_file(path: str) -> None:
    agree_after([changed(path, "x")])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(EDITS, min_size=1, max_size=5))
def test_known_images_are_as_if_read_anew(edits: list[Callable[[Workspace], None]]) -> None:
    agree_after(edits)


def agreement(now: WorkTree, old: RevisionTree) -> Callable[[Trace], bool]:
    """Told by what may differ; never where looking at all tells otherwise."""
    alike, then = Agreement(now, old), Retold(old)

    def agree(trace: Trace) -> bool:
        told = alike(trace)
        assert then.agrees(trace) or not told
        return told

    return agree


def agree_after(edits: list[Callable[[Workspace], None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        space = Workspace(Path(folder, "family"))
        space.write(FILES)
        (space.root / "app/inner/link").symlink_to("e")
        commit(space)
        first = space.git("rev-parse", "HEAD").strip()
        for edit in edits:
            edit(space)
        place = Path(os.fspath(space.root))
        now, old = worktree(place), revision_tree(place, first)
        keys = keys_of(loaded_from(now), now)
        known = Known(facts=keys.facts, agrees=agreement(now, old))
        found = keys_of(loaded_from(old, keys.made_by.loaded), old, known)
        assert list(told(found)) == list(told(keys_of(loaded_from(old), old)))
