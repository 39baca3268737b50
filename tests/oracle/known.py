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
    if finding is Finding.REFUSES and (reason := meant(mine.refused, triggers=_has_trigger(pair))):
        return reason
    if finding is Finding.ACCEPTS:
        return "BuildKit refuses it, so the build fails with its message"
    return ""


def meant(refused: str, *, triggers: bool) -> str:
    """Why the planner refuses what BuildKit would build, or "" where that is not meant.

    `triggers` says whether the Dockerfile has an ONBUILD.
    """
    told = refused.lower()
    if "onbuild" in told or ("unknown instruction" in told and triggers):
        return "an ONBUILD that no child could run is refused where it stands"
    if "leads out of the context" in refused:
        return "a link that leads out of the context is refused; BuildKit looks for its target inside"
    if "a mount has no" in refused:
        return "a mount's key that looks like a slip is refused, in unreached stages too"
    if "an ignore file that leads out" in refused:
        return "an ignore file that leads out of its folder through a link is refused"
    if "leaves out a folder above" in refused:
        return "a file that an ignore file makes BuildKit list and send empty is refused"
    return ""


def _has_trigger(pair: Pair) -> bool:
    return any(piece.text.strip().upper().startswith("ONBUILD") for piece in pair.after.pieces)


def _warnings(mine: Ours) -> list[str]:
    if mine.keys is None:
        return []
    return [text for manifests in mine.keys.manifests.values() for one in manifests for text in one.warnings]
