"""`planner init` in a real repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.cli.init import write_new
from planner.errors import PlannerError
from tests.workspace import Workspace


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(
        {
            "base/Dockerfile": "FROM ubuntu\nCOPY s.sh /\n",
            "base/s.sh": "",
            "app/Dockerfile": "FROM acme/base\nCOPY made /\n",
            "Makefile": "x:\n\tdocker build -t $(NAME) $(DIR)\n",
        }
    )
    workspace.commit()
    return workspace


def test_a_base_without_a_value_says_what_to_do(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "open")
    space.write({"base/Dockerfile": "FROM scratch\n", "tests/Dockerfile": "ARG BASE\nFROM $BASE\n"})
    run = space.planner("plan")
    assert run.stderr.endswith(
        "  give BASE a default before the first FROM, or a value under args: in an images.yaml, or leave the image out "
        "of it: planner init proposes one\n"
    )
    run = space.planner("init")
    assert "planner: warning: tests/Dockerfile:2: FROM $BASE: ARG BASE has no value" in run.stderr


def test_what_one_image_alone_may_make_stops_plans_until_somebody_decides(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write({"base/Dockerfile": "FROM scratch\n", "app/Dockerfile": "FROM acme/data-base:2\n"})
    assert space.planner("init").returncode == 0
    stopped = space.planner("plan")
    assert stopped.returncode == 1
    assert (
        "  take < > off if this image makes it, or take this line out: planner init could not tell\n" in stopped.stderr
    )
    written = (space.root / "images.yaml").read_text()
    space.write({"images.yaml": written.replace('"<', '"').replace('>"', '"')})
    assert [one["parents"] for one in space.document("graph")["images"]] == [[], ["base"]]
    space.write({"Makefile": "x:\n\tdocker build -t acme/data-base:2 base\n"})
    assert "< >" not in space.planner("-f", "other.yaml", "init", "--dry-run").stdout


def test_what_defines_the_family_already_is_told(space: Workspace) -> None:
    space.write({"compose.yaml": "services: {app: {build: app}}\n"})
    run = space.planner("init", "--dry-run")
    assert "compose.yaml defines this family, and is passed over once images.yaml is there" in run.stderr
    assert "defines this family" not in space.planner("-f", "other.yaml", "init", "--dry-run").stderr


def test_shows_then_writes_then_keeps(space: Workspace) -> None:
    shown = space.planner("init", "--dry-run")
    assert not (space.root / "images.yaml").exists()
    assert "# unsure: app/Dockerfile:2: context app: made: in no folder" in shown.stdout
    assert "unsure: Makefile:2: a build with variables in its paths: $(DIR), $(NAME)" in shown.stderr
    assert (
        "2 images, 1 edge, 2 unsure lines, 0 references that cannot be told; images.yaml is not written" in shown.stderr
    )
    assert space.planner("init").returncode == 0
    assert (space.root / "images.yaml").read_text() == shown.stdout
    assert [one["parents"] for one in space.document("graph")["images"]] == [[], ["base"]]
    again = space.planner("init")
    assert again.returncode == 1
    assert "is never overwritten" in again.stderr
    assert (space.root / "images.yaml").read_text() == shown.stdout
    assert "images.yaml is not written (--dry-run)" in space.planner("init", "--dry-run").stderr
    assert space.planner("-f", "images.star", "init").returncode == 2
    assert not (space.root / "images.star").exists()
    assert sorted(path.name for path in space.root.iterdir() if path.name.startswith(".i")) == []


def test_a_dangling_link_is_not_written_through(space: Workspace) -> None:
    (space.root / "images.yaml").symlink_to("/nowhere/at/all")
    assert "is never overwritten" in space.planner("init").stderr


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    (tmp_path / "images.yaml").write_text("mine")
    with pytest.raises(PlannerError, match="is never overwritten"):
        write_new(tmp_path / "images.yaml", "theirs")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("images.yaml", "mine")]
    with pytest.raises(PlannerError, match="cannot be written"):
        write_new(tmp_path / "none/images.yaml", "theirs")


def test_nothing_to_propose(tmp_path: Path) -> None:
    run = Workspace(tmp_path / "empty").planner("init")
    assert run.returncode == 1
    assert "nothing to propose" in run.stderr
