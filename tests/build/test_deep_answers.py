"""What a tool or a note nests too deep ends in one clear error, never in a traceback."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from planner.build import bound, drained, results
from planner.build.bake_reading import BuildxReader
from planner.build.layout import Incomplete, Layout
from planner.errors import BuilderError, StateError

DEEP = b"[" * 100_000


def test_metadata_of_buildx(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_bytes(DEEP)
    with pytest.raises(BuilderError, match="no metadata that can be read"):
        results._digest(tmp_path / "metadata.json")


def test_a_manifest_in_the_store(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.prepare()
    digest = f"sha256:{hashlib.sha256(DEEP).hexdigest()}"
    layout.blob(digest).write_bytes(DEEP)
    with pytest.raises(Incomplete, match="is no manifest"):
        layout.check(digest)
    assert not layout.holds(digest)


def test_a_note_of_whom_a_builder_served(tmp_path: Path) -> None:
    bound.bind(tmp_path, "builder", "main", "trusted")
    (note,) = tmp_path.iterdir()
    note.write_bytes(DEEP)
    with pytest.raises(StateError, match="is no note of a builder"):
        bound.bind(tmp_path, "builder", "main", "trusted")


def test_a_note_that_a_builder_is_drained(tmp_path: Path) -> None:
    environment = {bound.FOLDER: str(tmp_path)}
    drained.drain(environment, "builder")
    (note,) = tmp_path.iterdir()
    note.write_bytes(DEEP)
    with pytest.raises(BuilderError, match="drained since an unknown time"):
        drained.refuse_drained(environment, "builder")


def test_what_buildx_prints_of_bake_files(tmp_path: Path) -> None:
    (tmp_path / "printed").write_bytes(DEEP)
    reader = BuildxReader(tmp_path, {"PATH": os.environ["PATH"]})
    with pytest.raises(BuilderError, match="prints no JSON"):
        reader._ask(["cat", "printed"], "", [])
