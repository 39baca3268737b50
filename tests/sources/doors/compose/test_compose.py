"""Our services equal those of Docker Compose's own library, field by field, and it refuses what we refuse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources.doors.compose.generated import generated
from tests.sources.doors.compose.judge import Judge, running_judge
from tests.sources.doors.compose.projects import DOCUMENTED
from tests.sources.doors.compose.reading import read


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    with running_judge() as running:
        yield running


@pytest.mark.parametrize("name", DOCUMENTED)
def test_reads_what_compose_reads(name: str, judge: Judge, tmp_path: Path) -> None:
    case, root = DOCUMENTED[name], tmp_path / "workspace"
    case.write(root)
    theirs, mine = judge.ask(root, case), read(root, case)
    if isinstance(theirs, str) or isinstance(mine, str):
        assert type(theirs) is type(mine), (theirs, mine)
    else:
        assert mine == theirs


@pytest.mark.parametrize("seed", range(60))
def test_reads_what_compose_reads_of_projects_that_were_drawn(seed: int, judge: Judge, tmp_path: Path) -> None:
    case, root = generated(seed), tmp_path / "workspace"
    case.write(root)
    theirs, mine = judge.ask(root, case), read(root, case)
    assert (isinstance(theirs, str) and isinstance(mine, str)) or mine == theirs
