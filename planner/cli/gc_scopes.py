"""`planner gc --scopes`: the images, records, leases and layer caches of pull requests that ended go; old ones too."""

from __future__ import annotations

import argparse
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from planner.cli.asides import warn
from planner.cli.counting import Counting
from planner.cli.family import keys_now
from planner.cli.gc import remover_of
from planner.cli.gc_roots import MAX_TOLD, expect_time, open_requests, pins_of, requests_in
from planner.cli.gc_text import Report, document, text
from planner.cli.saying import say
from planner.cli.trusting import LOCAL, Standing, standing
from planner.errors import PlannerError, RegistryError
from planner.plan.retention import DAY, Decision, Roots, decide_scope
from planner.policy.cleaning import Refused, belonging, expect_own, named, refusal, rule_of
from planner.policy.policy import NUMBER, Policy
from planner.policy.pull_requests import numbers
from planner.policy.scopes import PR, Scope
from planner.registry.catalog import catalog
from planner.registry.client import HttpRegistry
from planner.registry.listing import Listing, leftovers
from planner.registry.removal import OciRemover, Remover

AGE = 14
"""Days after which what a pull request left is old, where the policy's `retention` does not say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaned:
    """A scope and what happens to it: all of it goes (`ended`), what is old goes, or nothing (`refused` says why)."""

    number: int
    ended: bool
    why: str
    refused: str = ""

    @property
    def goes(self) -> bool:
        """Whether anything of it may go."""
        return not self.refused


def run(options: argparse.Namespace) -> int:
    """Find the scopes, decide, and with --apply remove. What cannot be read ends it before anything is removed."""
    try:
        return _run(options)
    except Refused as error:
        raise PlannerError(f"refused: {error}") from error


def _run(options: argparse.Namespace) -> int:
    found = standing(options)
    policy, registry = found.policy, HttpRegistry()
    host = policy.registries[rule_of(policy).registry].address
    # The registry is asked first: a pull request that is opened after that has nothing there yet.
    there = _listed(registry, host)
    scopes = _scopes(options, found, there)
    cleaned = [one for one in scopes if one.goes]
    paths = _paths(policy, [one.number for one in cleaned], there, {*keys_now(options).keys, *options.repository})
    remover = remover_of(options, registry, host)
    listed, failed = _read([f"{host}/{path}" for path in paths], registry, remover)
    expect_time(registry, host.partition("/")[0], applied=options.apply)
    roots, by_number = pins_of(options), {one.number: one for one in cleaned}
    decisions = [one for each in listed for one in _decided(policy, each, roots, by_number, _age_of(policy))]
    if options.apply:
        for each in listed:
            path = each.repository.removeprefix(f"{host}/")
            expect_own(policy, path, by_number)
            goes = [one.manifest for one in decisions if one.manifest.repository == each.repository and not one.keep]
            try:
                (remover or OciRemover(registry)).remove(goes)
            except RegistryError as error:
                failed.append(error)
    rest = "holds more than is read at once, and the next run goes on with it"
    failed += [RegistryError(f"{each.repository}: {rest}") for each in listed if each.more]
    report = Report(
        listings=listed,
        decisions=decisions,
        applied=options.apply,
        now=time.time(),
        wait=options.wait * DAY,
        scopes=[_told(one) for one in scopes],
    )
    status = say(document(report) if options.format == "json" else text(report))
    if failed:
        told = [str(one).replace("\n", "\n  ") for one in failed[:MAX_TOLD]] + ["…"] * (len(failed) > MAX_TOLD)
        raise PlannerError("\n  ".join([f"{len(failed)} of {len(paths)} repositories were not cleaned:", *told]))
    return status


def _read(
    repositories: Collection[str], registry: HttpRegistry, remover: Remover | None
) -> tuple[list[Listing], list[RegistryError]]:
    """The listings of these repositories, and what went wrong: one that cannot be read keeps no other one."""
    with Counting("reading") as counting:
        found, errors = leftovers(registry, repositories, counting)
    listed, failed = [], list(errors)
    for each in found:
        try:
            listed.append(each if remover is None else remover.widened(registry, each))
        except RegistryError as error:
            failed.append(error)
    return listed, failed


def _listed(registry: HttpRegistry, host: str) -> tuple[str, ...] | None:
    """Every repository of a registry; None, with a warning, where it does not tell them."""
    try:
        found = catalog(registry, host)
    except RegistryError as error:
        found = None
        warn(f"{error}")
    if found is None:
        warn(
            f"{host} does not list its repositories: only scopes that --closed or --pull-requests names are seen, and "
            "of them the images that this checkout knows and --repository names"
        )
    return found


def _scopes(options: argparse.Namespace, found: Standing, there: Collection[str] | None) -> list[Cleaned]:
    """Every scope that is there or was named, and what happens to it."""
    policy = found.policy
    told = [one for file in options.closed for one in requests_in(file, policy.identity)]
    still = [one.number for one in told if one.state and not one.ended]
    opened = open_requests(options)
    alive = {*still, *(numbers(opened) if opened is not None else ())}
    ended = numbers(told) - alive
    seen = {one.number for path in there or () if (one := belonging(policy, path)) is not None}
    scopes = []
    for number in sorted({*seen, *ended, *alive}):
        over = number in ended or (opened is not None and number not in alive)
        why = "the pull request ended" if number in ended else "no open pull request has this number"
        if not over:
            state = "is open" if number in alive else "may be open"
            why = f"{state}: what is older than {_age_of(policy)} days goes"
        refused = "" if found.provider == LOCAL else refusal(policy, found.judged, Scope(kind=PR, number=number))
        if refused and options.apply and number in ended:
            raise Refused(refused)
        scopes.append(Cleaned(number=number, ended=over, why=why, refused=refused))
    if there is None and not scopes:
        raise PlannerError("no scope is known: name some with --closed FILE or --pull-requests FILE|api")
    return scopes


def _age_of(policy: Policy) -> int:
    return policy.retention.get(PR, AGE)


def _paths(policy: Policy, scopes: Sequence[int], there: Collection[str] | None, images: Collection[str]) -> list[str]:
    """The repositories of these scopes."""
    if there is None:
        return sorted(path for number in scopes for path in named(policy, number, images))
    found = ((path, belonging(policy, path)) for path in there)
    return sorted(path for path, one in found if one is not None and one.number in scopes)


def _decided(
    policy: Policy, each: Listing, roots: Roots, scopes: Mapping[int, Cleaned], days: int
) -> Iterator[Decision]:
    owner = belonging(policy, each.repository.partition("/")[2])
    if owner is None:
        return
    scope = scopes[owner.number]
    wide = roots if scope.ended else replace(roots, grace=days * DAY)
    yield from decide_scope(each.manifests, wide, scope.why if scope.ended else f"is older than {days} days")


def _told(one: Cleaned) -> Mapping[str, Any]:
    return {
        "scope": f"{PR}/{one.number}",
        "number": one.number,
        "ended": one.ended,
        "refused": bool(one.refused),
        "why": f"nothing goes: {one.refused}" if one.refused else one.why,
    }


def aged_paths(options: argparse.Namespace, host: str, outer: int, packages: Collection[str]) -> Mapping[str, int]:
    """The beginnings of the names of all pull requests' packages in a registry, with their retention in days.

    A package is named without the first `outer` parts of its path; `packages` are the family's own. Raises PlannerError
    where others' packages have the same beginning: a cleanup policy would delete those too.
    """
    from planner.cli.policy import policy_of

    policy = policy_of(options)
    try:
        rule = rule_of(policy)
    except Refused:
        return {}
    if policy.registries[rule.registry].address != host:
        return {}
    beside = (one for one in policy.scopes.values() if one.kind != PR and one.registry == rule.registry)
    foreign = [path for one in beside for path in one.paths]
    others = [*(_inner(path, outer) for path in foreign), *packages]
    found = {}
    for path in rule.paths:
        begins = _inner(path.partition(NUMBER)[0], outer)
        shared = [other for other in others if f"{other}/".startswith(begins)]
        if not begins or shared:
            what = f"as {shared[0]} has" if begins else "which is that of all packages"
            hint = f"a cleanup policy would delete those too: set {path} apart, such as pr/{NUMBER}"
            raise PlannerError(f'the packages of scope pr have the beginning "{begins}", {what}\n  {hint}')
        found[begins] = _age_of(policy)
    return found


def _inner(path: str, outer: int) -> str:
    return "/".join(path.split("/")[outer:])
