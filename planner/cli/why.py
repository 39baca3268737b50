"""`planner why`: the shortest causal chain from what changed to an image, every cause, and what is cached."""

from __future__ import annotations

import argparse
import difflib

from planner.cli import arguments as shared
from planner.cli import states
from planner.cli.asides import palette
from planner.cli.family import chosen
from planner.cli.saying import say
from planner.digest.inputs import Input
from planner.digest.key import Keys
from planner.errors import GitError, InputError
from planner.explain.chain import Why, why
from planner.explain.text import printable
from planner.explain.why_text import FILES, answers_json, why_document, why_text
from planner.model.image import ImageName
from planner.plan.baseline import Past
from planner.plan.cached import first_uncached
from planner.plan.rebuild import plan as make_plan

EXAMPLE = "planner why mmperf --from origin/main --diff"
MAX_DIFFED = 1 << 20
MAX_DIFF_LINES = 200


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="names or globs")
    states.arguments(parser)
    parser.add_argument("--diff", action="store_true", help="show what changed in text files")
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Print the answer for each image."""
    earlier, later = states.compared(options)
    keys = later.keys
    graph = keys.made_by.loaded.graph
    wanted = chosen(options.images, graph)
    plan = make_plan(graph, keys, earlier.baseline, against=earlier.name, wanted=graph.ancestors(wanted))
    answers: list[tuple[Why, dict[str, str]]] = []
    for name in (name for name in graph.order if name in wanted):
        uncached = _uncached(keys, name, earlier.baseline.get(name))
        answer = why(plan, graph, name, to=later.name, uncached=uncached)
        answers.append((answer, _diffs(answer, earlier.keys, keys) if options.diff else {}))
    if options.format == "json":
        return say(answers_json([why_document(answer, diffs) for answer, diffs in answers]))
    return say("\n\n".join(why_text(answer, palette(), diffs) for answer, diffs in answers))


def _uncached(keys: Keys, name: ImageName, past: Past | None) -> tuple[Input, ...]:
    """The first steps that are not cached, over all platforms."""
    before = {manifest.platform: manifest for manifest, _ in past.manifests} if past else {}
    found: dict[Input, None] = {}
    for manifest in keys.manifests[name]:
        if manifest.platform in before:
            found.update(dict.fromkeys(first_uncached(before[manifest.platform], manifest)))
    return tuple(found)


def _diffs(answer: Why, before: Keys | None, after: Keys) -> dict[str, str]:
    """Unified diffs of the text files that the reasons name, as far as both states have their bytes."""
    found: dict[str, str] = {}
    for reason in (reason for cause in answer.causes for reason in cause.reasons):
        if reason.code in FILES and reason.subject not in found:
            found[reason.subject] = _diff(reason.subject, before, after)
    return {path: text for path, text in found.items() if text}


def _diff(path: str, before: Keys | None, after: Keys) -> str:
    if before is None:
        return "(the earlier bytes were not kept: name a git revision with --from)"
    old, new = _text(before, path), _text(after, path)
    if old is None or new is None:
        return "(binary, or too long to show)"
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), path, path, lineterm="", n=2))
    shown = [printable(line) for line in lines[:MAX_DIFF_LINES]]
    return "\n".join([*shown, *(["…"] if len(lines) > MAX_DIFF_LINES else [])])


def _text(keys: Keys, path: str) -> str | None:
    """The text of a file, "" where it is not there, None for bytes that are no text."""
    tree = keys.made_by.tree
    try:
        if tree.entry(path) is None:
            return ""
        data = tree.read(path, MAX_DIFFED)
        return None if b"\0" in data else data.decode("utf-8")
    except (InputError, GitError, UnicodeDecodeError):
        return None
