"""What a check found: how bad it is, and what to do."""

from __future__ import annotations

import enum

from planner.model.frozen import dataclass


class Severity(enum.StrEnum):
    """How bad a finding is; only an error makes `planner doctor` fail."""

    OK = "ok"
    HINT = "hint"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One finding of one check. `advice` says what to do, "" where nothing is to be done."""

    check: str
    severity: Severity
    what: str
    advice: str = ""
