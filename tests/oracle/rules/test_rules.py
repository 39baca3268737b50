"""Each reading rule, judged twice: BuildKit's image changes as its source says, and the key with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.engine import Engine
from tests.oracle.graph import Oracle, shown
from tests.oracle.judge import Judge, running_judge
from tests.oracle.rules import ignoring, mounting, origins, sources, words
from tests.oracle.rules.rule import Rule
from tests.oracle.sample import Judged

RULES: tuple[Rule, ...] = tuple(rule for room in (ignoring, sources, mounting, words, origins) for rule in room.rules())


@pytest.fixture(scope="module")
def judge(engine: Engine) -> Iterator[Judge]:
    with running_judge(engine) as running:
        yield running


def test_no_rule_is_said_twice() -> None:
    assert len({rule.says for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=[rule.says for rule in RULES])
def test_reads_as_buildkit(rule: Rule, judge: Judge, tmp_path: Path) -> None:
    verdicts = []
    for side, case in (("before", rule.pair.before), ("after", rule.pair.after)):
        case.write(tmp_path / side)
        verdicts.append(judge.ask(case, tmp_path / side).result(120))
    for verdict in verdicts:
        assert verdict.works, f"{verdict.error}{verdict.broken}"
    assert (verdicts[0].value != verdicts[1].value) is rule.changes, f"BuildKit differs from {rule.source}"
    oracle = Oracle(judge, tmp_path)
    oracle.see(Judged(1, rule.pair, *verdicts))
    wrong = [*oracle.report.findings]
    assert not wrong, shown(oracle, *wrong[0], 0)
    assert not oracle.report.known
