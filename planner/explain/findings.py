"""Turns findings into text for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from planner.explain.text import Palette, printable
from planner.model.finding import Finding, Severity

COLOURS = {Severity.OK: "32", Severity.HINT: "36", Severity.WARNING: "33", Severity.ERROR: "31"}


def findings_text(findings: Sequence[Finding], palette: Palette) -> str:
    """One line for each finding, and what to do below it."""
    width = max((len(finding.check) for finding in findings), default=0)
    lines = []
    for finding in findings:
        mark = palette.paint(f"{finding.severity.value:<7}", COLOURS[finding.severity])
        what = "\n".join(printable(line) for line in finding.what.split("\n"))
        lines.append(f"{mark}  {finding.check:<{width}}  {what}".replace("\n", "\n" + " " * (width + 11)))
        if finding.advice:
            advice = [printable(line) for line in finding.advice.split("\n")]
            lines.extend(" " * (width + 11) + f"→ {line.strip()}" for line in advice)
    return "\n".join(lines)


def findings_json(findings: Sequence[Finding]) -> str:
    """The findings as their document, version 1."""
    listed = [
        {
            "check": finding.check,
            "severity": finding.severity.value,
            "what": finding.what,
            "advice": finding.advice or None,
        }
        for finding in findings
    ]
    ok = all(finding.severity is not Severity.ERROR for finding in findings)
    return json.dumps({"version": 1, "ok": ok, "findings": listed}, indent=2)
