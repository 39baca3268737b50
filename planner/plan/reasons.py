"""The closed set of reasons to rebuild, and the record that carries one."""

from __future__ import annotations

import enum

from planner.model.frozen import dataclass
from planner.model.image import Span


class Code(enum.StrEnum):
    """Why an image is built. The values stand in JSON: the set grows only with the document's version."""

    FIRST_BUILD = "first-build"
    FILE_CHANGED = "file-changed"
    FILE_ADDED = "file-added"
    FILE_REMOVED = "file-removed"
    MODE_CHANGED = "mode-changed"
    INSTRUCTION_CHANGED = "instruction-changed"
    ARGUMENT_CHANGED = "argument-changed"
    PARENT_CHANGED = "parent-changed"
    EXTERNAL_CHANGED = "external-changed"
    PLATFORM_CHANGED = "platform-changed"
    FRONTEND_CHANGED = "frontend-changed"
    FORCED = "forced"
    UNSURE = "unsure"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One reason: `subject` is the input it names (a path, an argument, an image), `detail` a sentence for people.

    `instruction` is the one that reads the input, at `where`; empty where none does.
    """

    code: Code
    subject: str
    detail: str
    where: Span | None = None
    instruction: str = ""
