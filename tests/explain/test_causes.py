"""A plan as text: what is reused is told in one line where that would hide what is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workspace import Workspace


@pytest.mark.parametrize(("count", "lines"), [(20, 20), (21, 1)])
def test_many_reused_images_hide_nothing(tmp_path: Path, count: int, lines: int) -> None:
    space = Workspace(tmp_path / "family")
    space.write({f"i{at:02}/Dockerfile": "FROM scratch\n" for at in range(count)})
    space.commit()
    told = space.planner("plan", "--since", "HEAD").stdout.splitlines()
    reused = [line for line in told if line.startswith("reuse")]
    assert len(reused) == lines
    assert lines > 1 or reused == ["reuse  i00, i01, i02 and 18 more"]
    assert told[-1] == f"0 of {count} images rebuild against HEAD"
