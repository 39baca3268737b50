"""Finds out at which level this process runs, and what the policy says to that. Reads the environment and files."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.build.bound import bind, notes_folder
from planner.cli.arguments import policy_stands_in
from planner.cli.family import chosen, folder_of
from planner.cli.plan import state_of
from planner.cli.policy import policy_of
from planner.digest.key import Keys
from planner.errors import BuilderError, PlannerError
from planner.local.state import State
from planner.model.graph import ImageGraph
from planner.model.image import ImageName
from planner.policy.cache_refs import ImageCache, cache_of, pushed_to, read_from, weak_keys
from planner.policy.environments import Seen, seen
from planner.policy.levels import Judged, judge
from planner.policy.policy import Policy
from planner.policy.scopes import write_of
from planner.system import given_files

MAX_EVENT = 25 << 20
"""GitHub's own limit of a webhook's payload, in bytes."""
LOCAL = "local"
Caches = Mapping[ImageName, tuple[str, ...]]
"""Words for buildx about layer caches, by image."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """This run under its policy."""

    policy: Policy
    provider: str
    judged: Judged


def standing(options: argparse.Namespace) -> Standing:
    """The policy of a command line, and the level of this run. Raises PlannerError."""
    policy = policy_of(options)
    found: Seen = seen(os.environ, event_payload(), policy.identity)
    return Standing(policy=policy, provider=found.provider, judged=judge(found.run))


def standing_of_build(options: argparse.Namespace) -> Standing | None:
    """The same for a build; None where no policy is in force: without a file, or on a machine of one's own.

    `--cache policy` asks for it in any case. `--cache off` is about layer caches alone: all else is in force.
    """
    there = bool(options.policy) or policy_stands_in(folder_of(options))
    if options.cache_to and options.cache == "off":
        raise PlannerError(f"--cache-to {options.cache_to}: --cache off writes nothing")
    if options.cache != "policy" and not there:
        if options.cache_to:
            raise PlannerError(f"--cache-to {options.cache_to}: no policy is in force, so nothing may be written")
        return None
    found = standing(options)
    asked = options.cache == "policy" or bool(options.cache_to)
    return found if asked or found.provider != LOCAL else None


def refuse_ungranted(options: argparse.Namespace, *, source: str, target: str) -> None:
    """Raise PlannerError for a copy between two places (HOST/PATH) that the level does not read or write.

    As for builds, a policy is in force in CI, and where one is named.
    """
    if not options.policy and not policy_stands_in(folder_of(options)):
        return
    found = standing(options)
    if not options.policy and found.provider == LOCAL:
        return
    refuse(found, asked="", push=target, tags=())
    refuse_reading(found, source, option="--from")


def caches(
    found: Standing, graph: ImageGraph, names: frozenset[ImageName], asked: str = ""
) -> Mapping[ImageName, ImageCache]:
    """The caches of these images, in the graph's order."""
    return {
        name: cache_of(found.policy, found.judged, name, graph.nodes[name].image.platforms, asked=asked)
        for name in graph.order
        if name in names
    }


def granted(options: argparse.Namespace, keys: Keys, push: str) -> tuple[Standing | None, Caches]:
    """This run under its policy, and the words for buildx of every image; (None, {}) where no policy is in force.

    `push` is where images are pushed to. Raises PlannerError where a flag asks for a write that is not granted, and
    for keys that whoever else writes could make collide.
    """
    found = standing_of_build(options)
    if found is None:
        return None, {}
    loaded = keys.made_by.loaded
    graph = loaded.graph
    if weak := weak_keys(found.policy, loaded.family.algorithm):
        raise PlannerError(f"refused: {weak}")
    names = chosen(options.images, graph)
    tags = tuple(tag for name in graph.order if name in names for tag in graph.nodes[name].image.tags)
    refuse(found, asked=options.cache_to, push=push, tags=tags)
    if options.against:
        from planner.cli.published import prefix_of

        refuse_reading(found, prefix_of(options.against, keys))
    if not options.dry_run:
        bind_state(found, state_of(options))
    if options.cache == "off":
        return found, {}
    cached = caches(found, graph, frozenset(graph.order), options.cache_to)
    return found, {name: one.arguments for name, one in cached.items()}


def refuse(found: Standing, *, asked: str, push: str, tags: tuple[str, ...]) -> None:
    """Raise PlannerError where a flag asks for a write that the level does not grant.

    `push` is where images are pushed to (HOST/PATH), "" for nowhere; `tags` are further names that they get there.
    """
    level, why = found.judged.level, found.judged.why
    if asked:
        one = cache_of(found.policy, found.judged, "x", ("x",), asked=asked)
        if not one.exports:
            raise PlannerError(f"refused: {one.refused[-1]}")
    own = pushed_to(found.policy, found.judged)
    if push and push != own:
        may = f"may push to {own} alone" if own else "may push nothing"
        raise PlannerError(f"refused: push to {push}: a run of level {level} {may} ({why})")
    outside = [tag for tag in tags if push and not tag.startswith(f"{own}/") and level == "pr"]
    if outside:
        raise PlannerError(f"refused: push of {outside[0]}: a run of level {level} may push to {own} alone ({why})")


def bind_builder(found: Standing, builder: str) -> None:
    """Bind the builder to this run's scope, unless the policy says that it is thrown away after the run.

    Raises BuilderError where it served another scope before, or where the policy keeps it for other levels.
    """
    level = found.judged.level
    for rule in found.policy.builders:
        if rule.name == builder.partition(":")[2] or rule.name == builder:
            if level not in rule.levels:
                served = ", ".join(rule.levels)
                raise BuilderError(f"refused: the policy keeps {builder} for {served}, and this run has level {level}")
            if rule.ephemeral:
                return
    bind(notes_folder(os.environ), builder, _served(found), level)


def bind_state(found: Standing, state: State) -> None:
    """Bind a state folder in the same way: its records and images are what a run reuses. Raises BuilderError."""
    state.prepare()
    bind(state.root / "served", f"the state folder {state.root}", _served(found), found.judged.level)


def _served(found: Standing) -> str:
    number = found.judged.run.number
    return str(write_of(found.judged.run) or (f"untrusted/{number}" if number else "untrusted"))


def refuse_reading(found: Standing, prefix: str, *, option: str = "--against") -> None:
    """Raise PlannerError for records that the level does not read: a trusted run must reuse nothing of others."""
    readable = read_from(found.policy, found.judged)
    if prefix not in readable:
        may = (
            f"may reuse what is published in {', '.join(readable)}"
            if readable
            else "may reuse nothing that is published"
        )
        raise PlannerError(f"refused: {option} {prefix}: a run of level {found.judged.level} {may}")


def event_payload() -> Mapping[str, Any]:
    """The event of GitHub Actions as a document; {} where there is none that can be read."""
    path = os.environ.get("GITHUB_EVENT_PATH", "")
    if not path:
        return {}
    try:
        document = json.loads(given_files.read(path, MAX_EVENT))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
