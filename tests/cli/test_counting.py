"""The bar of a long listing: on a terminal alone, complete at the end, gone afterwards, right from several threads."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from planner.cli.counting import Counting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_that_grows_to_its_end_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with Counting("reading") as counting:
        counting.more(300)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: counting.done(), range(200)))
            counting.more(100)
            list(pool.map(lambda _: counting.done(), range(200)))
        assert counting.line() == f"reading [{'#' * 30}] 400 of 400"
    drawn = screen.getvalue().split("\r")
    assert f"reading [{'#' * 30}] 400 of 400\x1b[K" in drawn
    assert len(drawn) < 100, "not once for each"
    assert drawn[-1] == "\x1b[K"


def test_half_of_it() -> None:
    counting = Counting("asking", 4)
    counting.done()
    counting.done()
    assert counting.line() == f"asking [{'#' * 15}{'.' * 15}] 2 of 4"
    assert Counting("asking").line() == f"asking [{'.' * 30}] 0 of 0"


def test_nothing_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with Counting("reading", 1) as counting:
        counting.done()
    assert capsys.readouterr().err == ""
