"""Whether a command asks for signatures is what the policy says, however the policy is written."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from planner.cli.signing import asks_for_signatures
from tests.policy.policies import SOUND
from tests.trust.sealing import section


@pytest.mark.parametrize(
    "name", ["signing:", '"signing":', '"s\\x69gning":', '"\\u0073igning":', '? "sig\\\n  ning"\n:']
)
def test_a_section_counts_by_whatever_spelling(tmp_path: Path, name: str) -> None:
    file = tmp_path / "policy.yaml"
    options = argparse.Namespace(policy=str(file), folder=str(tmp_path))
    file.write_text(f"{SOUND}{section()}".replace("\nsigning:", f"\n{name}"))
    assert asks_for_signatures(options)
    file.write_text(SOUND)
    assert not asks_for_signatures(options)
