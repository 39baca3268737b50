"""A file that a person names is read to its end or refused, and nobody waits for ever."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from planner.system import given_files
from planner.system.given_files import read


def said(path: Path | str, most: int = 100) -> str:
    with pytest.raises(OSError) as raised:
        read(path, most)
    return str(raised.value.strerror)


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 100)
    assert read(file, 100) == b"x" * 100
    assert said(file, 99) == "is longer than 99 bytes"
    (tmp_path / "link").symlink_to("file")
    assert read(tmp_path / "link", 100) == b"x" * 100
    assert read(os.devnull, 100) == b""


def test_what_is_neither_a_file_nor_a_pipe_is_refused(tmp_path: Path) -> None:
    assert said(tmp_path) == "Is a directory"
    assert said("/dev/zero") == "is neither a file nor a pipe"
    assert said(tmp_path / "none") == "No such file or directory"
    assert said("a\0b") == "is no name that a file can have"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fspath(tmp_path / "socket"))
        assert said(tmp_path / "socket") in ("is neither a file nor a pipe", "No such device or address")


def test_a_pipe_is_read_to_its_end() -> None:
    script = "(printf a; sleep 0.3; printf b)"
    words = "import sys; from planner.system.given_files import read; print(read(sys.argv[1], 100))"
    run = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -c "{words}" <{script}'],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (run.stdout, run.stderr) == ("b'ab'\n", "")


def test_a_pipe_waits_for_its_writer_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    later = threading.Timer(0.3, lambda: pipe.write_bytes(b"late"))
    later.start()
    assert [read(pipe, 100), read(pipe, 100)] == [b"late", b"late"], "it comes once, and may be asked for again"
    later.join()
    pipe = tmp_path / "other"
    os.mkfifo(pipe)
    monkeypatch.setattr(given_files, "WRITER", 0.2)
    assert said(pipe) == "nobody writes to this pipe"


def test_a_pipe_that_never_ends_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setattr(given_files, "PATIENCE", 0.3)
    over = threading.Event()

    def trickle() -> None:
        with open(pipe, "wb", buffering=0) as stream:
            while not over.wait(0.01):
                try:
                    stream.write(b"x")
                except BrokenPipeError:
                    return

    writer = threading.Thread(target=trickle)
    writer.start()
    began = time.monotonic()
    assert said(pipe, 1 << 20) == "its other end did not close within 0.3 s"
    assert time.monotonic() - began < 20
    over.set()
    writer.join()


def test_a_pipe_is_bounded_in_bytes() -> None:
    reading, writing = os.pipe()
    try:
        os.write(writing, b"x" * 200)
        assert said(f"/dev/fd/{reading}") == "is longer than 100 bytes"
        assert os.get_blocking(reading), "whoever has it open sees no change"
    finally:
        os.close(reading)
        os.close(writing)


def test_what_the_system_says_of_it_can_be_looked_at_first(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    file.chmod(0o640)
    modes: list[int] = []
    assert read(file, 10, lambda status: modes.append(status.st_mode & 0o777)) == b"x"
    assert modes == [0o640]
