"""The files that a CI shows of a build: whole, true, and inert whatever a build said."""

from __future__ import annotations

import argparse
import io
import os
import re
import time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from planner.cli import reports
from planner.cli.live import LiveProgress, PlainProgress, progress
from planner.model.build import BuildResult, Store, Stored
from planner.model.image import ImageName
from planner.plan.rebuild import Action, Plan, PlannedImage
from planner.ports import BuildFailed
from planner.schedule.outcome import Outcome
from planner.schedule.states import State
from tests.build.family import Family
from tests.cli.test_documents import check


def test_a_summary_and_junit_of_a_build_that_fails(family: Family, tmp_path: Path) -> None:
    space = family(tool__Dockerfile='FROM registry.example/fam/base\nRUN echo "<img src=x> @someone" >&2; exit 1\n')
    junit, summary = os.fspath(tmp_path / "junit.xml"), tmp_path / "summary"
    summary.write_text("before\n")
    gantt = tmp_path / "gantt.svg"
    words = ("build", "-k", "--junit", junit, "--summary", "github", "--gantt", os.fspath(gantt))
    run = space.planner(*words, **space.engine.environment, GITHUB_STEP_SUMMARY=os.fspath(summary))
    assert run.returncode == 1
    suite = fromstring(Path(junit).read_text())  # noqa: S314 -- our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")
    cases = {case.get("name"): case for case in suite}
    assert cases["tool"].find("failure") is not None
    skipped = cases["app"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "blocked by tool"
    text = summary.read_text()
    assert text.startswith("before\n**2 of 4 images built")
    assert "| <code>tool</code> | failed |" in text
    chart = text.partition("```mermaid\ngantt\n")[2].partition("\n```")[0].splitlines()[2:]
    assert sorted(re.sub(r"  [0-9.]+ s (\w+) :(done|crit), .*", r"\1 \2", line) for line in chart) == [
        "base done",
        "side done",
        "tool crit",
    ]
    bars = [one.get("class") for one in fromstring(gantt.read_text()).iter("{http://www.w3.org/2000/svg}rect")]  # noqa: S314
    assert sorted(map(str, bars)) == ["built", "built", "failed"]
    assert "<img" not in text
    assert "@someone" not in text


def test_a_report_that_cannot_be_written_hides_no_outcome(family: Family, tmp_path: Path) -> None:
    space = family()
    run = space.planner("build", "base", "--junit", os.fspath(tmp_path / "no/x.xml"), **space.engine.environment)
    assert run.returncode == 1
    assert "built    base  sha256:" in run.stdout
    assert "cannot be written" in run.stderr


def test_a_clock_that_is_put_back_makes_no_time_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    listener: Any = PlainProgress({}, Path(), 1, io.StringIO())
    options = argparse.Namespace(summary="x", gantt="", trace=False)
    timeline: Any = reports.watched(options, listener)
    name = ImageName("base")
    timeline.begun(name, "worker")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    timeline.cut_off(name, Stored(store=Store.LAYOUT, digest="sha256:1"))
    timeline.close()
    (bar,) = reports.bars_of(Outcome(states={}), timeline)
    assert 0 <= bar.end - bar.start < 60
    assert timeline.start <= bar.start <= bar.end <= timeline.end


@pytest.mark.parametrize(("term", "live"), [("xterm", True), ("dumb", False), ("unknown", False)])
def test_a_terminal_that_moves_no_cursor_gets_plain_lines(
    monkeypatch: pytest.MonkeyPatch, term: str, live: bool
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert isinstance(progress({}, Path(), 1), LiveProgress) is live


def test_the_summary_of_a_large_family_is_no_larger_than_github_shows() -> None:
    """In bytes: a bar has three for each letter, and GitHub shows nothing of a summary that is too large."""
    images = tuple(
        PlannedImage(name=ImageName(f"image{n}"), action=Action.BUILD, key="", reasons=(), parents=(), level=0)
        for n in range(12_000)
    )
    stored = Stored(store=Store.REGISTRY, digest="sha256:" + "1" * 64, repository="r.example/x")
    results = {one.name: BuildResult(image=stored, seconds=100.0, steps=()) for one in images}
    outcome = Outcome(states=dict.fromkeys(results, State.DONE), results=results)
    text = reports.summary(Plan(against="", images=images, total=len(images)), outcome, 1.0)
    assert 800_000 < len(text.encode()) < 1_000_000
    assert text.splitlines()[-1].endswith(" more")


def test_what_a_build_said_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """rich makes pictures of words between colons, and styles of those between brackets."""
    said = "main.c:100: error:\tno [bold]x[/bold] :bug:"
    failure = BuildFailed(step="[2/2] RUN make", message="exit code: 1", tail=(said,))
    with LiveProgress({}, Path("logs"), 1) as live:
        live.failed(ImageName("one"), failure, ())
    assert f"    | {said.expandtabs()}\n" in capsys.readouterr().err


def test_the_history_of_two_builds(family: Family) -> None:
    space = family()
    assert space.planner("history").stdout == "nothing was built here yet\n"
    space.build()
    space.write({"base.txt": "two\n"})
    space.build()
    document = space.document("history")
    check("history", document)
    images = {image["name"]: image for image in document["images"]}
    assert {name: len(image["builds"]) for name, image in images.items()} == {
        "base": 2,
        "tool": 2,
        "app": 2,
        "side": 2,
    }
    assert all(image["trend"] > 0 for image in images.values())
    text = space.planner("history", "t*").stdout.splitlines()
    assert len(text) == 2
    assert text[1].startswith("tool ")
    assert space.planner("history", "nothing").returncode == 1


def test_a_summary_for_github_elsewhere_is_a_mistake(family: Family) -> None:
    space = family()
    run = space.planner("build", "--summary", "github", **space.engine.environment, GITHUB_STEP_SUMMARY="")
    assert run.returncode == 2
    assert "GITHUB_STEP_SUMMARY is not set" in run.stderr
