"""Reads recorded output of buildx v0.36.1 with BuildKit v0.32.2, and output that nobody should send."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from planner.build.rawjson import LONGEST_LINE, Reading
from planner.model.image import ImageName
from planner.ports import StepNews, StepState

RECORDED = Path(__file__).parent / "recorded"


def read(name: str) -> tuple[Reading, list[StepNews]]:
    reading = Reading(ImageName("image"))
    lines = (RECORDED / name).read_text().splitlines(keepends=True)
    return reading, [news for line in lines for news in reading.line(line)]


def test_a_build_that_succeeds() -> None:
    reading, news = read("success.jsonl")
    steps = reading.steps()
    assert [step.name.partition("] ")[2].split(" ")[0] for step in steps] == ["FROM", "COPY", "RUN"]
    assert all(step.seconds >= 0 for step in steps)
    assert [one.text for one in news if one.state is StepState.LOG] == ["hello"]
    assert (news[-1].done, news[-1].total) == (3, 3)


def test_a_build_that_is_cached() -> None:
    reading, news = read("cached.jsonl")
    assert all(step.cached for step in reading.steps() if "FROM" not in step.name)
    assert StepState.CACHED in {one.state for one in news}


def test_a_build_that_fails() -> None:
    reading, _ = read("failure.jsonl")
    failure = reading.failure(1)
    assert failure.step.endswith("RUN echo hello; exit 3")
    assert failure.line == 3
    assert failure.tail == ("hello",)
    assert "exit code: 3" in failure.message


def test_a_missing_file() -> None:
    failure = read("missing.jsonl")[0].failure(1)
    assert failure.line == 2
    assert "not found" in failure.message


def test_a_dockerfile_that_does_not_parse() -> None:
    failure = read("malformed.jsonl")[0].failure(1)
    assert failure.line == 2
    assert "unknown instruction" in failure.message


def vertexes(*told: dict[str, object]) -> tuple[Reading, list[StepNews]]:
    reading = Reading(ImageName("image"))
    return reading, [news for one in told for news in reading.line(json.dumps({"vertexes": [one]}))]


def test_a_step_of_an_imported_cache_is_cached_although_its_layer_is_fetched_later() -> None:
    step = {
        "digest": "a",
        "name": "[2/4] RUN x",
        "started": "2026-01-01T00:00:00Z",
        "completed": "2026-01-01T00:00:00Z",
    }
    reading, _ = vertexes({**step, "cached": True}, {**step, "completed": "2026-01-01T00:00:02Z"})
    assert [one.cached for one in reading.steps()] == [True]


def test_output_without_an_end_of_line_is_told_in_parts() -> None:
    reading, _ = vertexes({"digest": "sha256:1", "name": "[2/2] RUN progress", "started": "2026-01-01T00:00:00Z"})
    found: list[str] = []
    for number in range(64):
        data = base64.b64encode(f"{number:02}".encode() * 2048).decode()
        log = json.dumps({"logs": [{"vertex": "sha256:1", "data": data}]})
        found += [news.text for news in reading.line(log) if news.state is StepState.LOG]
        assert len(reading.vertexes["sha256:1"].unfinished) < LONGEST_LINE
    assert {len(text) for text in found} == {LONGEST_LINE}
    assert "".join(found).startswith("00" * 2048 + "01" * 2048)


def said(news: Iterable[StepNews]) -> list[str]:
    return [one.text for one in news if one.state is StepState.LOG]


def test_last_words_without_an_end_of_line_are_told_when_the_step_ends() -> None:
    step = {"digest": "sha256:1", "name": "[2/2] RUN x", "started": "2026-01-01T00:00:00Z"}
    log = json.dumps({"logs": [{"vertex": "sha256:1", "data": base64.b64encode(b"one\ntwo").decode()}]})
    reading, _ = vertexes(step)
    assert said(reading.line(log)) == ["one"]
    end = {**step, "completed": "2026-01-01T00:00:01Z", "error": "exit code: 1"}
    news = list(reading.line(json.dumps({"vertexes": [end]})))
    assert [one.state for one in news] == [StepState.LOG, StepState.FAILED]
    assert said(news) == ["two"]
    assert said(reading.line(log)) == ["one"], "told after the end"
    assert said(reading.last_words()) == ["two"]
    assert reading.failure(1).tail == ("one", "two", "one", "two")


def test_a_cache_that_is_not_there_is_no_failure() -> None:
    missing = {"digest": "c", "name": "importing cache manifest from r/x", "error": "not found"}
    failed = {"digest": "s", "name": "[2/2] RUN exit 1", "error": "exit code: 1"}
    reading, news = vertexes(missing, failed)
    assert [one.state for one in news] == [StepState.FAILED]
    assert reading.failure(1).step == "[2/2] RUN exit 1"
    assert [one.text for one in reading.cache_troubles()] == ["not found"]


lines = st.one_of(
    st.text(max_size=80),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["vertexes", "logs", "digest", "name", "vertex", "data", "x"]), inner)
        ),
        max_leaves=8,
    ).map(json.dumps),
)


@given(st.lists(lines, max_size=10))
def test_anything_may_come(given_lines: list[str]) -> None:
    reading = Reading(ImageName("image"))
    for line in given_lines:
        list(reading.line(line))
    reading.steps()
    assert reading.failure(1).message


def test_half_characters_are_told_as_text() -> None:
    """JSON can name half of a surrogate pair, which no log, record or report can hold."""
    reading = Reading(ImageName("image"))
    vertex = r'{"digest": "a", "name": "[1/1] RUN \ud800", "started": "2020-01-01T00:00:00Z", "error": "no \udfff"}'
    news = list(reading.line(f'{{"vertexes": [{vertex}]}}\n'))
    failure = reading.failure(1)
    for text in (*(one.step + one.text for one in news), *(one.name for one in reading.steps()), failure.step):
        assert "ud800" in text
        text.encode()
    assert failure.message == r"no \udfff"
