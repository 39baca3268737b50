"""A state folder that came with the repository's own files is neither believed nor written through."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workspace import Workspace

FILES = {"images.yaml": "version: 1\nimages:\n  base: {}\n", "Dockerfile": "FROM scratch\nCOPY f /\n", "f": "x"}
COMMANDS = [
    ("build", "--builder", "buildkit:unix:///nowhere"),
    ("plan",),
    ("plan", "--since", "HEAD", "--out", ".planner/plan.json"),
    ("history",),
]


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "space")
    space.write(FILES)
    space.commit()
    return space


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("link", ["lock", ".gitignore", "plan.json"])
def test_a_link_that_somebody_committed_leads_nowhere(space: Workspace, words: tuple[str, ...], link: str) -> None:
    precious = space.root.parent / "precious"
    precious.write_text("precious")
    (space.root / ".planner").mkdir()
    (space.root / ".planner" / link).symlink_to(precious)
    space.git("add", "-f", ".planner")
    space.git("commit", "-q", "-m", "a stranger's")
    run = space.planner(*(word.replace(".planner", str(space.root / ".planner")) for word in words))
    assert run.returncode == 1
    assert f"git tracks .planner/{link} in the state folder" in run.stderr
    assert precious.read_text() == "precious"


def test_a_folder_of_ours_that_a_checkout_puts_files_into_counts_no_more(space: Workspace) -> None:
    space.git("checkout", "-q", "-b", "stranger")
    (space.root / ".planner").mkdir()
    (space.root / ".planner" / "records.sqlite").write_text("theirs")
    space.git("add", "-f", ".planner")
    space.git("commit", "-q", "-m", "a stranger's")
    space.git("checkout", "-q", "main")
    assert space.planner("plan", "--out", str(space.root / ".planner/plan.json")).returncode == 0
    (space.root / ".planner" / "records.sqlite").write_text("ours")
    assert space.planner("history").returncode == 1
    assert "git tracks" not in space.planner("history").stderr
    space.git("checkout", "-q", "stranger")
    assert (space.root / ".planner" / "records.sqlite").read_text() == "theirs"
    run = space.planner("history")
    assert run.returncode == 1
    assert "git tracks .planner/records.sqlite in the state folder" in run.stderr
    # Another folder is as good as ever.
    assert space.planner("history", "--state", str(space.root.parent / "elsewhere")).returncode == 0


def test_a_state_folder_that_is_a_link_or_a_repository_of_its_own_is_refused_too(space: Workspace) -> None:
    elsewhere = space.root.parent / "elsewhere"
    elsewhere.mkdir()
    (space.root / ".planner").symlink_to(elsewhere)
    space.git("add", "-f", ".planner")
    run = space.planner("plan")
    assert run.returncode == 1
    assert "git tracks .planner in the state folder" in run.stderr
    assert not list(elsewhere.iterdir())
