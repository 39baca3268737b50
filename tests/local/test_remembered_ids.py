"""What is remembered of files on disk never gives an id that reading them would not give."""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.errors import InputError
from planner.local import remembered_ids
from planner.local.disk_files import DiskFiles
from planner.local.disk_tree import DiskTree
from planner.local.remembered_ids import RememberedIds
from tests.local.test_trees import listed

PATHS = ("a", "b", "deep/a", "deep/er/b", "deep/er/c", "other/a")
SOON = 20_000_000
"""Nanoseconds that stand in for MARGIN, so that a test need not wait for seconds."""


def write(path: str, text: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        place = root / path
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

    return edit


def disguise(path: str, text: str) -> Callable[[Path], None]:
    """Other bytes with the time of the old ones."""

    def edit(root: Path) -> None:
        place = root / path
        with contextlib.suppress(OSError):
            before = place.lstat()
            place.write_text(text)
            os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))

    return edit


def replaced(path: str, text: str) -> Callable[[Path], None]:
    """Another file in its place, with its time."""

    def edit(root: Path) -> None:
        with contextlib.suppress(OSError):
            before = (root / path).lstat()
            (root / "draft").write_text(text)
            os.utime(root / "draft", ns=(before.st_atime_ns, before.st_mtime_ns))
            (root / "draft").rename(root / path)

    return edit


