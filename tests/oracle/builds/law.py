"""The law between a plan and real builds, and what the planner says of a family in one state."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from planner.digest.key import Keys, Known, keys_of
from planner.digest.retold import Retold
from planner.digest.trace import Traced
from planner.errors import PlannerError
from planner.local.disk_tree import DiskTree
from planner.plan.baseline import of_keys
from planner.plan.rebuild import Action, plan
from planner.sources import yaml_file
from planner.sources.load import load
from tests.oracle.builds.family import GRAPH_FILE
from tests.oracle.ours import LOCK

LIMIT = 1 << 20


class Finding(enum.StrEnum):
    """How plan and builds disagree about one image."""

    STALE = "stale"  # the plan reuses it; built anyway, it is another one, a step runs, or the build fails
    NEEDLESS = "needless"  # the plan builds it for its own inputs; every step is cached and the image is the same
    SENDS = "sends"  # what the planner sends builds another image than the whole context
    REFUSES = "refuses"  # the planner refuses a family whose edited image builds
    FORGETS = "forgets"  # what is kept of the state before leads to another key than looking at everything


class Doing(enum.StrEnum):
    """What a plan does with an image, told apart by whose inputs changed."""

    REUSE = "reuse"
    BUILD = "build"
    FOR_PARENT = "build for a parent"


@dataclass(frozen=True)
class Ours:
    """The planner's keys for a state, or why it refuses."""

    keys: Keys | None = None
    refused: str = ""


def ours(root: Path, before: Ours | None = None) -> Ours:
    """The planner's answer for a state that is written at `root`; with `before`, by way of what was found then."""
    tree = DiskTree(root)
    try:
        family = replace(yaml_file.read(tree.read(GRAPH_FILE, LIMIT), GRAPH_FILE, {}, {}), lock=LOCK)
        if before is None or before.keys is None:
            traced = Traced(tree)
            return Ours(keys_of(load(family, traced, told=True), tree, None, traced.taken()))
        known = Known(facts=before.keys.facts, agrees=Retold(tree).agrees)
        loaded = load(family, tree, told=True, like=known.facts.loaded)
        return Ours(keys_of(loaded, tree, known))
    except PlannerError as error:
        return Ours(refused=str(error))


@dataclass(frozen=True)
class Planned:
    """What is done with every image, and why those are built that may change unseen."""

    doing: Mapping[str, Doing]
    reasons: Mapping[str, str]


def planned(before: Keys, after: Keys) -> Planned:
    """The plan for a state against the one before."""
    graph = after.made_by.loaded.graph
    made = plan(graph, after, of_keys(before), against="before", wanted=graph.order)
    doing: dict[str, Doing] = {}
    for image in made.images:
        if image.action is Action.REUSE:
            doing[image.name] = Doing.REUSE
        else:
            doing[image.name] = Doing.BUILD if image.own else Doing.FOR_PARENT
    reasons = {image.name: "; ".join(reason.detail for reason in image.own) for image in made.images}
    return Planned(doing, reasons)
