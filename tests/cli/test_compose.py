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


def test_an_env_file_that_git_ignores_is_the_same_for_a_revision(space: Workspace) -> None:
    """A revision has no such file; one that it has is its own."""
    space.write({".gitignore": "*.env\n", "ci.env": "V=3\n"})
    space.git("add", ".gitignore")
    space.git("commit", "-q", "-m", "ignored")
    words = ("-f", "one/compose.yaml", "--env-file", "ci.env")
    for _ in range(2):
        assert names(space, *words) == {"one": "reuse"}
    assert "is not rebuilt" in space.planner(*words, "why", "one", "--from", "HEAD").stdout
    assert "0 of 1 image" in space.planner(*words, "affected", "--since", "HEAD").stdout
    assert space.planner(*words, "affected", "ci.env").stdout.startswith("one  ci.env, part of the definition")
    assert space.planner(*words, "replay", "HEAD~1..HEAD").returncode == 0
    space.write({"ci.env": "V=4\n", "app/a.txt": "edited"})
    assert names(space, *words) == {"one": "build"}
    space.write({"app/a.txt": "a"})
    assert names(space, *words) == {"one": "reuse"}
    (space.root / "ci.env").unlink()
    run = space.planner(*words, "plan", "--since", "HEAD")
    assert (run.returncode, "ci.env" in run.stderr) == (1, True)


def test_an_env_file_that_a_revision_has_is_that_of_the_revision(space: Workspace) -> None:
    space.write({"ci.env": "V=3\n"})
    space.commit()
    words = ("-f", "one/compose.yaml", "--env-file", "ci.env")
    space.write({"ci.env": "V=4\n"})
    assert names(space, *words) == {"one": "build"}
    space.commit()
    run = space.planner(*words, "plan", "--since", "HEAD~1")
    assert "1 of 1 image" in run.stdout
    run = space.planner(*words, "plan", "--since", "HEAD~2")
    assert "0 of 1 image" in run.stdout


def test_a_dockerfile_in_the_definition_is_no_file(space: Workspace) -> None:
    inline = 'services: {w: {build: {context: app, dockerfile_inline: "FROM scratch\\nCOPY a.txt /"}}}\n'
    space.write({"compose.yaml": inline})
    (space.root / "app/Dockerfile").unlink()
    run = space.planner("affected", "app/a.txt")
    assert run.stdout == "w  app/a.txt  (compose.yaml#w:2)\n\n1 of 1 image is affected\n"
    assert space.planner("query", "inputs(//...)", "--output", "name").stdout == "app/a.txt\n"
    shown = space.planner("inputs", "w", "--platform", "amd64")
    assert (shown.returncode, shown.stdout) == (0, space.planner("inputs", "w").stdout)
    assert space.planner("inputs", "w", "--platform", "a b").returncode == 2
