"""Disagreements that are meant, each with its reason; `docs/accuracy.md` lists them. None of them is a stale image."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from planner.digest.inputs import Input, InputKind
from planner.sources.fetched import is_git
from tests.oracle.case import Pair
from tests.oracle.law import Finding
from tests.oracle.ours import Ours

NO_COMMIT = "a checksum of a repository that no commit can have holds nothing; a build fails with it"
BEYOND = "a number beyond the stages is refused; BuildKit takes it for an image that another stage names"


def known(finding: Finding, pair: Pair, before: Ours, after: Ours) -> str:
    """The reason, or "" for a disagreement that is none of these."""
    if finding is Finding.NEEDLESS:
        return _held_by_no_commit(pair, after) or _needless(before, after) or _respelled(pair)
    if finding is Finding.REFUSES and (reason := meant(after.refused, triggers=_has_trigger(pair))):
        return reason
    if finding is Finding.ACCEPTS:
        return "BuildKit refuses it, so the build fails with its message"
    return ""


def _needless(before: Ours, after: Ours) -> str:
    if any("the whole context counts" in text for text in _warnings(after)):
        return "a source is named by a variable that only the base image knows: the whole context counts"
    if any("there is no stage" in reason for reason in after.unsure):
        return BEYOND
    for counts, reason in (
        (_is_argument_of_buildkit, "an argument that BuildKit reads counts, whether it does something here or not"),
        (_is_history, "over a folder a layer's name in the history is its line as written, which no graph has"),
        (_goes_on, "an instruction moves between a stage and the one that starts from it"),
    ):
        if before.key != after.key and [*_without(before, counts)] == [*_without(after, counts)]:
            return reason
    return ""


def _held_by_no_commit(pair: Pair, after: Ours) -> str:
    sources = [one.removeprefix("ADD ").partition(" has no --checksum")[0] for one in after.unsure]
    written = [piece.text for piece in pair.after.pieces if "--checksum" in piece.text]
    is_held = any(is_git(source) and any(source in text for text in written) for source in sources)
    return NO_COMMIT if is_held else ""


def _respelled(pair: Pair) -> str:
    return "another spelling of what means the same counts" if pair.mutation == "spelling" else ""


def _without(mine: Ours, left_out: Callable[[Input], bool]) -> Iterator[tuple[InputKind, str]]:
    if mine.keys is not None:
        for manifests in mine.keys.manifests.values():
            yield from (
                (one.kind, one.digest) for manifest in manifests for one in manifest.inputs if not left_out(one)
            )


def _is_argument_of_buildkit(one: Input) -> bool:
    return one.kind is InputKind.ARGUMENT and one.name.startswith("BUILDKIT_")


def _is_history(one: Input) -> bool:
    return one.kind is InputKind.INSTRUCTION and one.name.startswith("the history of stage ")


def _goes_on(one: Input) -> bool:
    return one.kind is InputKind.INSTRUCTION and one.name.startswith("FROM stage ")


def meant(refused: str, *, triggers: bool) -> str:
    """Why the planner refuses what BuildKit would build, or "" where that is not meant.

    `triggers` says whether the Dockerfile has an ONBUILD.
    """
    told = refused.lower()
    if "onbuild" in told or ("unknown instruction" in told and triggers):
        return "an ONBUILD that no child could run is refused where it stands"
    if re.search(r"COPY --from \S+: there is no stage", refused):
        return BEYOND
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
