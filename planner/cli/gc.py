"""`planner gc`: removes from a registry what no ref, pin, lease or list wants: plan, then quarantine, then gone."""

from __future__ import annotations

import argparse
import functools
import json
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from planner.cli import arguments as shared
from planner.cli.counting import Counting
from planner.cli.family import keys_now
from planner.cli.gc_roots import expect_found, expect_time, has_policy, judged, kept_list, roots_of
from planner.cli.gc_text import Report, document, text
from planner.cli.published import PUBLISHED, prefix_of
from planner.cli.saying import say
from planner.errors import PlannerError, UsageError
from planner.plan.budget import Budget, within
from planner.plan.cleanup_policies import HOSTS, cleanup_policies
from planner.plan.retention import DAY, Decision
from planner.registry import quarantine
from planner.registry.client import HttpRegistry
from planner.registry.listing import Listing, listing, listings
from planner.registry.removal import Remover

EXAMPLE = "planner gc --ref 'release/*' --last 50"
GOOGLE = "artifact-registry"
GHCR = "ghcr"
NOT_SCOPES = dict.fromkeys(("keep", "grace", "wait", "against"), "what is no pull request's")
MAX_DAYS = 100_000
MAX_LAST = 1_000_000
Judge = Callable[[Listing], tuple[Decision, ...]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument(
        "action", nargs="?", choices=("plan", "restore"), default="plan", help="restore ends quarantines"
    )
    parser.add_argument(
        "--ref",
        action="append",
        default=[],
        metavar="GLOB",
        help="branches and tags whose images stay, '!GLOB' to leave out [all of them]",
    )
    parser.add_argument("--main", default="HEAD", metavar="REV", help="the branch of --last [HEAD]")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="commits of it whose images stay [20]")
    parser.add_argument(
        "--pull-requests", default="", metavar="FILE|api", help="open ones, whose images stay: a list, or the forge's"
    )
    parser.add_argument("--keep", metavar="FILE", help="a list of keys, digests and NAME:TAG globs that stay")
    parser.add_argument("--grace", type=_days, default=14.0, metavar="DAYS", help="what is younger stays [14]")
    parser.add_argument("--wait", type=_days, default=7.0, metavar="DAYS", help="time in quarantine [7]")
    parser.add_argument(
        "--max-bytes",
        type=shared.size,
        metavar="SIZE",
        help="let what nobody wants stay within this; least valuable go",
    )
    parser.add_argument("--repository", action="append", default=[], metavar="NAME", help="also one that no ref names")
    parser.add_argument("--against", default=PUBLISHED, metavar="REGISTRY", help="HOST/PATH [that of the graph file]")
    parser.add_argument(
        "--scopes", action="store_true", help="the scopes of pull requests instead, as the policy has them"
    )
    parser.add_argument(
        "--closed", action="append", default=[], metavar="FILE", help="ended ones for --scopes: a webhook's or a list"
    )
    parser.add_argument(
        "--registry-kind", choices=("auto", "oci", GHCR), default="auto", help="how it deletes [by its host]"
    )
    parser.add_argument("--apply", action="store_true", help="do it: untag, and delete what waited long enough")
    shared.policy(parser)
    shared.formats(parser, "text", "json", GOOGLE)


def _days(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"is a number of days from 0 to {MAX_DAYS:,}")
    return value


def run(options: argparse.Namespace) -> int:
    """Read everything, decide, and with --apply act. What cannot be read ends it before anything is removed."""
    _expect_sense(options)
    if options.scopes:
        from planner.cli import gc_scopes

        return gc_scopes.run(options)
    now = keys_now(options)
    registry, prefix = HttpRegistry(), prefix_of(options.against, now)
    if options.apply or options.action == "restore":
        _expect_granted(options, prefix)
    remover = remover_of(options, registry, prefix.partition("/")[0])
    if options.action == "restore" and remover is not None:
        hint = "POST /orgs/ORG/packages/container/NAME/versions/ID/restore, within 30 days"
        raise PlannerError(f"{prefix}: GitHub itself restores what was deleted from its registry\n  {hint}")
    roots, names = roots_of(options, now)
    keep = kept_list(options.keep)
    found = _read([f"{prefix}/{name}" for name in {*names, *options.repository}], registry, remover)
    expect_time(registry, prefix.partition("/")[0], applied=options.apply)
    if options.action == "restore":
        return _restore(registry, found)
    expect_found(keep, options.keep, prefix, found)
    judge = functools.partial(judged, roots, keep, prefix)
    decisions, budget = _within_budget([one for each in found for one in judge(each)], found, roots.now, options)
    if options.format == GOOGLE:
        return say(_policies(options, decisions, prefix, names))
    if options.apply:
        _apply(registry, found, decisions, judge, options)
    report = Report(
        listings=found,
        decisions=decisions,
        applied=options.apply,
        now=time.time(),
        wait=options.wait * DAY,
        budget=budget,
    )
    return say(document(report) if options.format == "json" else text(report))


