"""ONBUILD of an image of the graph, or of a stage, gives its children inputs and edges."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workspace import Workspace

GRAPH = """\
version: 1
registry: r.example
images:
  tools: {dockerfile: tools.Dockerfile}
  base: {dockerfile: base.Dockerfile}
  child: {dockerfile: child.Dockerfile}
  inside: {dockerfile: inside.Dockerfile}
"""


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "space")
    space.write(
        {
            "images.yaml": GRAPH,
            "tools.Dockerfile": "FROM scratch\nCOPY tools /\n",
            "base.Dockerfile": "FROM alpine\nONBUILD COPY conf /conf\nONBUILD COPY --from=r.example/tools /t /t\n",
            "child.Dockerfile": "FROM r.example/base\n",
            "inside.Dockerfile": "FROM alpine AS a\nONBUILD COPY --from=r.example/tools /t /t\nFROM a\n",
            "tools/t": "t\n",
            "conf/c": "c\n",
        }
    )
    space.commit()
    return space


def test_edges(space: Workspace) -> None:
    parents = {image["name"]: image["parents"] for image in space.document("graph")["images"]}
    assert parents == {"tools": [], "base": [], "child": ["base", "tools"], "inside": ["tools"]}


def test_inputs(space: Workspace) -> None:
    space.write({"conf/c": "changed\n"})
    assert space.rebuilds() == {"child": {"file-changed"}}


def test_parents(space: Workspace) -> None:
    space.write({"tools/t": "changed\n"})
    assert set(space.rebuilds()) == {"tools", "child", "inside"}
