"""`planner policy`: proves a policy file, looks for what breaks it in workflow files, writes it for registries."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from planner.cli import arguments as shared
from planner.cli import policy_generated
from planner.cli.family import folder_of, keys_now
from planner.errors import DefinitionError, Mistake, PlannerError, UsageError
from planner.explain.policy_text import findings_json, findings_text, proof_json, proof_text
from planner.explain.text import printable
from planner.policy import policy_file
from planner.policy.check import check
from planner.policy.policy import Policy
from planner.policy.workflow_lint import Finding, lint
from planner.system import given_files

WORKFLOWS = ".github/workflows"
MAX_FILE = 1 << 20
FOUND = 3
"""Exit status when something is wrong with the policy or a workflow."""

OWNERS = {
    **dict.fromkeys(("registry", "out", "check"), "generate"),
    "policy": "check or generate",
    "format": "check or lint",
}
EXAMPLE = "planner policy check"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument(
        "action", choices=("check", "lint", "generate"), help="prove it, read workflows, or write for a registry"
    )
    parser.add_argument(
        "names",
        nargs="*",
        default=[],
        metavar="FILE",
        help=f"workflow files for lint [{WORKFLOWS}/*.yml, *.yaml]; for generate {', '.join(policy_generated.FILES)}",
    )
    shared.policy(parser)
    policy_generated.arguments(parser)
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Gives 0 when nothing is wrong, 3 when something is."""
    shared.refuse_foreign(options, arguments, options.action, OWNERS)
    if options.action == "check" and options.names:
        raise UsageError(f"check takes no file: planner policy check --policy {printable(options.names[0])} proves one")
    if options.action == "generate":
        return policy_generated.run(options, policy_of(options))
    return _check(options) if options.action == "check" else _lint(options)


def policy_of(options: argparse.Namespace) -> Policy:
    """The policy that a command line names. Raises PlannerError where there is none, DefinitionError."""
    path = Path(options.policy) if options.policy else folder_of(options) / shared.POLICY
    return policy_file.read(_bytes(path), str(path))


def _bytes(path: Path) -> bytes:
    try:
        return given_files.read(path, MAX_FILE)
    except OSError as error:
        raise PlannerError(f"{path}: cannot be read: {error.strerror}\n  docs/trust.md tells what it holds") from error


def _check(options: argparse.Namespace) -> int:
    policy = policy_of(options)
    proof = check(policy, keys_now(options).made_by.loaded.family.algorithm)
    print(proof_json(proof) if options.format == "json" else proof_text(proof))
    return 0 if proof.holds else FOUND


def _lint(options: argparse.Namespace) -> int:
    folder = Path(options.folder)
    paths = [Path(name) for name in options.names]
    if not paths:
        paths = sorted(path for path in (folder / WORKFLOWS).glob("*") if path.suffix in (".yml", ".yaml"))
    if not paths:
        print(f"planner: there are no workflow files in {folder / WORKFLOWS}", file=sys.stderr)
    found: list[Finding] = []
    mistakes: list[Mistake] = []
    for path in paths:
        try:
            name = path.relative_to(folder) if path.is_relative_to(folder) else path
            found += lint(_bytes(path), str(name))
        except DefinitionError as error:
            mistakes += error.mistakes
    if mistakes:
        raise DefinitionError(mistakes)
    print(findings_json(found) if options.format == "json" else findings_text(found, len(paths)))
    return FOUND if found else 0
