"""Collects what keeps images alive: git refs, open pull requests, pins, the keep list.

What cannot be read is an error, so that nothing is removed for the lack of it.
"""

from __future__ import annotations

import argparse
import fnmatch
import functools
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from planner.cli.arguments import POLICY
from planner.cli.family import defines_family, folder_of, keys_in
from planner.digest.key import Keys, Known
from planner.digest.trace import agrees
from planner.errors import PlannerError
from planner.local.git_tree import revision_tree
from planner.local.refs import commits_of, digests_in, expect_commit
from planner.plan.retention import DAY, Decision, Roots, decide
from planner.policy.identity import Identity
from planner.policy.pull_requests import PullRequest, Unknown, read
from planner.registry.leases import LONGEST
from planner.registry.listing import Listing

MAX_LIST = 64 << 20
API = "api"
"""What stands for the forge's API in place of a file."""


def roots_of(options: argparse.Namespace, now: Keys) -> tuple[Roots, frozenset[str]]:
    """What the refs want, and the names of all images that they know. Raises PlannerError where one cannot be read."""
    folder = folder_of(options)
    commits = _commits(options)
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


def _commits(options: argparse.Namespace) -> Mapping[str, str]:
    """The commits that keep images, with how people know them: of refs, and the heads of open pull requests."""
    folder = folder_of(options)
    found = dict(commits_of(folder, options.ref or ["*"], options.main, options.last))
    for one in open_requests(options) or ():
        if not one.commit:
            raise PlannerError(f"--pull-requests: nothing tells the head of {one.number}: write its commit after it")
        expect_commit(folder, one.commit, f"pull request {one.number}")
        found.setdefault(one.commit, f"pull request {one.number}")
    return found


def pins_of(options: argparse.Namespace) -> Roots:
    """What keeps anything in the scope of a pull request: pins at the refs, and leases; the grace time is 0."""
    folder = folder_of(options)
    digests = digests_in(folder, commits_of(folder, options.ref or ["*"], options.main, options.last))
    return Roots(keys={}, digests=digests, now=time.time(), grace=0.0, lease=LONGEST)


def open_requests(options: argparse.Namespace) -> tuple[PullRequest, ...] | None:
    """The open pull requests that the command line names, None where it names none. Raises PlannerError."""
    if not options.pull_requests:
        return None
    identity = identity_of(options)
    if options.pull_requests == API:
        from planner.registry import forge
        from planner.registry.transport import Transport

        return forge.open_requests(forge.forge_of(os.environ, identity), Transport())
    return tuple(one for one in requests_in(options.pull_requests, identity) if not one.ended)


def requests_in(file: str, identity: Identity) -> tuple[PullRequest, ...]:
    """The pull requests of a file in any form that is known. Raises PlannerError."""
    try:
        return read(_text(file), identity)
    except Unknown as error:
        raise PlannerError(f"{file}: {error}") from error


def identity_of(options: argparse.Namespace) -> Identity:
    """Which repository is ours, as the policy says; nothing where there is no policy."""
    if not has_policy(options):
        return Identity()
    from planner.cli.policy import policy_of

    return policy_of(options).identity


def has_policy(options: argparse.Namespace) -> bool:
    """Whether a policy is in force."""
    return bool(options.policy) or (folder_of(options) / POLICY).is_file()


def kept_list(file: str | None) -> tuple[str, ...]:
    """The lines of a keep list. Raises PlannerError."""
    if not file:
        return ()
    lines = (line.partition("#")[0].strip() for line in _text(file).splitlines())
    return tuple(line for line in lines if line)


def _text(file: str) -> str:
    try:
        with open(file, "rb") as stream:
            data = stream.read(MAX_LIST + 1)
            text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlannerError(f"{file}: cannot be read: {error}") from error
    if len(data) > MAX_LIST:
        raise PlannerError(f"{file}: is longer than {MAX_LIST} bytes")
    return text


def judged(roots: Roots, keep: Sequence[str], prefix: str, each: Listing) -> tuple[Decision, ...]:
    """Decide over one repository: by the roots and the keep list, of which what is no key or digest is a glob."""
    listed = dict.fromkeys(keep, "the keep list")
    name = each.repository.removeprefix(f"{prefix}/")
    for one in each.manifests:
        if any(fnmatch.fnmatchcase(f"{name}:{tag}", glob) for tag in one.tags for glob in keep):
            listed[one.digest] = "the keep list"
    wide = replace(roots, keys={**listed, **roots.keys}, digests={**listed, **roots.digests})
    return decide(each.manifests, wide)
