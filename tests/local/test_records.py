"""Records survive: what was added is found again, by key and as the newest, whatever else happens to the file."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from planner.errors import StateError
from planner.local import unused_records
from planner.local.records import SqliteRecords, open_records
from planner.local.state import State
from planner.model.build import Record, StepTime, Store, Stored
from planner.model.image import ImageName

BASE = ImageName("base")
RECORD = Record(
    image=BASE,
    platforms=("linux/amd64",),
    key="x3-1",
    resolved_key="x3-2",
    stored=Stored(store=Store.LAYOUT, digest="sha256:" + "a" * 64),
    built_at=100.0,
    seconds=1.5,
    manifests='[{"name": "caf\\u00e9 \\udcff"}]',
    steps=(StepTime(name="[1/2] RUN true", seconds=0.5, cached=True),),
)


def test_what_was_added_is_found(tmp_path: Path) -> None:
    records = SqliteRecords(tmp_path / "r")
    records.add(RECORD)
    newer = replace(RECORD, key="x3-3", built_at=200.0)
    records.add(newer)
    published = replace(newer, stored=replace(RECORD.stored, store=Store.REGISTRY, repository="r.example/base"))
    records.add(replace(published, built_at=300.0))
    records.close()
    again = SqliteRecords(tmp_path / "r", writable=False)
    assert again.find(BASE, ("linux/amd64",), "x3-1") == [RECORD]
    assert [one.stored.store for one in again.find(BASE, ("linux/amd64",), "x3-3")] == [Store.REGISTRY, Store.LAYOUT]
    assert again.find(BASE, ("linux/arm64",), "x3-1") == []
    latest = again.latest(BASE)
    assert latest is not None
    assert latest.built_at == 300.0
    assert again.latest(ImageName("other")) is None


def test_the_newest_record_is_the_one_that_was_written_last_whatever_the_clock_said(tmp_path: Path) -> None:
    """A clock that was a year ahead does not hold explanations and forecasts to that build for a year."""
    records = SqliteRecords(tmp_path / "r")
    records.add(replace(RECORD, key="x3-ahead", built_at=9e9, seconds=900.0))
    records.add(RECORD)
    assert records.latest(BASE) == RECORD
    assert records.seconds() == {BASE: RECORD.seconds}
    records.add(replace(RECORD, key="x3-ahead"))
    records._database.execute("VACUUM")
    latest = records.latest(BASE)
    assert latest is not None
    assert latest.key == "x3-ahead", "what is written anew is the last one"


def test_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    records = SqliteRecords(tmp_path / "r")
    records.add(RECORD)
    records.forget(RECORD)
    assert records.find(BASE, RECORD.platforms, RECORD.key) == []


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "records.sqlite").write_text("no database" * 100)
    with pytest.raises(StateError, match="may be removed"):
        open_records(tmp_path)


@pytest.mark.parametrize("made", ["empty", "begun"])
def test_a_file_in_which_nothing_was_made_yet_holds_no_records(tmp_path: Path, made: str) -> None:
    """A disk that was full at the very first build leaves it so, and so does a run that is at it just now."""
    path = tmp_path / "records.sqlite"
    path.write_bytes(b"")
    if made == "begun":
        sqlite3.connect(path).executescript("CREATE TABLE other (x); DROP TABLE other;")
    found = open_records(tmp_path)
    assert found.find(BASE, RECORD.platforms, RECORD.key) == ()
    assert found.latest(BASE) is None
    assert not found.history()
    assert not found.seconds()
    writer = SqliteRecords(path)
    writer.add(RECORD)
    writer.close()
    assert open_records(tmp_path).latest(BASE) == RECORD


FIRST = """
import sys
from pathlib import Path
from planner.local import unused_records
from planner.local.records import SqliteRecords
SqliteRecords(Path(sys.argv[1])).close()
"""


def test_who_reads_beside_a_first_run_finds_no_records_or_real_ones(tmp_path: Path) -> None:
    for number in range(5):
        state = tmp_path / f"{number}"
        state.mkdir()
        process = subprocess.Popen([sys.executable, "-c", FIRST, os.fspath(state / "records.sqlite")])
        while process.poll() is None:
            assert open_records(state).latest(BASE) is None
        assert process.returncode == 0


def test_a_disk_without_room_for_the_first_record(tmp_path: Path) -> None:
    """What is left of it is in nobody's way once there is room."""
    path = tmp_path / "records.sqlite"
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)); import signal{FIRST}"
    code = code.replace("import signal", "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)")
    run = subprocess.run([sys.executable, "-c", code, os.fspath(path)], capture_output=True, text=True, check=False)
    assert "StateError" in run.stderr
    assert "disk" in run.stderr.splitlines()[-2]
    assert open_records(tmp_path).latest(BASE) is None
    writer = SqliteRecords(path)
    writer.add(RECORD)
    writer.close()
    assert open_records(tmp_path).latest(BASE) == RECORD


