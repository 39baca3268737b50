"""Findings that are meant, each with its reason; `docs/accuracy.md` lists them. None is a stale image."""

from __future__ import annotations

import re

from tests.oracle.builds.chain import SAME, Found, Outcome
from tests.oracle.builds.law import Finding
from tests.oracle.known import meant

SELECTED = re.compile(r"--exclude=.*[*?\[]", re.DOTALL)


def known(outcome: Outcome, found: Found) -> str:
    """The reason, or "" for a finding that is none of these."""
    if found.finding is Finding.REFUSES:
        texts = [piece.text for member in outcome.edited.after.members for piece in member.case.pieces]
        return meant(found.why, triggers=any(text.strip().upper().startswith("ONBUILD") for text in texts))
    if found.finding is Finding.STALE and found.why.endswith(SAME) and "--exclude=" in found.why:
        return "BuildKit's cache key of a whole context holds what --exclude leaves out, and the copy does not"
    if found.finding is not Finding.NEEDLESS:
        return ""
    if "the whole context counts" in found.warnings:
        return "a source is named by a variable that only the base image knows: the whole context counts"
    member = next(one for one in outcome.edited.after.members if one.name == found.image)
    if any(SELECTED.search(piece.text) for piece in member.case.pieces):
        return "BuildKit copies a file that a wildcard matches and --exclude names, but leaves it out of its cache key"
    return ""
