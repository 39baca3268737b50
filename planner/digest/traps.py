"""Finds contexts that hold more than anybody means to send: right, but slow, leaky, or different elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from planner.digest.context_tree import ContextTree
from planner.digest.hashing import Hasher
from planner.digest.manifest import Manifests
from planner.model.finding import Finding, Severity
from planner.ports import Tree
from planner.sources.loaded import LoadedFamily

SHOWN = 3


def traps(loaded: LoadedFamily, tree: Tree, ignored: Collection[str]) -> Iterator[Finding]:
    """Images that copy a whole context without an ignore file, or with files in it that git ignores."""
    maker = Manifests(loaded=loaded, tree=tree, hasher=Hasher(loaded.family.algorithm))
    for name in loaded.graph.order:
        image = loaded.graph.nodes[name].image
        copies = [
            step.span
            for platform in image.platforms
            if (image.name, platform) in loaded.evaluations
            for step in loaded.evaluations[image.name, platform].steps
            if any(one.context == "" and not one.mount and "" in map(_plain, one.sources) for one in step.selections)
        ]
        if not copies:
            continue
        context = maker.context(image, "")
        if not context.rules.rules and image.context == ".":
            what = f"{name} copies the whole workspace ({copies[0]}), and no .dockerignore leaves anything out"
            advice = "add a .dockerignore, or copy the folders that it needs"
            yield Finding(check="context", severity=Severity.WARNING, what=what, advice=advice)
        if shipped := _shipped(context, ignored):
            listed = ", ".join(shipped[:SHOWN]) + (f" and {len(shipped) - SHOWN} more" if len(shipped) > SHOWN else "")
            what = f"{name} copies what git ignores ({copies[0]}): {listed}"
            advice = "name it in .dockerignore: a clean checkout does not have it, so its key is another one there"
            yield Finding(check="context", severity=Severity.WARNING, what=what, advice=advice)


def _plain(source: str) -> str:
    return source.strip("./*")


def _shipped(context: ContextTree, ignored: Collection[str]) -> list[str]:
    above = f"{context.root}/" if context.root else ""
    inside = (path for path in sorted(ignored) if path.startswith(above))
    return [path for path in inside if not context.rules.ignores(path[len(above) :])]
