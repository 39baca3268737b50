"""A sample of the oracle with a fixed seed; `make prove` runs the whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.engine import Engine
from tests.oracle.directed import directed
from tests.oracle.graph import Oracle, shown
from tests.oracle.judge import Judge, running_judge
from tests.oracle.law import Finding
from tests.oracle.planted import caught, finding_of
from tests.oracle.sample import judged

SEED = 2
EXAMPLES = 240
RARE = ("USER is forgotten", "SHELL is forgotten", "WORKDIR is forgotten", "--from is forgotten")
LINKS = "links are not followed"
EASY = ("modes are dropped", "bind mounts are forgotten", "the ignore file is not read", "ENV is forgotten")


@pytest.fixture(scope="module")
def judge(engine: Engine) -> Iterator[Judge]:
    with running_judge(engine) as running:
        yield running


def test_the_key_changes_exactly_when_the_image_would(judge: Judge, tmp_path: Path) -> None:
    oracle = Oracle(judge, tmp_path)
    sample = []
    for one in judged(judge, tmp_path / "cases", SEED, EXAMPLES):
        oracle.see(one)
        sample.append(one)
    wrong = [found for found in oracle.report.findings if found[0] in (Finding.STALE, Finding.SENDS, Finding.REFUSES)]
    assert not wrong, shown(oracle, *wrong[0], SEED)
    assert oracle.report.count(Finding.NEEDLESS) <= EXAMPLES // 100
    missed = [one.bug for one in caught(sample, tmp_path / "planted", EASY) if one.example is None]
    assert not missed, "the sample is too weak to notice these bugs"


def test_what_random_mutations_reach_too_seldom(judge: Judge, tmp_path: Path) -> None:
    sample = list(directed(judge, tmp_path / "cases"))
    for one in sample:
        assert one.before.works and one.after.works, one.pair.mutation
        assert finding_of(one, tmp_path / "ours") is None, one.pair.mutation
    missed = [one.bug for one in caught(sample, tmp_path / "planted", (*RARE, LINKS)) if one.example is None]
    assert not missed
