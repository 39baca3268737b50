"""Turns what was found of a policy and of workflows into text for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from planner.explain.text import printable
from planner.policy.check import Chain, Proof
from planner.policy.levels import level_of
from planner.policy.workflow_lint import Finding


def proof_text(proof: Proof) -> str:
    """The proof in words: what was looked at, then every chain step by step."""
    lines = [
        f"{proof.runs} runs (event × ref × origin × actor × runner × pull request), "
        f"{proof.resources} resources, {proof.pairs} pairs of a run and a resource"
    ]
    for chain in proof.chains:
        lines += ["", *_steps(chain)]
    lines += ["", *(f"refused: {text}" for text in proof.refusals)] if proof.refusals else []
    lines += ["", "holds: nothing that an untrusted run can write is read by a trusted one"] if proof.holds else []
    return "\n".join(printable(line) for line in lines)


def _steps(chain: Chain) -> list[str]:
    lines = [f"what an untrusted run writes {chain.what}:", f"  {level_of(chain.runs[0])}: {chain.runs[0]}"]
    for resource, run in zip(chain.through, chain.runs[1:], strict=True):
        lines += [f"    writes {resource}, which is read by", f"  {level_of(run)}: {run}"]
    return lines


def proof_json(proof: Proof) -> str:
    """The proof as its document, version 1."""
    chains = [
        {
            "what": chain.what,
            "runs": [{"level": level_of(run).value, "run": str(run)} for run in chain.runs],
            "through": [str(resource) for resource in chain.through],
        }
        for chain in proof.chains
    ]
    document = {
        "version": 1,
        "holds": proof.holds,
        "runs": proof.runs,
        "resources": proof.resources,
        "pairs": proof.pairs,
        "chains": chains,
        "refusals": list(proof.refusals),
    }
    return json.dumps(document, indent=2)


def findings_text(findings: Sequence[Finding], files: int) -> str:
    """Findings by place, with what to do about each."""
    lines: list[str] = []
    for one in findings:
        lines += [f"{one.file}:{one.line}: {one.what} [{one.rule}]", f"  {one.advice}"]
    lines.append(f"{len(findings)} found in {files} workflow {'file' if files == 1 else 'files'}")
    return "\n".join(printable(line) for line in lines)


def findings_json(findings: Sequence[Finding]) -> str:
    """Findings as their document, version 1."""
    found = [
        {"file": one.file, "line": one.line, "rule": one.rule, "what": one.what, "advice": one.advice}
        for one in findings
    ]
    return json.dumps({"version": 1, "findings": found}, indent=2)
