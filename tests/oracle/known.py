"""Disagreements that are meant, each with its reason; `docs/accuracy.md` lists them. None of them is a stale image."""

from __future__ import annotations

from tests.oracle.case import Pair
from tests.oracle.judge import Verdict
from tests.oracle.law import Finding
from tests.oracle.ours import Ours


def known(finding: Finding, pair: Pair, mine: Ours, judged: Verdict) -> str:
    """The reason, or "" for a disagreement that is none of these."""
    del judged
    if finding is Finding.NEEDLESS and any("the whole context counts" in text for text in _warnings(mine)):
        return "a source is named by a variable that only the base image knows: the whole context counts"
    told = mine.refused.lower()
    if finding is Finding.REFUSES and ("onbuild" in told or ("unknown instruction" in told and _has_trigger(pair))):
        return "an ONBUILD that no child could run is refused where it stands"
    if finding is Finding.REFUSES and "leads out of the context" in mine.refused:
        return "a link that leads out of the context is refused; BuildKit looks for its target inside"
    if finding is Finding.REFUSES and "a mount has no" in mine.refused:
        return "a mount's key that looks like a slip is refused, in unreached stages too"
    if finding is Finding.REFUSES and "an ignore file that leads out" in mine.refused:
        return "an ignore file that leads out of its folder through a link is refused"
    if finding is Finding.ACCEPTS:
        return "BuildKit refuses it, so the build fails with its message"
    return ""


def _has_trigger(pair: Pair) -> bool:
    return any(piece.text.strip().upper().startswith("ONBUILD") for piece in pair.after.pieces)


def _warnings(mine: Ours) -> list[str]:
    if mine.keys is None:
        return []
    return [text for manifests in mine.keys.manifests.values() for one in manifests for text in one.warnings]
