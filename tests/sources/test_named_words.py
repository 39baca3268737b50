"""A name that a build would take for another one is a mistake by every door, since no key would know."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workspace import Workspace

DOORS = {
    "images.yaml": 'version: 1\nimages:\n  app: {ROOM: {"A=b": "x"}}\n',
    "images.star": 'image(name = "app", ROOM = {"A=b": "x"})\n',
    "docker-bake.json": '{"target": {"app": {"ROOM": {"A=b": "x"}}}}',
    "compose.yaml": 'services: {app: {build: {context: ., ROOM: {"A=b": "x"}}}}\n',
}


@pytest.mark.parametrize("room", ["args", "labels", "contexts"])
@pytest.mark.parametrize("door", DOORS)
def test_a_name_with_an_equals_sign_is_a_mistake(tmp_path: Path, door: str, room: str) -> None:
    space = Workspace(tmp_path)
    field = "additional_contexts" if (door, room) == ("compose.yaml", "contexts") else room
    value = "docker-image://alpine" if room == "contexts" else "x"
    text = DOORS[door].replace("ROOM", field).replace('"x"', f'"{value}"')
    space.write({door: text, "Dockerfile": "FROM scratch\nARG A\nCOPY f /${A}\n", "f": ""})
    run = space.planner("plan")
    assert run.returncode == 1
    assert f'app: {room}: "A=b" would be given to the build as A' in run.stderr
