"""The full comparison with buildx: every case, and files that are drawn: `--examples N`, `--seed S`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

from tests.sources.doors.bake.cases import CASES
from tests.sources.doors.bake.drawn import files
from tests.sources.doors.bake.oracle import Case, difference, ours


def main() -> int:
    """Compare all; gives 1 where something differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.sources.doors.bake")
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wrong = [f"{case.name}: {found}" for case in CASES if (found := difference(case))]
    print(f"{len(CASES) - len(wrong)} of {len(CASES)} cases equal buildx bake --print", flush=True)
    for text in wrong:
        print(f"  {text}")
    seen: Counter[str] = Counter()

    @seed(options.seed)
    @settings(
        max_examples=options.examples,
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(files())
    def compare(case: Case) -> None:
        found = difference(case)
        seen["refused" if isinstance(ours(case), str) else "read"] += 1
        assert not found or found.startswith("both refuse"), f"{found}\n{case}"

    compare()
    print(f"{seen['read']} drawn files equal buildx bake --print, {seen['refused']} are refused by both")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
