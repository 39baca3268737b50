"""The trusted side of a relay: checks a request, and builds what it names from its commit, under the policy.

Nothing of the commit is checked out or run here: git's objects are read, and BuildKit runs what they say.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable, Mapping

from planner.build.buildx import BuildxBuilder
from planner.cli import interrupts, live
from planner.cli import outcome as told
from planner.cli.asides import palette, warn
from planner.cli.builders import builder_of
from planner.cli.family import ENVIRONMENT, folder_of, keys_in, load_family
from planner.cli.outcome import note
from planner.cli.parents import parents_of
from planner.cli.plan import state_of
from planner.cli.policy import policy_of
from planner.cli.relay_lock import false_entries, strange_frontends, strange_policies
from planner.cli.relay_policy import needed
from planner.cli.saying import say
from planner.cli.signing import own_key, sealed
from planner.cli.trusting import Standing, bind_builder, bind_state, caches, event_payload
from planner.digest.key import Keys
from planner.errors import PlannerError
from planner.local.fetching import fetched
from planner.local.git_tree import worktree
from planner.local.revisions import revision_tree
from planner.local.state import State
from planner.model.build import BuildRequest, BuildResult, Stored
from planner.model.graph import ExternalImage
from planner.model.image import ImageName
from planner.plan.baseline import of_records
from planner.plan.rebuild import Plan
from planner.plan.rebuild import plan as make_plan
from planner.plan.relay_request import Request, RequestError
from planner.plan.shared import ReadThrough
from planner.policy.cache_refs import pushed_to, read_from
from planner.policy.check import check
from planner.policy.policy import Backend, Policy
from planner.policy.relay import Asked, approval, confined, foreign, served, wishes
from planner.policy.scopes import PR
from planner.ports import BuildFailed, StepNews
from planner.registry.client import HttpRegistry
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from planner.schedule.outcome import Outcome
from planner.schedule.run import execute
from planner.schedule.states import State as Ended
from planner.schedule.tries import Job
from planner.schedule.untold import untold_bases
from planner.schedule.workers import Worker

MAX_WRONG = 20
"""Reasons that are told of one request."""


class Confined:
    """A Builder without secrets that names nothing outside of one scope; see `planner.ports.Builder`."""

    def __init__(self, builder: BuildxBuilder, own: str) -> None:
        self.builder = builder
        self.own = own

    def build(self, request: BuildRequest, tell: Callable[[StepNews], None]) -> BuildResult:
        """See Builder."""
        return self.builder.build(self._confined(request), tell)

    def name(self, request: BuildRequest, image: Stored) -> None:
        """See Builder."""
        self.builder.name(self._confined(request), image)

    def _confined(self, request: BuildRequest) -> BuildRequest:
        try:
            return confined(request, self.own)
        except ValueError as error:
            raise BuildFailed(step="", message=f"refused: it {error}") from error

    def cancel(self) -> None:
        """See Builder."""
        self.builder.cancel()

    def holds(self, image: Stored) -> bool:
        """See Builder."""
        return self.builder.holds(image)

    def answers(self) -> bool:
        """See Builder."""
        return self.builder.answers()


def serve(options: argparse.Namespace, request: Request) -> int:
    """Build what a request names, or refuse it. Raises RequestError for a request that is refused."""
    own_key()  # Taken out of the environment before anything of the commit is looked at.
    ENVIRONMENT.close()
    policy = policy_of(options)
    rule = needed(policy)
    if policy.scopes[PR].backend is Backend.GITHUB:
        raise PlannerError("scope pr is in GitHub's cache, where a relay's run would write main's part of it")
    if not check(policy, "sha256").holds:
        raise PlannerError("the policy does not hold, so nothing is built by it\n  planner policy check tells why")
    note(f"building for pull request {request.number}, {request.commit[:12]}: {_approved(options, policy, request)}")
    folder, ref = folder_of(options), options.ref.replace("{number}", str(request.number))
    commit = fetched(folder, options.remote, ref, f"refs/planner/relay/{request.number}")
    if commit != request.commit:
        raise RequestError(f"refused: {ref} of {options.remote} is {commit}, and {request.commit} is asked for")
    keys = keys_in(options, revision_tree(folder, commit))
    theirs, judged = served(policy, request.number)
    _refuse_others(request, keys)
    _refuse_wishes(options, request, keys, theirs, read_from(theirs, judged))
    standing = Standing(policy=theirs, provider="relay", judged=judged)
    state = state_of(options)
    bind_state(standing, state)
    with state.locked(wait=True, tell=note):
        plan, outcome, seconds = _built(options, standing, keys, state, request, rule.images, rule.minutes)
    say_outcome = told.outcome_json(plan, outcome, seconds)
    if options.format == "text":
        say_outcome = told.outcome_text(plan, outcome, seconds, palette())
    return say(say_outcome, status=0 if all(ended is Ended.DONE for ended in outcome.states.values()) else 1)


def _approved(options: argparse.Namespace, policy: Policy, request: Request) -> str:
    if options.approve:
        if options.approve != request.commit:
            raise RequestError(f"refused: {request.commit} is asked for, and --approve names {options.approve}")
        return "approved by --approve"
    asked = Asked(number=request.number, commit=request.commit)
    approves, why = approval(policy, os.environ.get("GITHUB_EVENT_NAME", ""), event_payload(), asked)
    if not approves:
        raise RequestError(f"refused: nobody approved it: {why}")
    return why


def _refuse_others(request: Request, keys: Keys) -> None:
    """The keys are made anew from the commit: what is asked for must be what would be built."""
    nodes = keys.made_by.loaded.graph.nodes
    wrong: list[str] = []
    for one in request.images:
        if one.name not in nodes:
            wrong.append(f"{one.name}: the commit has no such image")
        elif nodes[one.name].image.platforms != one.platforms:
            wrong.append(f"{one.name}: the commit builds it for {', '.join(nodes[one.name].image.platforms)}")
        elif keys.keys[one.name] != one.key:
            wrong.append(f"{one.name}: its key is {keys.keys[one.name]}, and {one.key} is asked for")
    _refuse(wrong)


def _refuse_wishes(
    options: argparse.Namespace, request: Request, keys: Keys, policy: Policy, readable: tuple[str, ...]
) -> None:
    """Of the images that are asked for, and of all that they read."""
    loaded = keys.made_by.loaded
    graph = loaded.graph
    wrong: list[str] = []
    asked = graph.ancestors([one.name for one in request.images])
    around = [name for name in graph.order if name in asked]
    for name in around:
        image = graph.nodes[name].image
        wrong += [f"{name}: {wish}" for wish in wishes(image)]
        for use in graph.nodes[name].uses:
            if isinstance(use.origin, ExternalImage) and foreign(policy, readable, use.origin.reference):
                wrong.append(f"{name}: reads {use.origin.reference}, which a pull request may not")
    main = worktree(folder_of(options))
    wrong += strange_frontends(loaded, around, functools.cache(lambda: load_family(options, main)), HttpRegistry())
    wrong += strange_policies(keys, around, main)
    _refuse(wrong)


def _refuse(wrong: list[str]) -> None:
    if wrong:
        more = f"\n  and {len(wrong) - MAX_WRONG} more" if len(wrong) > MAX_WRONG else ""
        raise RequestError("refused:\n" + "\n".join(f"  {one}" for one in wrong[:MAX_WRONG]) + more)


def _built(
    options: argparse.Namespace,
    standing: Standing,
    keys: Keys,
    state: State,
    request: Request,
    most: int,
    minutes: int,
) -> tuple[Plan, Outcome, float]:
    began = time.monotonic()
    graph = keys.made_by.loaded.graph
    wanted = frozenset(one.name for one in request.images)
    around = frozenset(graph.ancestors(wanted))
    own = pushed_to(standing.policy, standing.judged)
    places = _places(standing, state, own, {name: keys.keys[name] for name in graph.order if name in around})
    cached = {name: _cached(keys, name, one.arguments) for name, one in caches(standing, graph, around).items()}
    builder = builder_of(options, keys, state, HttpRegistry(), cached)
    bind_builder(standing, builder.engine.spec)

    def holds(image: Stored) -> bool:
        return any(place.saw(image) for place in places) or builder.holds(image)

    records = ReadThrough(places[0], places[1:])
    then = of_records(graph, keys, records, holds)
    plan = make_plan(graph, keys, then, against=own, wanted=wanted)
    if len(plan.building) > most:
        raise RequestError(f"refused: {len(plan.building)} images would be built, and relay.images is {most}")
    _refuse(false_entries(keys, [image.name for image in plan.building], HttpRegistry()))
    dockerfiles = {name: node.image.dockerfile for name, node in graph.nodes.items()}
    stopper = threading.Timer(minutes * 60.0, builder.cancel)
    stopper.daemon = True
    with contextlib.closing(builder), live.progress(dockerfiles, state.logs, len(plan.building)) as listener:
        stopper.start()
        try:
            outcome = execute(
                Job(
                    plan=plan,
                    keys=keys,
                    stored=parents_of(plan, keys, then, None),
                    builders={builder.engine.spec: Confined(builder, own)},
                    workers=(Worker(name=builder.engine.spec, slots=options.jobs),),
                    records=records,
                    listener=listener,
                    clock=time.time,
                    holds=holds,
                    registry=own,
                    keep_going=True,
                    interrupts=interrupts.heard,
                )
            )
        finally:
            stopper.cancel()
    for text in dict.fromkeys(text for place in places for text in place.warnings):
        warn(text)
    return plan, outcome, time.monotonic() - began


def _cached(keys: Keys, name: ImageName, words: tuple[str, ...]) -> tuple[str, ...]:
    """The words about layer caches of an image. Over a base without a lock nothing is exported: such a build is ended
    when a trigger shows itself, and a cache has a name by which what it read until then would be found.
    """
    loaded = keys.made_by.loaded
    node = loaded.graph.nodes[name]
    if not untold_bases(node, loaded.dockerfiles[node.image.dockerfile], loaded.family.lock):
        return words
    return tuple(word for word in words if not word.startswith("--cache-to="))


def _places(standing: Standing, state: State, own: str, keys: Mapping[ImageName, str]) -> list[PublishedRecords]:
    """The pull request's records, which are written and signed, then those of main's, which are read."""
    registry, snapshot = HttpRegistry(), Snapshot(state.root / "published")
    prefixes = dict.fromkeys([own, *read_from(standing.policy, standing.judged)])
    places = [
        PublishedRecords(registry, prefix, snapshot, sealed(standing.policy, prefix, write=prefix == own))
        for prefix in prefixes
    ]
    for place in places:
        place.look(keys)
    return places
