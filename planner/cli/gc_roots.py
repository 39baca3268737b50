"""Collects what keeps images alive: git refs, open pull requests, pins, the keep list.

What cannot be read is an error, so that nothing is removed for the lack of it.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import posixpath
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace

from planner.cli.arguments import policy_stands_in
from planner.cli.asides import warn
from planner.cli.family import ENVIRONMENT, defines_family, definition_in, folder_of, keys_in
from planner.cli.published import age
from planner.digest.key import Keys, Known
from planner.digest.retold import Retold
from planner.errors import PlannerError, UsageError
from planner.explain.text import printable
from planner.local.git_tree import worktree
from planner.local.refs import commits_of, digests_in, expect_commit, history_of, is_left_out, paths_at
from planner.local.revisions import revision_tree
from planner.plan.retention import DAY, SKEW, Decision, Roots, decide
from planner.policy.identity import Identity
from planner.policy.pull_requests import PullRequest, Unknown, read
from planner.ports import Tree
from planner.registry.client import HttpRegistry
from planner.registry.leases import LONGEST
from planner.registry.listing import Listing
from planner.sources.discovery.files import is_dockerfile
from planner.system import given_files

MAX_LIST = 64 << 20
MAX_TOLD = 10
"""Commits of one message."""
_PULL = "pull request "
API = "api"
"""What stands for the forge's API in place of a file."""


def roots_of(options: argparse.Namespace, now: Keys) -> tuple[Roots, frozenset[str]]:
    """What the refs want, and the names of the images whose repositories are cleaned. Raises PlannerError.

    What is not in the history of `--main` may be a pull request's or a branch's of anybody. Its graph file sees no
    variables but those that the worktree's own one read, and what it names is kept, but never cleaned: it may be the
    repository of another family.
    """
    own = frozenset(ENVIRONMENT.asked)
    folder = folder_of(options)
    heads, history = _heads(options), history_of(folder, options.main, options.last)
    commits = {**heads, **{commit: name for commit, name in history.items() if commit not in heads}}
    if options.via_buildx and heads.keys() - history.keys():
        what = "--via-buildx: has graph files of others read with every variable of this run"
        raise UsageError(f"{what}\n  leave it out, or let --ref name only what is in the history of --main")
    keys: dict[str, str] = {}
    names, others = set(now.keys), set[str]()
    latest = {True: now, False: now}
    absent = Absent(options)
    for commit, known_as in commits.items():
        tree = revision_tree(folder, commit)
        is_ours = commit in history
        try:
            with nullcontext() if is_ours else ENVIRONMENT.narrowed(own):
                if absent.is_at(tree, commit, known_as, is_head=commit in heads):
                    continue
                known = Known(facts=latest[is_ours].facts, agrees=Retold(tree).agrees)
                before = latest[is_ours] = keys_in(options, tree, known)
        except PlannerError as error:
            less = f"leave it out with --ref '!{_as_ref(known_as)}'" if commit in heads else "ask for fewer with --last"
            hint = f"nothing is removed; repair it, or {less}"
            raise PlannerError(f"{known_as} ({commit[:12]}) cannot be read: {error}\n  {hint}") from error
        (names if is_ours else others).update(before.keys)
        for key in before.keys.values():
            keys.setdefault(key, known_as)
    absent.tell()
    if unknown := sorted(others - names - set(options.repository)):
        warn(f"{_some(unknown)}: not in the history of --main, so nothing is removed there; --repository NAME does")
    roots = Roots(
        keys={**dict.fromkeys(now.keys.values(), "the worktree"), **keys},
        digests=digests_in(folder, commits),
        now=time.time(),
        grace=options.grace * DAY,
        lease=LONGEST,
    )
    return roots, frozenset(names)


def expect_time(registry: HttpRegistry, host: str, *, applied: bool) -> None:
    """Raise PlannerError, or warn where nothing is `applied`, where the clocks here and of a registry do not agree.

    By a wrong one new images are old, and leases that others hold have run out.
    """
    ahead = registry.transport.ahead_of(host)
    if abs(ahead) <= SKEW:
        return
    what = f"the clock of this machine is {age(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} that of {host}"
    if applied:
        raise PlannerError(f"{what}: nothing is removed, since nothing here tells how old an image is\n  set it right")
    warn(f"{what}: nothing would be removed")


def _heads(options: argparse.Namespace) -> Mapping[str, str]:
    """The commits of refs and the heads of open pull requests, with how people know them."""
    folder = folder_of(options)
    found = dict(commits_of(folder, options.ref))
    for one in open_requests(options) or ():
        known_as = f"{_PULL}{one.number}"
        if is_left_out(_as_ref(known_as), options.ref):
            continue
        if not one.commit:
            raise PlannerError(f"--pull-requests: nothing tells the head of {one.number}: write its commit after it")
        expect_commit(folder, one.commit, known_as)
        found.setdefault(one.commit, known_as)
    return found