def _expect_sense(options: argparse.Namespace) -> None:
    if not 0 <= options.last <= MAX_LAST:
        raise UsageError(f"--last is a number from 0 to {MAX_LAST:,}")
    if options.closed and not options.scopes:
        raise UsageError("--closed is for --scopes")
    if options.scopes:
        shared.refuse_foreign(options, arguments, "--scopes", NOT_SCOPES)
    shared.refuse_foreign(
        options, arguments, options.action, dict.fromkeys(("keep", "grace", "wait", "max-bytes"), "plan")
    )
    if options.scopes and (options.max_bytes is not None or options.format == GOOGLE or options.action == "restore"):
        raise UsageError(f"--scopes goes with neither restore, --max-bytes nor --format {GOOGLE}")
    if options.format == GOOGLE and (options.apply or options.grace < 1 or options.action == "restore"):
        hint = "the registry deletes by itself and at its time, so what is younger than a day must stay"
        raise UsageError(f"--format {GOOGLE} goes with a --grace of a day or more, without --apply\n  {hint}")


def _read(repositories: Collection[str], registry: HttpRegistry, remover: Remover | None = None) -> tuple[Listing, ...]:
    """The listings of repositories (see `listings`), with a bar on a terminal. Raises RegistryError."""
    with Counting("reading") as counting:
        found = listings(registry, repositories, counting)
    return found if remover is None else tuple(remover.widened(registry, each) for each in found)


def _expect_granted(options: argparse.Namespace, prefix: str) -> None:
    """In a CI under a policy, a run removes things only where it may push images. Raises PlannerError."""
    if not has_policy(options):
        return
    from planner.cli.trusting import LOCAL, standing
    from planner.policy.cache_refs import pushed_to

    found = standing(options)
    own = pushed_to(found.policy, found.judged)
    if found.provider != LOCAL and prefix != own:
        may = f"may remove things in {own} alone" if own else "may remove nothing"
        raise PlannerError(f"refused: gc of {prefix}: a run of level {found.judged.level} {may} ({found.judged.why})")


def _within_budget(
    decisions: Sequence[Decision], found: Sequence[Listing], now: float, options: argparse.Namespace
) -> tuple[Sequence[Decision], Budget | None]:
    if options.max_bytes is None:
        return decisions, None
    return within(decisions, options.max_bytes, now, frozenset(digest for each in found for digest in each.held))


def remover_of(options: argparse.Namespace, registry: HttpRegistry, host: str) -> Remover | None:
    """What deletes from registries that do so in their own way; None for those that do as OCI says."""
    if options.registry_kind != GHCR and (options.registry_kind == "oci" or host != "ghcr.io"):
        return None
    from planner.registry import forge
    from planner.registry.ghcr import Packages

    return Packages(registry.transport, forge.github_api(os.environ), forge.github_headers(os.environ))


def _restore(registry: HttpRegistry, found: Sequence[Listing]) -> int:
    count = sum(quarantine.give_back(registry, one) for each in found for one in each.quarantined)
    return say(f"{count} tags are back")


def _policies(options: argparse.Namespace, decisions: Sequence[Decision], prefix: str, names: Collection[str]) -> str:
    """Google's cleanup policies; package names are what follows project and repository in HOST/PROJECT/REPOSITORY/…."""
    host, *path = prefix.split("/")
    outer = 2 if host.endswith(HOSTS) else 0
    inner = "/".join(path[outer:])
    packages = [f"{inner}/{name}".lstrip("/") for name in {*names, *options.repository}]
    scopes: Mapping[str, int] = {}
    if has_policy(options):
        from planner.cli.gc_scopes import aged_paths

        scopes = aged_paths(options, host, outer, packages)
    return json.dumps(cleanup_policies(decisions, packages, options.grace * DAY, scopes), indent=2)


def _apply(
    registry: HttpRegistry,
    found: Sequence[Listing],
    decisions: Sequence[Decision],
    judge: Judge,
    options: argparse.Namespace,
) -> None:
    stays: dict[str, set[str]] = {each.repository: set() for each in found}
    goes: dict[str, set[str]] = {each.repository: set() for each in found}
    for one in decisions:
        (stays if one.keep else goes)[one.manifest.repository].add(one.manifest.digest)
    for each in found:
        remover = remover_of(options, registry, each.repository.partition("/")[0])
        if remover is None:
            _apply_here(registry, each, stays[each.repository], judge, options)
        elif goes[each.repository]:
            # Read again: what came into use meanwhile stays.
            again = judge(_read([each.repository], registry, remover)[0])
            here = goes[each.repository]
            remover.remove([one.manifest for one in again if not one.keep and one.manifest.digest in here])


def _apply_here(
    registry: HttpRegistry, each: Listing, stays: Collection[str], judge: Judge, options: argparse.Namespace
) -> None:
    """One repository: give back what is wanted again, put the rest away, delete what waited long enough.

    Before anything is deleted, the repository is read again: what came into use meanwhile stays.
    """
    for one in each.quarantined:
        quarantine.give_back(registry, one, stays)
    dropped = [one for one in each.manifests if one.digest not in stays and one.digest not in each.held]
    if dropped:
        quarantine.put_away(registry, dropped, time.time())
    # A run that was killed between writing a quarantine and taking all tags away.
    halfway = (each.held & each.tagged) - set(stays)
    quarantine.untag(registry, [one for one in each.manifests if one.digest in halfway])
    for one in each.quarantined:
        if time.time() - one.at >= options.wait * DAY:
            again = judge(listing(registry, each.repository))
            quarantine.delete(registry, one, frozenset(two.manifest.digest for two in again if not two.keep))
