"""What the page is made of: the library as recorded, and the runs behind its timeline."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import pytest

from planner.explain.history import Built
from planner.explain.page.assemble import PARTS, assemble
from planner.explain.page.timeline import runs
from planner.model.image import ImageName
from tests.page.pictures import STILL
from tests.page.test_page import SUITE
from tests.workspace import Workspace

VENDOR = files("planner.explain.page").joinpath("vendor")


def test_the_library_is_the_one_that_was_recorded() -> None:
    recorded = json.loads(VENDOR.joinpath("version.json").read_text())
    assert recorded["version"].count(".") == 2
    assert recorded["integrity"].startswith("sha512-")
    for name, digest in recorded["sha256"].items():
        assert hashlib.sha256(VENDOR.joinpath(name).read_bytes()).hexdigest() == digest
    assert {"graphviz.js", "LICENSE"} == set(recorded["sha256"])
    assert "Eclipse Public License" in VENDOR.joinpath("LICENSE-graphviz").read_text()


def test_our_own_parts_are_short() -> None:
    for name in PARTS:
        if not name.startswith("vendor/"):
            assert files("planner.explain.page").joinpath(name).read_text().count("\n") < 300


def test_a_library_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="does not export Graphviz"):
        assemble(lambda name: "", {})


def _record(name: str, start: float, end: float) -> Built:
    return Built(image=ImageName(name), built_at=end, seconds=end - start)


def test_runs_are_parted_by_pauses_and_the_newest_is_first() -> None:
    found = runs([_record("b", 100, 130), _record("a", 0, 10), _record("c", 131, 140), _record("d", 12, 15)], {})
    assert [[bar.image for bar in run.bars] for run in found] == [["b", "c"], ["a", "d"]]
    assert found[0].began == 100
    assert found[0].seconds == 40
    assert [(bar.start, bar.seconds) for bar in found[0].bars] == [(0, 30), (31, 9)]


def test_a_page_shows_the_newest_runs() -> None:
    found = runs([_record("a", 100 * at, 100 * at + 1) for at in range(60)], {})
    assert [run.began for run in found] == [100.0 * at for at in range(59, 9, -1)]


def test_the_critical_path_follows_the_parent_that_ended_last() -> None:
    records = [
        _record("a", 0, 10),
        _record("b", 0, 30),
        _record("c", 30, 50),
        _record("d", 10, 45),
        _record("e", 0, 49),
    ]
    parents = {ImageName("c"): (ImageName("a"), ImageName("b")), ImageName("d"): (ImageName("a"),)}
    (run,) = runs(records, parents)
    assert [bar.image for bar in run.bars if bar.critical] == ["b", "c"]


def test_no_records_no_runs() -> None:
    assert runs([], {}) == ()


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM x\nCOPY src /\nENV é=→\n"})
    workspace.write({f"src/{number}": "x" for number in range(3)})
    workspace.commit()
    return workspace


def test_the_picture_in_the_documentation_is_what_the_command_draws(tmp_path: Path) -> None:
    run = Workspace(SUITE, init=False).planner("graph", "--format", "svg", "--state", str(tmp_path))
    assert run.stdout == STILL.read_text(), "make it anew with python -m tests.page.pictures"


@pytest.mark.parametrize("form", ["html", "svg"])
def test_the_same_family_gives_the_same_bytes(space: Workspace, tmp_path: Path, form: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for place in (first, second):
        assert space.planner("graph", "--format", form, "-o", str(place)).returncode == 0
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().isascii()
    assert space.planner("graph", "--format", form, PYTHONIOENCODING="ascii").stdout == first.read_text()


def test_a_picture_marks_what_a_revision_tells(space: Workspace) -> None:
    assert 'class="mark' not in space.planner("graph", "--format", "svg").stdout
    space.write({"src/0": "y"})
    assert 'class="mark own"' in space.planner("graph", "--format", "svg", "--since", "HEAD").stdout
    refused = space.planner("graph", "--since", "HEAD")
    assert refused.returncode == 2
    assert "no marks" in refused.stderr


def test_damaged_records_cost_the_marks_only(space: Workspace, tmp_path: Path) -> None:
    (space.root / ".planner").mkdir()
    (space.root / ".planner" / "records.sqlite").write_bytes(b"no database" * 100)
    made = space.planner("graph", "--format", "html", "-o", str(tmp_path / "page.html"))
    assert made.returncode == 0, made.stderr
    assert "nothing is marked" in made.stderr
    assert '"action":"unknown"' in (tmp_path / "page.html").read_text()


def test_an_open_reference_costs_only_the_marks_of_what_it_reaches(space: Workspace, tmp_path: Path) -> None:
    graph = "version: 1\nimages:\n  base: {dockerfile: base}\n  child: {dockerfile: base, args: {A: b}}\n"
    space.write({"images.yaml": f"{graph}  open: {{dockerfile: open}}\n", "base": "FROM scratch\nARG A\nLABEL a=$A\n"})
    space.write({"open": "ARG X\nFROM $X\n"})
    made = space.planner("graph", "--format", "html", "-o", str(tmp_path / "page.html"))
    assert made.returncode == 0, made.stderr
    assert "not everything is marked as to build or to reuse: 1 of" in made.stderr
    text = (tmp_path / "page.html").read_text()
    assert text.count('"action":"unknown"') == 1
    assert text.count('"action":"build"') == 2
    space.write({"images.yaml": f"{graph}  open: {{dockerfile: open}}\n  too: {{dockerfile: too}}\n"})
    space.write({"too": "ARG Y\nFROM $Y\n"})
    made = space.planner("graph", "--format", "html", "-o", str(tmp_path / "page.html"))
    assert "2 of 4 images are left open: open:2:6: FROM $X: ARG X has no value (and 1 more)\n" in made.stderr


def test_an_output_is_never_half_written(space: Workspace, tmp_path: Path) -> None:
    place = tmp_path / "out" / "graph.svg"
    run = space.planner("graph", "--format", "svg", "-o", str(place))
    assert run.returncode == 1
    assert run.stderr == f"planner: {place}: cannot be written: No such file or directory\n"
    place.parent.mkdir()
    place.write_text("old")
    place.chmod(0o640)
    assert space.planner("graph", "-o", str(place)).returncode == 0
    assert place.read_text() == "a  [base; from docker.io/library/x:latest]\n"
    assert place.stat().st_mode & 0o777 == 0o640
    (tmp_path / "out" / "folder").mkdir()
    assert space.planner("graph", "-o", str(tmp_path / "out" / "folder")).returncode == 1
    assert sorted(one.name for one in place.parent.iterdir()) == ["folder", "graph.svg"]
