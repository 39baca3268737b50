"""What the generators draw: every feature of the list, in both oracles."""

from __future__ import annotations

import random
from collections.abc import Iterable

from tests.oracle.builds.grammar import NAMES, files_of, member_of
from tests.oracle.case import Case
from tests.oracle.features import FEATURES, Feature
from tests.oracle.grammar import case_of

DRAWN = 6_000


def not_drawn(cases: Iterable[Case], features: Iterable[Feature]) -> list[str]:
    left = list(features)
    for case in cases:
        left = [one for one in left if not one.seen(case)]
        if not left:
            break
    return [one.says for one in left]


def test_mutations_are_drawn_of_every_feature() -> None:
    cases = (case_of(random.Random(number)) for number in range(DRAWN))
    assert not_drawn(cases, FEATURES) == []


def test_families_are_drawn_of_every_feature() -> None:
    def cases() -> Iterable[Case]:
        for number in range(DRAWN):
            rng = random.Random(number)
            files = files_of(rng)
            member = member_of(rng, NAMES[2], NAMES[:2], files)
            yield Case(
                **{
                    **{name: getattr(member.case, name) for name in Case.__dataclass_fields__},
                    "files": files,
                    "locked": True,
                }
            )

    assert not_drawn(cases(), (one for one in FEATURES if not one.alone)) == []
