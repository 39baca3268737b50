"""Tells of a build's steps which are triggers of a base that no lock tells of, and read what is in no key.

BuildKit calls a step by its stage and, where a base brought it, by ONBUILD (`prefixCommand`, v0.32.2).
"""

from __future__ import annotations

import re

from planner.model.image import Pairs

_TRIGGER = re.compile(r"\[(?P<stage>[^\]]*?) *\d+/\d+\] ONBUILD (?P<what>(?P<keyword>COPY|ADD|RUN) .*)", re.DOTALL)
_MOUNT = re.compile(r"--mount=(\S+)")


def why_untold(step: str, bases: Pairs) -> str:
    """Why a build with this step must stop, "" where it need not.

    `bases` are the stages over a base whose triggers are not known, as BuildKit calls them, with its reference.
    """
    found = _TRIGGER.fullmatch(step) if bases else None
    if found is None or (found["keyword"] == "RUN" and not _mounts_files(found["what"])):
        return ""
    # A platform may stand before the stage; a stage that is alone is not named.
    stage = next((word for word in found["stage"].split(" ") if word and "/" not in word), "")
    base = next((base for name, base in bases if not stage or name == stage), "")
    return f"{base} has ONBUILD {found['what']}, which only a lock can tell: planner lock" if base else ""


def _mounts_files(command: str) -> bool:
    """Whether a RUN may mount files: a cache or a temporary folder of its own has none."""
    return any("from=" in mount or not re.search("type=(cache|tmpfs)", mount) for mount in _MOUNT.findall(command))
