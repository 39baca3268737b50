"""`planner gc`: removes from a registry what no ref, pin, lease or list wants: plan, then quarantine, then gone."""

from __future__ import annotations

import argparse
import fnmatch
import functools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from planner.cli import arguments as shared
from planner.cli.family import defines_family, folder_of, keys_in, keys_now
from planner.cli.published import PUBLISHED, age, prefix_of
from planner.cli.saying import say
from planner.digest.key import Keys, Known
from planner.digest.trace import agrees
from planner.errors import PlannerError, UsageError
from planner.explain.text import printable
from planner.local.git_tree import revision_tree
from planner.local.refs import commits_of, digests_in
from planner.plan.retention import DAY, Decision, Roots, decide, freed
from planner.registry import quarantine
from planner.registry.client import HttpRegistry
from planner.registry.leases import LONGEST
from planner.registry.listing import Listing, listing

EXAMPLE = "planner gc --ref 'release/*' --last 50"
MAX_LIST = 16 << 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument(
        "action", nargs="?", choices=("plan", "restore"), default="plan", help="restore ends quarantines"
    )
    parser.add_argument(
        "--ref", action="append", default=[], metavar="GLOB", help="branches and tags whose images stay [all of them]"
    )
    parser.add_argument("--main", default="HEAD", metavar="REV", help="the branch of --last [HEAD]")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="commits of it whose images stay [20]")
    parser.add_argument("--keep", metavar="FILE", help="a list of keys, digests and NAME:TAG globs that stay")
    parser.add_argument("--grace", type=float, default=14.0, metavar="DAYS", help="what is younger stays [14]")
    parser.add_argument("--wait", type=float, default=7.0, metavar="DAYS", help="time in quarantine [7]")
    parser.add_argument("--repository", action="append", default=[], metavar="NAME", help="also one that no ref names")
    parser.add_argument("--against", default=PUBLISHED, metavar="REGISTRY", help="HOST/PATH [that of the graph file]")
    parser.add_argument("--apply", action="store_true", help="do it: untag, and delete what waited long enough")
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Read everything, decide, and with --apply act. What cannot be read ends it before anything is removed."""
    now = keys_now(options)
    registry, prefix = HttpRegistry(), prefix_of(options.against, now)
    if options.grace < 0 or options.wait < 0 or options.last < 0:
        raise UsageError("--grace, --wait and --last are not negative")
    roots, names = _roots(options, now)
    keep = _kept_list(options.keep)
    listings = [listing(registry, f"{prefix}/{name}") for name in sorted({*names, *options.repository})]
    if options.action == "restore":
        count = sum(quarantine.give_back(registry, one) for each in listings for one in each.quarantined)
        return say(f"{count} tags are back")
    judge = functools.partial(_judged, roots, keep, prefix)
    decisions = [one for each in listings for one in judge(each)]
    if options.apply:
        for each in listings:
            _apply(registry, each, judge, options)
    answer = _json if options.format == "json" else _text
    return say(answer(decisions, listings, options))


def _roots(options: argparse.Namespace, now: Keys) -> tuple[Roots, frozenset[str]]:
    """What the refs want, and the names of all images that they know. Raises PlannerError where one cannot be read."""
    folder = folder_of(options)
    commits = commits_of(folder, options.ref or ["*"], options.main, options.last)
    keys: dict[str, str] = {}
    names: set[str] = set(now.keys)
    before = now
    for commit, known_as in commits.items():
        tree = revision_tree(folder, commit)
        if not defines_family(options, tree):
            continue
        try:
            known = Known(facts=before.facts, agrees=functools.partial(agrees, tree))
            before = keys_in(options, tree, known)
        except PlannerError as error:
            hint = "nothing is removed; leave the ref out with --ref, or repair it"
            raise PlannerError(f"{known_as} ({commit[:12]}) cannot be read: {error}\n  {hint}") from error
        names.update(before.keys)
        for key in before.keys.values():
            keys.setdefault(key, known_as)
    roots = Roots(
        keys={**dict.fromkeys(now.keys.values(), "the worktree"), **keys},
        digests=digests_in(folder, commits),
        now=time.time(),
        grace=options.grace * DAY,
        lease=LONGEST,
    )
    return roots, frozenset(names)


def _kept_list(file: str | None) -> tuple[str, ...]:
    if not file:
        return ()
    try:
        with open(file, "rb") as stream:
            text = stream.read(MAX_LIST).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlannerError(f"{file}: cannot be read: {error}") from error
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(line for line in lines if line)


def _judged(roots: Roots, keep: Sequence[str], prefix: str, each: Listing) -> tuple[Decision, ...]:
    """Decide over one repository: by the roots and the keep list, of which what is no key or digest is a glob."""
    listed = dict.fromkeys(keep, "the keep list")
    name = each.repository.removeprefix(f"{prefix}/")
    for one in each.manifests:
        if any(fnmatch.fnmatchcase(f"{name}:{tag}", glob) for tag in one.tags for glob in keep):
            listed[one.digest] = "the keep list"
    wide = replace(roots, keys={**listed, **roots.keys}, digests={**listed, **roots.digests})
    return decide(each.manifests, wide)


def _apply(
    registry: HttpRegistry,
    each: Listing,
    judge: Callable[[Listing], tuple[Decision, ...]],
    options: argparse.Namespace,
) -> None:
    """One repository: give back what is wanted again, put the rest away, delete what waited long enough.

    Before anything is deleted, the repository is read again: what came into use meanwhile stays.
    """
    stays = frozenset(one.manifest.digest for one in judge(each) if one.keep)
    for one in each.quarantined:
        quarantine.give_back(registry, one, stays)
    dropped = [one for one in each.manifests if one.digest not in stays and one.digest not in each.held]
    if dropped:
        quarantine.put_away(registry, dropped, time.time())
    for one in each.quarantined:
        if _due(one, options):
            again = judge(listing(registry, each.repository))
            quarantine.delete(registry, one, frozenset(two.manifest.digest for two in again if not two.keep))


def _due(one: quarantine.Quarantined, options: argparse.Namespace) -> bool:
    return bool(time.time() - one.at >= options.wait * DAY)


def _state(one: Decision, each: Listing) -> str:
    if one.manifest.digest in each.held:
        return "in quarantine" if not one.keep else "wanted again"
    return "keep" if one.keep else "drop"


def _text(decisions: Sequence[Decision], listings: Sequence[Listing], options: argparse.Namespace) -> str:
    lines: list[str] = []
    for each in listings:
        here = [one for one in decisions if one.manifest.repository == each.repository]
        if not here and not each.quarantined:
            continue
        lines.append(each.repository)
        kept = Counter(one.why for one in here if one.keep)
        lines += [f"  keep  {count:4}  {printable(why)}" for why, count in sorted(kept.items())]
        lines += _dropped(here, each)
        for one in each.quarantined:
            due = "due" if _due(one, options) else f"for {age(time.time() - one.at)}"
            lines.append(f"  in quarantine {due}: {len(one.entries)} manifests as {one.tag}")
    word = "dropped" if options.apply else "would be dropped"
    count = sum(not one.keep for one in decisions)
    lines += [
        "",
        f"{count} of {len(decisions)} manifests {word}, with {freed(decisions)} bytes that nothing else names",
    ]
    if count and not options.apply:
        lines.append("--apply untags them, and deletes what has been in quarantine for long enough")
    return "\n".join(lines)


def _dropped(here: Sequence[Decision], each: Listing) -> Iterator[str]:
    for one in here:
        if not one.keep and one.manifest.digest not in each.held:
            tags = ", ".join(one.manifest.tags) or "no tag"
            size = sum(one.manifest.blobs.values()) + one.manifest.size
            yield f"  drop  {one.manifest.kind:<9}  {one.manifest.digest}  {size} bytes  ({printable(tags)}): {one.why}"


def _json(decisions: Sequence[Decision], listings: Sequence[Listing], options: argparse.Namespace) -> str:
    by_repository: Mapping[str, Listing] = {each.repository: each for each in listings}
    document = {
        "version": 1,
        "applied": options.apply,
        "freed": freed(decisions),
        "manifests": [
            {
                "repository": one.manifest.repository,
                "digest": one.manifest.digest,
                "kind": one.manifest.kind.value,
                "tags": list(one.manifest.tags),
                "state": _state(one, by_repository[one.manifest.repository]).replace(" ", "-"),
                "why": one.why,
                "bytes": sum(one.manifest.blobs.values()) + one.manifest.size,
            }
            for one in decisions
        ],
        "quarantines": [
            {"repository": one.repository, "tag": one.tag, "manifests": len(one.entries), "due": _due(one, options)}
            for each in listings
            for one in each.quarantined
        ],
    }
    return json.dumps(document, indent=2)