def _as_ref(known_as: str) -> str:
    """What `--ref` calls a commit by."""
    return f"pull/{known_as.removeprefix(_PULL)}" if known_as.startswith(_PULL) else known_as


class Absent:
    """Commits without a graph file where it is today: their images may have been published from another place."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        today = definition_in(options, worktree(folder_of(options)))
        self.names = frozenset(posixpath.basename(file) for file in today.files) if today is not None else frozenset()
        self.wrong: list[tuple[str, str]] = []
        self.passed: list[str] = []

    def is_at(self, tree: Tree, commit: str, known_as: str, *, is_head: bool) -> bool:
        """Whether a commit wants no images that can be told; noted where it may want some all the same."""
        if definition_in(self.options, tree) is not None if self.names else defines_family(self.options, tree):
            return False
        names = [posixpath.basename(path) for path in paths_at(folder_of(self.options), commit)]
        is_moved = not self.names.isdisjoint(names)
        if not is_moved and defines_family(self.options, tree):
            return False
        if is_head and (is_moved or any(map(is_dockerfile, names))):
            self.wrong.append((known_as, commit))
        else:
            self.passed.append(known_as)
        return True

    def tell(self) -> None:
        """Warn of old commits and of refs that hold nothing to build. Raises PlannerError for all others."""
        what = "no graph file is where it is today"
        if self.wrong:
            out = " ".join(f"--ref '!{_as_ref(name)}'" for name, _ in self.wrong[:MAX_TOLD])
            named = _some([f"{name} ({commit[:12]})" for name, commit in self.wrong])
            hint = f"nothing is removed; if nobody needs its images, leave it out: {out}"
            raise PlannerError(f"{named}: {what}, so that nothing tells which images it needs\n  {hint}")
        if self.passed:
            warn(f"{_some(self.passed)}: {what}, so that nothing is kept for {len(self.passed)} commits")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_TOLD]) + (", …" if len(names) > MAX_TOLD else "")


def pins_of(options: argparse.Namespace) -> Roots:
    """What keeps anything in the scope of a pull request: pins at the refs, and leases; the grace time is 0."""
    folder = folder_of(options)
    commits = {**history_of(folder, options.main, options.last), **commits_of(folder, options.ref)}
    return Roots(keys={}, digests=digests_in(folder, commits), now=time.time(), grace=0.0, lease=LONGEST)


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
    return bool(options.policy) or policy_stands_in(folder_of(options))


def kept_list(file: str | None) -> tuple[str, ...]:
    """The lines of a keep list. Raises PlannerError."""
    if not file:
        return ()
    lines = (line.partition("#")[0].strip() for line in _text(file).splitlines())
    return tuple(line for line in lines if line)


def _text(file: str) -> str:
    try:
        return given_files.read(file, MAX_LIST).decode("utf-8-sig")
    except OSError as error:
        raise PlannerError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PlannerError(f"{file}: cannot be read: {error}") from error


def expect_found(keep: Sequence[str], file: str | None, prefix: str, found: Sequence[Listing]) -> None:
    """Raise PlannerError for lines of the keep list that keep nothing: what they were written for would go."""
    known: set[str] = set()
    named: set[str] = set()
    for each in found:
        name = each.repository.removeprefix(f"{prefix}/")
        for one in each.manifests:
            known.update((one.digest, *(tag.removeprefix("rec-") for tag in one.tags)))
            named.update(f"{name}:{tag}" for tag in one.tags)
    wrong = [line for line in keep if line not in known and not fnmatch.filter(named, line)]
    if wrong:
        hint = "nothing is removed; write a key, a digest or a glob over NAME:TAG, and take out what is there no more"
        more = f", nor {len(wrong) - 1} other lines" if len(wrong) > 1 else ""
        raise PlannerError(f'{file}: nothing is called "{printable(wrong[0])}"{more}\n  {hint}')


def judged(roots: Roots, keep: Sequence[str], prefix: str, each: Listing) -> tuple[Decision, ...]:
    """Decide over one repository: by the roots and the keep list, of which what is no key or digest is a glob."""
    listed = dict.fromkeys(keep, "the keep list")
    name = each.repository.removeprefix(f"{prefix}/")
    for one in each.manifests:
        if any(fnmatch.fnmatchcase(f"{name}:{tag}", glob) for tag in one.tags for glob in keep):
            listed[one.digest] = "the keep list"
    wide = replace(roots, keys={**listed, **roots.keys}, digests={**listed, **roots.digests})
    return decide(each.manifests, wide)
