"""`planner why-not`: what was compared and found equal, and why each changed file does not count for an image."""

from __future__ import annotations

import argparse
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace

from planner.cli import arguments as shared
from planner.cli import states
from planner.cli.asides import palette
from planner.cli.family import chosen
from planner.cli.recalled import narrowed
from planner.cli.saying import say
from planner.cli.states import Earlier
from planner.digest.compared import changed_paths
from planner.digest.ignore_file import context_root
from planner.digest.key import Keys
from planner.digest.manifest import Manifests
from planner.digest.verdict import Ruling, Verdict, verdict
from planner.errors import PlannerError
from planner.explain.why_not import COUNTS, WhyNot, compared, why_not_document, why_not_text
from planner.explain.why_text import answers_json
from planner.model.image import ImageName, Span
from planner.plan.baseline import Past, placed
from planner.plan.rebuild import Action
from planner.plan.rebuild import plan as make_plan
from planner.sources.dockerfile.syntax import From
from planner.sources.load import load

EXAMPLE = "planner why-not mmperf --file docs/notes.md"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="names or globs")
    states.arguments(parser)
    parser.add_argument(
        "--file",
        dest="paths",
        action="append",
        default=[],
        metavar="F",
        help="why this file does not count [all that changed]",
    )
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Print the answer for each image."""
    earlier, later = states.compared(options)
    keys = later.keys
    graph = keys.made_by.loaded.graph
    wanted = chosen(options.images, graph)
    plan = make_plan(graph, keys, earlier.baseline, against=earlier.name, wanted=wanted)
    building = {image.name for image in plan.images if image.action is Action.BUILD}
    paths = [_clean(path) for path in options.paths] or list(_changed(earlier, keys))
    answers: list[WhyNot] = []
    for name in (name for name in graph.order if name in wanted):
        counts, files = compared(keys.manifests[name], lambda manifest, item: placed(keys, manifest)(item))
        judge = _Judge(keys, name, earlier)
        judged = [(path, judge.of(path)) for path in paths]
        answers.append(
            WhyNot(
                image=name,
                from_=earlier.name,
                to=later.name,
                rebuilds=name in building,
                equal=tuple(sorted(counts.items())),
                files=files,
                passed_over=tuple((path, one) for path, one in judged if options.paths or one.ruling not in COUNTS),
                asked=bool(options.paths),
            )
        )
    if options.format == "json":
        return say(answers_json([why_not_document(answer) for answer in answers]))
    return say("\n\n".join(why_not_text(answer, palette()) for answer in answers))


def _changed(earlier: Earlier, keys: Keys) -> Iterator[str]:
    """The paths that differ, where both states have their files."""
    if earlier.keys is not None:
        yield from changed_paths(earlier.keys.made_by.tree, keys.made_by.tree)


def _clean(path: str) -> str:
    clean = posixpath.normpath(path)
    if clean.startswith(("/", "../")) or clean == "..":
        raise PlannerError(f"{path}: leads out of the workspace: name a path below the graph file's folder")
    return clean


class _Judge:
    """Rules over paths for one image, also for the stages that its target does not reach."""

    def __init__(self, keys: Keys, name: ImageName, earlier: Earlier) -> None:
        self.maker = narrowed(keys.made_by.loaded, keys.made_by.tree, [name])
        self.name = name
        self.keys = keys
        self.earlier = earlier
        self._held: dict[ImageName, tuple[Mapping[str, Span | None], Mapping[str, Span | None]]] = {}
        self._others: list[tuple[str, Manifests]] | None = None

    def of(self, path: str) -> Verdict:
        """The verdict over one path."""
        found = self._of(self.name, path)
        if found.ruling in COUNTS:
            return found
        graph = self.maker.loaded.graph
        for parent in sorted(graph.ancestors({self.name}) - {self.name}):
            above = self._of(parent, path)
            if above.ruling in COUNTS:
                sentence = f"{parent}, which it stands on, reads it"
                return Verdict(ruling=Ruling.PARENT, sentence=sentence, where=above.where)
        if found.ruling is not Ruling.NOT_SELECTED:
            return found
        for stage, maker in self._stages():
            other = verdict(maker, self.name, path)
            if other.ruling is Ruling.READ:
                sentence = f'only stage "{stage}" selects it, which the target does not reach'
                return Verdict(ruling=Ruling.STAGE_NOT_REACHED, sentence=sentence, where=other.where)
        return found

    def _of(self, name: ImageName, path: str) -> Verdict:
        found = verdict(self.maker, name, path)
        return found if found.ruling in COUNTS else self._come_or_gone(name, path) or found

    def _come_or_gone(self, name: ImageName, path: str) -> Verdict | None:
        """That a path was selected and is gone, or that a folder came or went with it that is selected itself."""
        gone = self.keys.made_by.tree.entry(path) is None
        then = self.earlier.keys
        if not gone and (then is None or then.made_by.tree.entry(path) is not None):
            return None
        if name not in self._held:
            past = self.earlier.baseline.get(name)
            self._held[name] = _held_then(past, self.keys, name) if past else {}, _held_now(self.keys, name)
        lost, won = self._held[name] if gone else reversed(self._held[name])
        if path in lost and path not in won:
            return Verdict(ruling=Ruling.READ, sentence="it is gone, and was selected", where=lost[path])
        for folder in _above(path):
            if folder in lost and folder not in won:
                how = "is gone with it, and was" if gone else "came with it, and is"
                return Verdict(ruling=Ruling.READ, sentence=f"{folder} {how} selected", where=lost[folder])
        return None

    def _stages(self) -> list[tuple[str, Manifests]]:
        """The same image with each stage of its Dockerfile as the target.

        A target is a name only, so that stages without one get a name that no Dockerfile can give.
        """
        if self._others is None:
            loaded = self.maker.loaded
            image = loaded.graph.nodes[self.name].image
            written = loaded.dockerfiles[image.dockerfile]
            heads = [one for one in written.instructions if isinstance(one, From)]
            names = [head.stage or f"#{number}" for number, head in enumerate(heads)]
            left = iter(names)
            named = replace(
                written,
                instructions=tuple(
                    replace(one, stage=next(left)) if isinstance(one, From) else one for one in written.instructions
                ),
            )
            self._others = []
            for name in names:
                target = replace(image, target=name)
                images = tuple(target if one.name == self.name else one for one in loaded.family.images)
                family = replace(loaded.family, images=images)
                other = load(family, self.maker.tree, parsed={image.dockerfile: named})
                maker = Manifests(loaded=other, tree=self.maker.tree, hasher=self.maker.hasher)
                self._others.append((name.removeprefix("#"), maker))
        return self._others


def _held_now(keys: Keys, name: ImageName) -> dict[str, Span | None]:
    """The paths that the selections of an image hold, folders too, each with the instruction that selects it."""
    found: dict[str, Span | None] = {}
    for manifest in keys.manifests[name]:
        listing = placed(keys, manifest)
        for item in manifest.inputs:
            for path in listing(item):
                found.setdefault(path, item.where)
    return found


def _held_then(past: Past, keys: Keys, name: ImageName) -> dict[str, Span | None]:
    """The same of a baseline; a record tells paths in contexts, and of more than one context not of which."""
    if past.keys is not None:
        return _held_now(past.keys, name)
    image = keys.made_by.loaded.graph.nodes[name].image
    if image.contexts:
        return {}
    root = context_root(image, "")
    found: dict[str, Span | None] = {}
    for manifest, listing in past.manifests:
        for item in manifest.inputs:
            for path in listing(item):
                found.setdefault(posixpath.join(root, path), item.where)
    return found


def _above(path: str) -> Iterator[str]:
    """The folders above a path, the nearest first."""
    while path := posixpath.dirname(path):
        yield path
