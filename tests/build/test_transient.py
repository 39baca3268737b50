"""Tells failures that may pass from those that stay, by recorded answers of buildx v0.36.1 with BuildKit v0.32.2."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.build.rawjson import Reading
from planner.build.transient import passing
from planner.model.image import ImageName
from planner.ports import BuildFailed, Passing

RECORDED = Path(__file__).parent / "recorded"
TRANSIENT = sorted((RECORDED / "transient").glob("*.jsonl"))
LASTING = sorted((RECORDED / "lasting").glob("*.jsonl"))


def failure(path: Path) -> BuildFailed:
    reading = Reading(ImageName("image"))
    for line in path.read_text().splitlines(keepends=True):
        list(reading.line(line))
    return reading.failure(1)


def test_there_is_something_to_read() -> None:
    assert len(TRANSIENT) >= 20
    assert len(LASTING) >= 10


@pytest.mark.parametrize("path", TRANSIENT, ids=lambda path: path.stem)
def test_what_may_pass(path: Path) -> None:
    wanted = Passing.ENGINE if path.stem.startswith("daemon") else Passing.NETWORK
    assert failure(path).passing is wanted


@pytest.mark.parametrize("path", LASTING, ids=lambda path: path.stem)
def test_what_stays(path: Path) -> None:
    assert failure(path).passing is None


@pytest.mark.parametrize("name", ["failure", "missing", "malformed"])
def test_what_other_tests_recorded_stays(name: str) -> None:
    assert failure(RECORDED / f"{name}.jsonl").passing is None


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ('process "/bin/sh -c curl" did not complete successfully: exit code: 7: connect: connection refused', None),
        ("Unavailable: the words of a step", Passing.ENGINE),
        ("unexpected status from GET request to http://r/v2/x: 404 Not Found", None),
        ("unexpected status from GET request to http://r/v2/x: 502 Bad Gateway", Passing.NETWORK),
        ('failed to do request: Head "https://r/": tls: failed to verify certificate: x509: unknown authority', None),
        ('failed to do request: Head "https://r/": http: server gave HTTP response to HTTPS client', None),
        ("unexpected status from PUT request to http://r/v2/x: 503 Service Unavailable: {}", Passing.NETWORK),
        ("Service Unavailable: x", None),
        ("no space left on device", None),
        ("", None),
    ],
)
def test_single_messages(message: str, found: Passing | None) -> None:
    assert passing([message]) is found


def test_a_step_that_failed_is_never_tried_again_even_where_the_engine_went_away_too() -> None:
    said = ["Unavailable: error reading from server: EOF", 'process "x" did not complete successfully: exit code: 1']
    assert passing(said) is None
    assert passing(said, connected=False) is None


def test_long_messages_are_read_at_both_ends_in_bounded_time() -> None:
    noise = "failed to fetch remote " * 200_000
    assert passing([f"{noise} connection refused"]) is Passing.NETWORK
    assert passing([f'process "{noise}connection refused" did not complete successfully: exit code: 1']) is None
    assert passing([noise]) is None
