"""The argument SOURCE_DATE_EPOCH as BuildKit hands it on: in seconds, or the time of something that it fetches."""

from __future__ import annotations

from collections.abc import Mapping

from planner.model.image import EPOCH, seconds_of
from planner.sources.dockerfile.global_args import BUILD_MARK


def in_force(args: Mapping[str, str]) -> Mapping[str, str]:
    """Arguments with the time in seconds. BuildKit takes the argument away where there is no time."""
    if EPOCH not in args:
        return args
    seconds = seconds_of(args[EPOCH])
    others = {name: value for name, value in args.items() if name != EPOCH}
    if seconds == "":
        return others
    return {**others, EPOCH: f"{BUILD_MARK}{EPOCH}" if seconds is None else seconds}


def why_unsure(args: Mapping[str, str]) -> str:
    """Why the time of an image may change unseen; "" where it may not."""
    time = args.get(EPOCH, "")
    return "" if seconds_of(time) is not None else f"{EPOCH}={time} is the time of what BuildKit fetches by that name"
