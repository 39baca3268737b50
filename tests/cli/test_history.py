"""`planner history` tells what the records of a state folder tell, in text and as its document."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from planner.local.records import SqliteRecords
from tests.cli.test_documents import check
from tests.local.test_records import RECORD
from tests.workspace import Workspace


def test_retries_of_each_build_and_of_all(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    (tmp_path / ".planner").mkdir()
    with closing(SqliteRecords(tmp_path / ".planner" / "records.sqlite")) as records:
        for number, retries in enumerate((0, 2, 1)):
            records.add(replace(RECORD, key=f"x3-{number}", built_at=100.0 + number, retries=retries))
    document = space.document("history")
    check("history", document)
    (image,) = document["images"]
    assert image["retries"] == 3
    assert [one["retries"] for one in image["builds"]] == [0, 2, 1]
    head, line = space.planner("history").stdout.splitlines()
    at = head.index("retries")
    assert line[at : at + len("retries")].strip() == "3"
