"""Builds that fail, are interrupted or killed, and machines that are not as they should be: nothing is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from planner.build.buildx import BuildxBuilder, Folders
from planner.build.engine import find_engine
from planner.cli.family import keys_now
from planner.cli.main import parser_of
from planner.local.journal import past_runs
from planner.local.records import SqliteRecords
from planner.model.build import BuildRequest
from planner.model.image import ImageName
from planner.ports import BuildFailed, StepNews, StepState
from planner.schedule.requests import request_of
from tests.build.family import BuildSpace, Family
from tests.engine.engine import Engine
from tests.workspace import IDENTITY

SLOW = "FROM ubuntu:22.04\nCOPY app /app\nRUN sleep {mark}\n"
MARKS = [str(1_000_000 + 10 * os.getpid() + number) for number in range(3)]
"""Seconds to sleep, by which a step of this run is told from all others."""


def built_by_hand(
    space: BuildSpace, engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[BuildxBuilder, BuildRequest]:
    """A builder in this process, and what `planner build base` would ask of it."""
    for name, value in engine.environment.items():
        monkeypatch.setenv(name, value)
    words = ["-C", os.fspath(space.root), "build"]
    keys = keys_now(parser_of(words).parse_args(words))
    folders = Folders(workspace=space.root, run=folder / "run", logs=folder / "logs", layout=folder / "store")
    (folder / "run").mkdir()
    builder = BuildxBuilder(find_engine("", os.environ, folder / "run"), folders, keys.made_by.tree, None)
    return builder, request_of(keys, ImageName("base"), {}, registry="")


def test_a_file_that_the_manifest_misses_makes_the_build_fail(
    family: Family, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is hashed is what is built: an input that nobody hashed is not there, so it cannot be stale."""
    builder, request = built_by_hand(family(), engine, tmp_path, monkeypatch)
    kept = tuple(entry for entry in request.context.files if entry.path != "base.txt")
    assert len(kept) < len(request.context.files)
    missed = replace(request, context=replace(request.context, files=kept))
    with pytest.raises(BuildFailed, match="not found") as failed:
        builder.build(missed, lambda news: None)
    assert failed.value.line == 2
    builder.build(request, lambda news: None)


def test_a_failing_step_is_shown_with_its_place_and_blocks_what_stands_on_it(family: Family) -> None:
    broken = "FROM ubuntu:22.04\n\nRUN echo last words; exit 7\n"
    space = family(base__Dockerfile=broken)
    run = space.planner("build", "--jobs", "1", **space.engine.environment)
    assert run.returncode == 1
    assert "base.Dockerfile:3" in run.stderr
    assert "| last words" in run.stderr
    assert "exit code: 7" in run.stderr
    assert "not built because of it: tool, side, app" in run.stderr
    assert "blocked  tool  by base" in run.stdout
    log = space.root / ".planner/logs/base.log"
    assert os.fspath(log) in run.stderr
    assert "last words" in log.read_text()


def test_the_log_is_where_it_is_said_to_be_and_holds_the_last_words(family: Family) -> None:
    graph = "version: 1\nimages: {team/app: {dockerfile: base.Dockerfile}}\n"
    space = family(images__yaml=graph, base__Dockerfile='FROM ubuntu:22.04\nRUN printf "why it failed"; exit 7\n')
    run = space.planner("build", **space.engine.environment)
    assert run.returncode == 1
    (place,) = re.findall("the whole log: (.*)", run.stderr)
    assert "\nwhy it failed\n" in Path(place).read_text()


