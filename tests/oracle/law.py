"""The law between a planner and a judge: the key changes exactly when the image would."""

from __future__ import annotations

import enum

from tests.oracle.judge import Verdict
from tests.oracle.ours import Ours


class Finding(enum.StrEnum):
    """How planner and judge disagree."""

    STALE = "stale"  # the image would change, the key does not
    NEEDLESS = "needless"  # the key changes, or is unsure, and the image would not
    REFUSES = "refuses"  # the planner refuses what BuildKit builds
    ACCEPTS = "accepts"  # BuildKit refuses what the planner plans: the build fails
    SENDS = "sends"  # the context that a build gets is not the one that was judged


def alone(mine: Ours, judged: Verdict) -> Finding | None:
    """What is to be said of one case: it is unsure exactly where what BuildKit fetches may change unseen."""
    if judged.works and mine.refused:
        return Finding.REFUSES
    if judged.works and bool(mine.unsure) != judged.open:
        return Finding.NEEDLESS if mine.unsure else Finding.STALE
    if not judged.works and not mine.refused and not mine.unsure:
        return Finding.ACCEPTS
    return None


def compared(before: tuple[Ours, Verdict], after: tuple[Ours, Verdict]) -> Finding | None:
    """What is to be said of a mutation.

    A side that BuildKit refuses has no image that could be stale or built for nothing: there the build fails, with
    BuildKit's message.
    """
    (mine, judged), (mine_after, judged_after) = before, after
    if not (judged.works or judged_after.works) or mine.refused or mine_after.refused:
        return None
    same = mine.key == mine_after.key and not mine_after.unsure
    if same and judged.value != judged_after.value:
        return Finding.STALE if judged.works and judged_after.works else Finding.ACCEPTS
    if not same and judged.value == judged_after.value and not mine_after.unsure:
        return Finding.NEEDLESS
    return None