def link(path: str, target: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        with contextlib.suppress(OSError):
            (root / path).unlink(missing_ok=True)
            (root / path).symlink_to(target)

    return edit


def remove(path: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        place = root / path
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            with contextlib.suppress(OSError):
                place.unlink()

    return edit


def move(path: str, to: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        with contextlib.suppress(OSError):
            (root / path).rename(root / to)

    return edit


def chmod(path: str, mode: int) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        with contextlib.suppress(OSError):
            (root / path).chmod(mode)

    return edit


def wait(root: Path) -> None:
    del root
    time.sleep(2 * SOON / 1e9)


TEXTS = st.sampled_from(["1\n", "2\n", "three\n"])
EDITS = st.one_of(
    st.builds(write, st.sampled_from(PATHS), TEXTS),
    st.builds(disguise, st.sampled_from(PATHS), TEXTS),
    st.builds(replaced, st.sampled_from(PATHS), TEXTS),
    st.builds(link, st.sampled_from(PATHS), st.sampled_from(["a", "2\n"])),
    st.builds(remove, st.sampled_from((*PATHS, "deep"))),
    st.builds(move, st.sampled_from((*PATHS, "deep")), st.sampled_from((*PATHS, "moved"))),
    st.builds(chmod, st.sampled_from(PATHS), st.sampled_from([0o644, 0o755])),
    st.just(wait),
)


class Remembering:
    """A folder, looked at again and again by planners that remember."""

    def __init__(self, root: Path) -> None:
        self.root = root / "space"
        self.place = os.fspath(root / "cache" / "ids")
        for path in PATHS:
            write(path, "1\n")(self.root)

    def hashed(self) -> tuple[list[tuple[str, int, str]], int]:
        """Everything in the folder as the next planner sees it, and how many files it read."""
        ids = RememberedIds(self.place, os.fspath(self.root), "sha1")
        tree = DiskTree(self.root, ids=ids)
        with mock.patch.object(DiskFiles, "_hash", autospec=True, side_effect=DiskFiles._hash) as read:
            found = [("", 0, tree.told("")), *listed(tree)]
        ids.save()
        return found, read.call_count

    def fresh(self) -> list[tuple[str, int, str]]:
        """The same as a planner sees it that remembers nothing."""
        tree = DiskTree(self.root)
        return [("", 0, tree.told("")), *listed(tree)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Remembering]:
    with mock.patch.multiple(remembered_ids, FEW=0, MARGIN=SOON):
        yield Remembering(tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(EDITS, min_size=1, max_size=6))
def test_whatever_happens_the_ids_are_those_of_reading(edits: list[Callable[[Path], None]]) -> None:
    with tempfile.TemporaryDirectory() as root, mock.patch.multiple(remembered_ids, FEW=0, MARGIN=SOON):
        folder = Remembering(Path(root))
        for edit in (wait, *edits):
            edit(folder.root)
            assert folder.hashed()[0] == folder.fresh()


def test_what_did_not_change_is_not_read(folder: Remembering) -> None:
    wait(folder.root)
    assert folder.hashed() == (folder.fresh(), len(PATHS))
    assert folder.hashed() == (folder.fresh(), 0)
    write("deep/a", "2\n")(folder.root)
    assert folder.hashed() == (folder.fresh(), 1)


def test_what_was_written_a_moment_ago_is_read_each_time(folder: Remembering) -> None:
    with mock.patch.object(remembered_ids, "MARGIN", 3_600_000_000_000):
        assert folder.hashed()[1] == len(PATHS)
        assert folder.hashed()[1] == len(PATHS)


def test_a_clock_of_the_file_system_that_is_behind_is_believed(folder: Remembering) -> None:
    wait(folder.root)
    with mock.patch.object(time, "time_ns", return_value=1):
        folder.hashed()
    assert folder.hashed()[1] == len(PATHS)


def test_what_a_program_has_mapped_may_change_without_a_new_time(tmp_path: Path) -> None:
    """Until the system has written the page out, some 30 s later."""
    folder = Remembering(tmp_path)
    write("a", "1\n" * 3000)(folder.root)
    with (folder.root / "a").open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as mapped:
        mapped[0:1] = b"2"
        time.sleep(3.2)
        with mock.patch.object(remembered_ids, "FEW", 0):
            folder.hashed()
            mapped[0:1] = b"3"
            assert folder.hashed()[0] == folder.fresh()


class Settable:
    """What the system says of a file where it has no time but the one that anybody can set."""

    def __init__(self, status: os.stat_result) -> None:
        self.status = status

    def __getattr__(self, name: str) -> object:
        return getattr(self.status, name.replace("ctime", "mtime"))


def test_nothing_is_remembered_where_all_times_can_be_set(folder: Remembering, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on exFAT, and over sshfs."""
    lstat, fstat = os.lstat, os.fstat
    monkeypatch.setattr(os, "lstat", lambda path: Settable(lstat(path)))
    monkeypatch.setattr(os, "fstat", lambda handle: Settable(fstat(handle)))
    wait(folder.root)
    assert folder.hashed() == (folder.fresh(), len(PATHS))
    disguise("deep/a", "2\n")(folder.root)
    assert folder.hashed() == (folder.fresh(), len(PATHS))


def test_a_damaged_memory_is_none(folder: Remembering) -> None:
    wait(folder.root)
    folder.hashed()
    place = Path(folder.place)
    place.write_bytes(place.read_bytes()[:-3] + b"000")
    assert folder.hashed() == (folder.fresh(), len(PATHS))


def test_few_files_are_neither_looked_up_nor_kept(tmp_path: Path) -> None:
    folder = Remembering(tmp_path)
    folder.hashed()
    assert not Path(folder.place).exists()


def test_what_is_gone_is_forgotten_in_the_end(folder: Remembering) -> None:
    wait(folder.root)
    folder.hashed()
    for path in PATHS[1:]:
        remove(path)(folder.root)
    write("a", "2\n")(folder.root)
    wait(folder.root)
    folder.hashed()
    assert b"deep" not in Path(folder.place).read_bytes()


def test_deep_folders_are_no_deep_calls(tmp_path: Path) -> None:
    place = tmp_path
    for _ in range(600):
        place = place / "d"
        os.mkdir(place)  # noqa: PTH102
    (place / "file").write_text("f\n")
    tree = DiskTree(tmp_path)
    assert tree.entries("")[0].oid == tree.told("d").split(" ")[1]
    with mock.patch.object(os, "scandir", side_effect=os.scandir) as listed_folders:
        assert DiskTree(tmp_path).entry("d") is not None
        DiskTree(tmp_path).told("d")
    assert listed_folders.call_count == 2 * 600


def test_a_file_that_is_not_read_to_its_end_counts_with_all_of_it(folder: Remembering) -> None:
    tree = DiskTree(folder.root)
    with pytest.raises(InputError, match="longer"):
        tree.read("a", 1)
    with pytest.raises(InputError, match="no regular file"):
        tree.read("deep", 1)
    with pytest.raises(InputError, match="not there"):
        tree.read("deep/none", 1)
    before = tree.asked()
    write("a", "1 and more\n")(folder.root)
    write("deep/none", "1\n")(folder.root)
    after = DiskTree(folder.root)
    assert [path for path, said in before.items() if after.told(path) != said] == ["a", "deep/none//"]
