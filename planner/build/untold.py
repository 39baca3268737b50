"""Tells of a build's steps which are triggers of a base that no lock tells of, and read what is in no key.

BuildKit calls a step by its stage and, where a base brought it, by ONBUILD (`prefixCommand`, v0.32.2).
"""

from __future__ import annotations

import itertools
import re

from planner.model.image import Pairs

_TRIGGER = re.compile(r"\[(?P<stage>[^\]]*?) *\d+/\d+\] ONBUILD (?P<what>.*)", re.DOTALL)
_FLAG = re.compile(r"--(?:network|security)=\w+|--mount=(?P<fields>[^\s\"'\\`$]+)", re.ASCII)
"""A flag of RUN that is read as it is written: quotes and escapes may stand anywhere in one."""
_OWN = ("type=cache", "type=tmpfs")
_SETTING = re.compile(
    r"(?:target|dst|destination|id|sharing|mode|uid|gid|size)=[!-~]*|ro|rw|readonly|readwrite", re.ASCII
)


def why_untold(step: str, bases: Pairs) -> str:
    """Why a build with this step must stop, "" where it need not.

    `bases` are the stages over a base whose triggers are not known, as BuildKit calls them, with its reference.
    """
    found = _TRIGGER.fullmatch(step) if bases else None
    if found is None or not _reads(found["what"]):
        return ""
    # A platform may stand before the stage; a stage that is alone is not named.
    stage = next((word for word in found["stage"].split(" ") if word and "/" not in word), "")
    base = next((base for name, base in bases if not stage or name == stage), "")
    return f"{base} has ONBUILD {found['what']}, which only a lock can tell: planner lock" if base else ""


def _reads(trigger: str) -> bool:
    """Whether a trigger may read files, an image or a stage: all but a RUN that plainly mounts nothing of others.

    BuildKit shows it as it is written, but for its first word and its variables.
    """
    keyword, _, rest = trigger.partition(" ")
    if keyword != "RUN":
        return re.match(r"(?:COPY|ADD|RUN)\b", trigger) is not None
    words = itertools.takewhile(lambda word: word.startswith("--"), rest.split())
    return any(not _is_plain(_FLAG.fullmatch(word)) for word in words)


def _is_plain(flag: re.Match[str] | None) -> bool:
    """Whether a flag mounts nothing, or a cache or a temporary folder of its own."""
    if flag is None or not flag["fields"]:
        return flag is not None
    fields = set(flag["fields"].split(","))
    return not fields.isdisjoint(_OWN) and all(map(_SETTING.fullmatch, fields.difference(_OWN)))
