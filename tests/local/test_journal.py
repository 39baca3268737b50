"""The journal of runs: what it tells after a kill at any byte, and that it stays bounded."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import StateError
from planner.local.journal import KEPT, LONGEST, NAME, Journal, past_runs, runs

RUN = {"event": "run", "at": 1.0, "all": False, "images": ["a", "b", "c"]}


def lines(*told: object) -> list[str]:
    return [json.dumps(one) for one in told]


def write(folder: Path, *told: tuple[str, dict[str, object]]) -> None:
    journal = Journal(folder / NAME)
    for event, fields in told:
        journal.write(event, **fields)
    journal.close()


def test_a_run_that_was_killed_is_told(tmp_path: Path) -> None:
    begun = ("run", {"all": True, "images": ["a", "b", "c"]})
    write(
        tmp_path,
        begun,
        ("started", {"image": "a", "builder": "x"}),
        ("built", {"image": "a", "digest": "sha256:1"}),
        ("started", {"image": "b", "builder": "y"}),
    )
    (run,) = past_runs(tmp_path)
    assert (run.unfinished, run.broken_off, run.everything, run.ended) == (("b", "c"), ("b",), True, False)
    assert run.begun == {"a": "x", "b": "y"}
    write(tmp_path, begun, ("end", {"failed": []}))
    assert [(one.ended, one.broken_off) for one in past_runs(tmp_path)] == [(False, ("b",)), (True, ())]


def test_a_line_that_was_cut_short_costs_only_itself(tmp_path: Path) -> None:
    write(tmp_path, ("run", {"all": False, "images": ["a"]}), ("started", {"image": "a", "builder": "x"}))
    place = tmp_path / NAME
    place.write_bytes(place.read_bytes()[:-9])
    write(tmp_path, ("run", {"all": False, "images": ["b"]}))
    assert [(run.images, run.begun) for run in past_runs(tmp_path)] == [(("a",), {}), (("b",), {})]


def test_a_line_for_which_the_disk_had_no_room_costs_only_itself(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from planner.local.journal import Journal\n"
        "place = Path(sys.argv[1])\n"
        "journal = Journal(place)\n"
        "journal.write('run', all=False, images=['a'])\n"
        "most = resource.RLIM_INFINITY\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "for room in (place.stat().st_size + 20, most):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))\n"
        "    journal.write('end')\n"
        "    journal.write('run', all=False, images=['b'])\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / NAME], check=True)
    assert [(run.images, run.ended) for run in past_runs(tmp_path)] == [(("a",), True), (("b",), False)]


@given(st.integers(0, 400))
def test_whatever_is_cut_off_what_came_before_holds(length: int) -> None:
    told = lines(RUN, {"event": "started", "image": "a", "builder": "x"}, {"event": "built", "image": "a"})
    text = "\n".join(told)
    cut = text[:length]
    found = runs(cut.split("\n"))
    assert len(found) == (1 if length >= len(told[0]) else 0)
    if found:
        assert found[0].finished == ({"a"} if length >= len(text) else set())


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["event", "image", "images", "all", "at", "builder"]), inner)
    ),
    max_leaves=6,
)
odd = st.one_of(
    st.text(max_size=30),
    junk.map(json.dumps),
    st.builds(
        lambda event, rest: json.dumps({"event": event, "images": rest}), st.sampled_from(["run", "built"]), junk
    ),
)


@given(st.lists(odd, max_size=8))
def test_anything_may_stand_there(given_lines: list[str]) -> None:
    for run in runs(given_lines):
        assert set(run.unfinished) <= set(run.images)


@pytest.mark.parametrize("at", ["1e300", "NaN", "-1e17", "Infinity", "-Infinity", "9" * 400, "1e12"])
def test_a_time_that_is_none_is_no_reason_to_lose_a_run(at: str) -> None:
    """A run is told of with its time, which a calendar must know."""
    (run,) = runs([f'{{"event": "run", "images": ["a"], "all": false, "at": {at}}}'])
    assert run.images == ("a",)
    assert time.localtime(run.at).tm_year


def test_it_stays_bounded_and_keeps_the_newest(tmp_path: Path) -> None:
    line = json.dumps({"event": "started", "image": "old", "builder": "x" * 100}) + "\n"
    (tmp_path / NAME).write_text(line * (LONGEST // len(line) + 10))
    write(tmp_path, ("run", {"all": False, "images": ["new"]}))
    assert (tmp_path / NAME).stat().st_size < KEPT + 1000
    assert past_runs(tmp_path)[-1].images == ("new",)
    assert all(json.loads(one) for one in (tmp_path / NAME).read_text().splitlines())


@pytest.mark.parametrize("size", [LONGEST, 3 * LONGEST])
def test_the_last_run_is_kept_whole_however_long_it_is(tmp_path: Path, size: int) -> None:
    """A run of many images that was killed is taken up, whatever was called in between."""
    old = json.dumps({**RUN, "images": ["old"]}) + "\n"
    begun = json.dumps({**RUN, "images": ["a", "b", "c"]}) + "\n"
    line = json.dumps({"event": "started", "image": "b", "builder": "x" * 100}) + "\n"
    built = json.dumps({"event": "built", "image": "a"}) + "\n"
    (tmp_path / NAME).write_text(old * 10 + begun + built + line * (size // len(line) + 10))
    (*_, before) = past_runs(tmp_path)
    write(tmp_path)
    (after,) = past_runs(tmp_path)
    for run in (before, after):
        assert (run.images, run.unfinished, run.broken_off) == (("a", "b", "c"), ("b", "c"), ("b",))
    write(tmp_path, ("run", {"all": False, "images": ["new"]}))
    write(tmp_path)
    assert [run.images for run in past_runs(tmp_path)] == [("new",)]
    assert (tmp_path / NAME).stat().st_size < KEPT + 1000


def test_texts_are_cut(tmp_path: Path) -> None:
    write(tmp_path, ("failed", {"image": "a", "reason": "x" * 100_000}))
    assert (tmp_path / NAME).stat().st_size < 1000


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="journal cannot be written"):
        Journal(tmp_path / "nothing" / NAME)
    assert past_runs(tmp_path / "nothing") == []