def test_a_file_of_a_newer_planner(tmp_path: Path) -> None:
    records = SqliteRecords(tmp_path / "r")
    records._database.execute("PRAGMA user_version = 99")
    records.close()
    with pytest.raises(StateError, match="newer planner"):
        SqliteRecords(tmp_path / "r")


def test_a_damaged_row_explains_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    records = SqliteRecords(tmp_path / "r")
    records.add(RECORD)
    records._database.execute("UPDATE records SET manifests = x'00'")
    assert records.find(BASE, RECORD.platforms, RECORD.key)[0].manifests == ""


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("steps", "{"),
        ("steps", "[1]"),
        ("steps", '[["one", "two", 3]]'),
        ("steps", "[" * 10_000),
        ("steps", "1" * 5000),
        ("steps", "{}"),
        ("steps", None),
        ("store", "future"),
        ("built_at", "abc"),
        ("built_at", float("inf")),
        ("built_at", -1e17),
        ("seconds", b"\0"),
        ("seconds", float("inf")),
        ("retries", "many"),
        ("retries", 1e300),
    ],
)
def test_a_row_that_cannot_be_read_counts_as_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, value: object
) -> None:
    records = SqliteRecords(tmp_path / "r")
    records.add(replace(RECORD, image=ImageName("other")))
    records.add(replace(RECORD, key="x3-0", built_at=50.0))
    records.add(RECORD)
    try:
        where = "key = 'x3-1' AND image = 'base'"
        records._database.execute(f"UPDATE records SET {column} = ? WHERE {where}", (value,))  # noqa: S608
    except sqlite3.IntegrityError:
        return  # It cannot come to stand there.
    assert records.find(BASE, RECORD.platforms, RECORD.key) == []
    assert [one.key for one in records.find_resolved(BASE, RECORD.platforms, RECORD.resolved_key)] == ["x3-0"]
    latest = records.latest(BASE)
    assert latest is not None
    assert latest.key == "x3-0", "what was built before it explains a change"
    if column != "store":
        assert {one.image for one in records.history()} == {BASE, "other"}
    assert set(records.seconds()) <= {BASE, "other"}
    assert len(records.in_store({(BASE, RECORD.key)})) == (2 if column == "store" else 3)
    monkeypatch.setattr(unused_records, "LARGEST", 0)
    records.drop_unused({(BASE, RECORD.key)}, 200.0)
    assert records.find(ImageName("other"), RECORD.platforms, RECORD.key)
    records.add(RECORD)
    assert records.find(BASE, RECORD.platforms, RECORD.key) == [RECORD], "it is written anew"


WRITER = """
import sys
from pathlib import Path
from dataclasses import replace
from planner.local import unused_records
from planner.local.records import SqliteRecords
from tests.local.test_records import RECORD
records = SqliteRecords(Path(sys.argv[1]))
for number in range(100_000):
    records.add(replace(RECORD, key=f"x3-{number}", built_at=float(number)))
    print(number, flush=True)
"""