def test_what_a_step_prints_goes_to_its_log_and_to_nobody_else(
    family: Family, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps print millions of lines, and who is told of each would fall behind by minutes."""
    space = family(base__Dockerfile="FROM ubuntu:22.04\nRUN echo printed by the step\n")
    builder, request = built_by_hand(space, engine, tmp_path, monkeypatch)
    told: list[StepNews] = []
    builder.build(request, told.append)
    assert StepState.LOG not in {news.state for news in told}
    assert StepState.STARTED in {news.state for news in told}
    assert "\nprinted by the step\n" in (tmp_path / "logs/base.log").read_text()


def test_keep_going_builds_all_that_can_be_built(family: Family) -> None:
    space = family(
        base__Dockerfile="FROM ubuntu:22.04\nRUN exit 7\n",
        side__Dockerfile="FROM ubuntu:22.04\nRUN echo side > /side\n",
    )
    assert space.outcomes("--jobs", "1", status=1)["side"] == "skipped"
    assert space.outcomes("--jobs", "1", "-k", status=1) == {
        "base": "failed",
        "tool": "blocked",
        "app": "blocked",
        "side": "built",
    }
    space.write({"base.Dockerfile": "FROM ubuntu:22.04\nRUN echo > /made.txt\n"})
    assert space.outcomes()["side"] == "reused", "what was built beside a failure is kept"


@contextmanager
def started(space: BuildSpace, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A build that runs until the slow step has begun."""
    process = subprocess.Popen(
        [sys.executable, "-m", "planner.cli.main", "-C", os.fspath(space.root), "build", *arguments],
        env={**os.environ, **IDENTITY, **space.engine.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "RUN sleep" in line:
                break
        else:
            raise AssertionError("the slow step never began")
        yield process
    finally:
        process.kill()
        process.wait()


def sleeping(mark: str) -> bool:
    """Whether the step with this mark still runs on the engine, which is on this machine."""
    found = subprocess.run(["pgrep", "-f", f"sleep {mark}"], capture_output=True, check=False)
    return found.returncode == 0


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for something that happens soon, or fail."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.1)


def test_a_killed_run_goes_on_from_what_had_finished(family: Family) -> None:
    space = family(app__Dockerfile=SLOW.format(mark=MARKS[0]))
    with started(space) as process:
        records = SqliteRecords(space.root / ".planner/records.sqlite", writable=False)
        wait_until(lambda: all(records.latest(ImageName(name)) for name in ("base", "tool", "side")))
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_until(lambda: not sleeping(MARKS[0]))
    space.write({"app.Dockerfile": "FROM ubuntu:22.04\nCOPY app /app\n"})
    assert space.outcomes() == {"base": "reused", "tool": "reused", "app": "built", "side": "reused"}


def test_an_interrupt_ends_the_build_on_the_engine_too(family: Family) -> None:
    space = family(app__Dockerfile=SLOW.format(mark=MARKS[1]))
    with started(space, "app") as process:
        wait_until(lambda: sleeping(MARKS[1]))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "skipped  app" in out
        assert "Traceback" not in err
    wait_until(lambda: not sleeping(MARKS[1]))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_so_does_every_other_request_to_end(family: Family, number: signal.Signals) -> None:
    space = family(app__Dockerfile=SLOW.format(mark=MARKS[1]))
    junit = space.root / ".planner/junit.xml"
    with started(space, "app", "--junit", os.fspath(junit)) as process:
        wait_until(lambda: sleeping(MARKS[1]))
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 128 + number, err
        assert "skipped  app" in out
    wait_until(lambda: not sleeping(MARKS[1]))
    assert "skipped" in junit.read_text()
    assert past_runs(space.root / ".planner")[-1].ended


def test_a_second_run_waits_or_says_who_holds_the_folder(family: Family) -> None:
    space = family(app__Dockerfile=SLOW.format(mark=MARKS[2]))
    with started(space, "app") as process:
        run = space.planner("build", "base", "--no-wait", **space.engine.environment)
        assert run.returncode == 1
        assert f"in use by process {process.pid}" in run.stderr
        second = subprocess.Popen(
            [sys.executable, "-m", "planner.cli.main", "-C", os.fspath(space.root), "build", "base"],
            env={**os.environ, **IDENTITY, **space.engine.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr is not None
        assert "waiting" in second.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert second.wait(timeout=60) == 0


def test_two_runs_at_once_build_each_image_once(family: Family) -> None:
    space = family()
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "planner.cli.main", "-C", os.fspath(space.root), "build", "--format", "json"],
            env={**os.environ, **IDENTITY, **space.engine.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [json.loads(process.communicate(timeout=120)[0])["images"] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    for images in zip(*answers, strict=True):
        assert sorted(image["outcome"] for image in images) == ["built", "reused"]
        assert images[0]["digest"] == images[1]["digest"]


def refused(space: BuildSpace, *arguments: str, **environment: str) -> str:
    run = space.planner("build", *arguments, **{**space.engine.environment, **environment})
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr
    return run.stderr


def test_says_when_no_engine_answers(family: Family, tmp_path: Path) -> None:
    space = family()
    gone = f"unix://{tmp_path}/gone.sock"
    assert f"buildkit:{gone} does not answer" in refused(space, "--builder", f"buildkit:{gone}")
    assert "buildx:nobody does not answer" in refused(space, "--builder", "buildx:nobody")
    assert "does not answer" in refused(space, BUILDKIT_HOST="", BUILDX_BUILDER="default")
    assert "there is no buildx here" in refused(space, PATH="/nowhere")
    run = space.planner("build", "--builder", "podman", **space.engine.environment)
    assert run.returncode == 2
    assert "buildkit:ADDRESS" in run.stderr


def test_a_folder_that_cannot_be_written(family: Family, tmp_path: Path) -> None:
    space = family()
    (tmp_path / "file").write_text("")
    error = refused(space, "--state", os.fspath(tmp_path / "file/state"))
    assert "the state folder cannot be read: Not a directory" in error
    assert "--state DIR" in error


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with one mebibyte."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_said_and_loses_nothing(family: Family, small_disk: Path) -> None:
    space = family()
    space.write({"app/large": "x" * (2 << 20)})
    error = refused(space, "app", "--state", os.fspath(small_disk / "state"))
    assert "o space left" in error
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert "app" in space.build("app", "--state", os.fspath(small_disk / "state"))


def test_a_read_only_folder(family: Family, tmp_path: Path) -> None:
    space = family()
    subprocess.run(["mount", "--bind", space.root, space.root], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", space.root], check=True)
        error = refused(space)
        assert "the state folder cannot be made" in error
        assert space.planner("plan").returncode == 0
        state = os.fspath(tmp_path / "state")
        assert space.build("base", "--state", state)["base"]["outcome"] == "built"
    finally:
        subprocess.run(["umount", space.root], check=True)


def test_a_file_that_changes_between_plan_and_build_is_refused(family: Family, tmp_path: Path) -> None:
    space = family()
    plan = os.fspath(tmp_path / "plan.json")
    assert space.planner("plan", "--out", plan).returncode == 0
    space.write({"base.txt": "two\n"})
    error = refused(space, "--plan", plan)
    assert "base: its inputs changed" in error
    assert "side: its inputs changed" in error
    space.write({"base.txt": "one\n"})
    assert {image["outcome"] for name, image in space.build("--plan", plan).items() if name} == {"built"}
    assert {image["outcome"] for name, image in space.build("--plan", plan).items() if name} == {"reused"}
