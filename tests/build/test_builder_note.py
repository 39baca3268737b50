"""What buildx wrote down of a builder serves the next run, and is made anew where it is of no use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from planner.build import builder_note
from planner.build.builder_note import Note
from planner.build.engine import find_engine
from tests.build.family import Family
from tests.engine.engine import Engine


def words_of_buildx(engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a buildx on PATH that writes each of its commands into the file that this gives."""
    said = folder / "said"
    place = folder / "bin"
    place.mkdir()
    program = place / "buildx"
    program.write_text(f'#!/bin/sh\necho "$@" >> {said}\nexec {engine.buildx} "$@"\n')
    program.chmod(0o755)
    for name, value in engine.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    return said


def test_a_builder_is_written_down_once(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = words_of_buildx(engine, tmp_path, monkeypatch)
    spec = f"buildkit:{engine.address}"
    found = [find_engine(spec, os.environ, tmp_path / f"run{turn}", tmp_path / "notes") for turn in range(3)]
    assert [line.split()[0] for line in said.read_text().splitlines()] == ["create", "inspect", "inspect", "inspect"]
    assert {(one.version, one.native, one.address) for one in found} == {
        (found[0].version, found[0].native, engine.address)
    }
    assert found[0].version
    assert len(list((tmp_path / "notes").iterdir())) == 1


@pytest.mark.parametrize("text", ["", "{", '{"Name": "other", "Driver": "remote", "Nodes": []}', "null", "elsewhere"])
def test_a_note_that_is_of_no_use_is_made_anew(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    said = words_of_buildx(engine, tmp_path, monkeypatch)
    spec = f"buildkit:{engine.address}"
    first = find_engine(spec, os.environ, tmp_path / "run0", tmp_path / "notes")
    (note,) = (tmp_path / "notes").iterdir()
    good = note.read_text()
    note.write_text(good.replace(engine.address, "tcp://127.0.0.1:1") if text == "elsewhere" else text)
    said.unlink()
    second = find_engine(spec, os.environ, tmp_path / "run1", tmp_path / "notes")
    assert second.version == first.version
    assert second.native == first.native
    assert "create" in said.read_text()
    assert note.read_text() == good


def test_another_program_or_other_options_are_another_note(tmp_path: Path) -> None:
    program = tmp_path / "buildx"
    program.write_text("one")

    def kept(*options: str) -> Path:
        return Note.of(tmp_path / "notes", tmp_path / "run", "planner-1", (os.fspath(program), *options)).kept

    first = kept()
    assert kept() == first
    assert kept("--driver-opt", "cacert=ca") != first
    program.write_text("other")
    assert kept() != first


def test_notes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder_note, "MOST", 3)
    for number in range(5):
        note = Note.of(tmp_path / "notes", tmp_path / "run", f"planner-{number}", (sys.executable,))
        assert not note.restore("{}")
        note.written.parent.mkdir(parents=True, exist_ok=True)
        note.written.write_text("{}")
        note.keep()
        os.utime(note.kept, (number, number))
    left = sorted(path.name.split("-")[1] for path in (tmp_path / "notes").iterdir())
    assert left == ["2", "3", "4"]
    assert note.restore("{}")
    assert not note.restore("tcp://elsewhere")
    note.forget()
    assert not note.restore("{}")


def test_notes_that_cannot_be_kept_stop_no_build(family: Family) -> None:
    space = family()
    (space.root / ".planner").mkdir()
    (space.root / ".planner/builders").write_text("in the way")
    run = space.planner("build", "base", **space.engine.environment)
    assert run.returncode == 0, run.stderr