def test_a_kill_loses_nothing_that_was_told_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "r"
    process = subprocess.Popen([sys.executable, "-c", WRITER, os.fspath(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(50)]
    process.kill()
    told += process.stdout.readlines()
    process.wait()
    last = max(int(line) for line in told if line.endswith("\n"))
    records = SqliteRecords(path)
    assert len(records.find(BASE, RECORD.platforms, f"x3-{last}")) == 1


MIDWAY = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 1")
database.execute("BEGIN IMMEDIATE")
database.execute("UPDATE records SET manifests = zeroblob(1000000), key = 'half ' || key")
os.kill(os.getpid(), 9)
"""


def test_a_kill_in_the_middle_of_writing_leaves_what_was_before(tmp_path: Path) -> None:
    """Whoever comes next takes the half back, also one that only reads."""
    path = tmp_path / "r"
    records = SqliteRecords(path)
    for number in range(20):
        records.add(replace(RECORD, key=f"x3-{number}"))
    records.close()
    subprocess.run([sys.executable, "-c", MIDWAY, os.fspath(path)], check=False)
    assert (tmp_path / "r-journal").stat().st_size > 0
    reader = SqliteRecords(path, writable=False)
    assert len(reader.find(BASE, RECORD.platforms, "x3-19")) == 1
    assert reader.find(BASE, RECORD.platforms, "half x3-19") == []
    assert not (tmp_path / "r-journal").exists()


def test_a_reader_writes_nothing(tmp_path: Path) -> None:
    SqliteRecords(tmp_path / "r").close()
    reader = SqliteRecords(tmp_path / "r", writable=False)
    with pytest.raises(StateError, match="readonly"):
        reader.add(RECORD)
    with pytest.raises(StateError, match="unable to open"):
        SqliteRecords(tmp_path / "none", writable=False)
    assert not (tmp_path / "none").exists()


def test_two_writers_at_once(tmp_path: Path) -> None:
    one, other = SqliteRecords(tmp_path / "r"), SqliteRecords(tmp_path / "r")
    for number in range(20):
        (one if number % 2 else other).add(replace(RECORD, key=f"x3-{number}"))
    assert all(one.find(BASE, RECORD.platforms, f"x3-{number}") for number in range(20))


def test_the_lock_says_who_holds_it(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    said: list[str] = []
    with state.locked(wait=True, tell=said.append):
        (state.run / "left").write_text("")
        with pytest.raises(StateError, match=f"in use by process {os.getpid()}"):
            state_again(state)
    assert said == []
    assert not state.run.exists()
    assert (state.root / ".gitignore").read_text() == "*\n"


def test_what_a_full_disk_left_empty_is_written_with_room(tmp_path: Path) -> None:
    """Else git would see all of the folder, for ever."""
    state = State(tmp_path / "state")
    state.root.mkdir()
    (state.root / ".gitignore").touch()
    state.prepare()
    assert (state.root / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("part", ["lock", "journal.jsonl", "run", "store", ".gitignore"])
def test_a_link_in_a_state_folder_is_refused_and_not_followed(tmp_path: Path, part: str) -> None:
    """What came as an archive may hold some, and a lock is written to, a folder emptied."""
    state = State(tmp_path / "state")
    state.root.mkdir()
    (tmp_path / "own").write_text("own")
    (state.root / part).symlink_to("../own")
    with pytest.raises(StateError, match=f"{part}: is a link"):
        state_again(state)
    assert (tmp_path / "own").read_text() == "own"


def test_a_folder_of_somebody_elses_is_not_emptied(tmp_path: Path) -> None:
    """`--state` may name a folder that was one for something else."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/own").write_text("own")
    with pytest.raises(StateError, match="nobody who held this folder"):
        state_again(State(tmp_path))
    assert (tmp_path / "run/own").read_text() == "own"


@pytest.mark.parametrize("note", ["[" * 4096, '{"pid": 1, "since": "\\u001b[31m"}', "[]", ""])
def test_a_lock_that_says_anything_is_held_by_another(tmp_path: Path, note: str) -> None:
    state = State(tmp_path / "state")
    with state.locked(wait=True, tell=print):
        (state.root / "lock").write_text(note)
        with pytest.raises(StateError, match="in use by another planner\n"):
            state_again(state)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_file_system_without_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Some network file systems have none, or none at the moment."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StateError, match=f"(?s){os.strerror(number)}.*--state DIR"):
        state_again(State(tmp_path / "state"))


def state_again(state: State) -> None:
    with state.locked(wait=False, tell=print):
        raise AssertionError("locked twice")
