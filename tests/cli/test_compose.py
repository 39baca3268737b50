"""Compose files through the real command: where the workspace is, what is kept apart, what the command line adds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workspace import Workspace

SERVICE = "services: {{{name}: {{build: {{context: ../app, args: {{V: '${{V:-1}}'}}}}}}}}\n"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "space")
    made.write(
        {
            "one/compose.yaml": SERVICE.format(name="one"),
            "two/compose.yaml": SERVICE.format(name="two"),
            "app/Dockerfile": "FROM scratch\nARG V\nCOPY a.txt /$V\n",
            "app/a.txt": "a",
        }
    )
    made.commit()
    return made


def names(space: Workspace, *words: str, **environment: str) -> dict[str, str]:
    run = space.planner(*words, "plan", "--since", "HEAD", **environment)
    assert run.returncode == 0, run.stderr
    lines = (line.split() for line in run.stdout.splitlines() if line.startswith(("build ", "reuse ")))
    return {line[1]: line[0] for line in lines}


def test_files_of_one_name_in_two_folders_are_kept_apart(space: Workspace) -> None:
    for _ in range(2):
        assert names(space, "-f", "one/compose.yaml") == {"one": "reuse"}
        assert names(space, "-f", "two/compose.yaml") == {"two": "reuse"}
    space.write({"app/a.txt": "edited"})
    for _ in range(2):
        assert names(space, "-f", "one/compose.yaml") == {"one": "build"}
        assert names(space, "-f", "two/compose.yaml") == {"two": "build"}
    assert names(space, COMPOSE_FILE="two/compose.yaml") == {"two": "build"}
    assert names(space, "-f", "one/compose.yaml", "-f", "two/compose.yaml") == {"one": "build", "two": "build"}


def test_an_env_file_counts(space: Workspace) -> None:
    space.write({"one/.env": "V=2\n"})
    assert names(space, "-f", "one/compose.yaml") == {"one": "build"}
    space.commit()
    assert names(space, "-f", "one/compose.yaml") == {"one": "reuse"}
    space.write({"other.env": "V=3\n"})
    plain = space.planner("-f", "one/compose.yaml", "key", "one").stdout
    other = space.planner("-f", "one/compose.yaml", "--env-file", "other.env", "key", "one").stdout
    again = space.planner("-f", "one/compose.yaml", "--var", "V=3", "key", "one").stdout
    assert other == again != plain
