"""Turns what a forge says of pull and merge requests, in any of its documented forms, into their numbers and states.

Forms: a webhook's payload (GitHub `pull_request`, GitLab `merge_request`), a list of the REST API of either, what
`gh pr list --json number,headRefOid` prints, and plain lines. What fits none of them is refused, never guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.model.names import COMMIT
from planner.policy.identity import Identity
from planner.policy.levels import Origin

MAX_NUMBER = 9_999_999_999
_LINE = re.compile(r"[#!]?([1-9][0-9]{0,9})(?:\s+([0-9a-f]{40}|[0-9a-f]{64}))?", re.ASCII)
OPEN = ("open", "opened", "locked", "reopened")
"""States in which more may be pushed; GitLab's `locked` is that of a merge that goes on."""
ENDED = ("closed", "merged")


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequest:
    """A pull or merge request: `commit` is its head, `state` one of OPEN or ENDED; both "" where they were not told."""

    number: int
    commit: str = ""
    state: str = ""

    @property
    def ended(self) -> bool:
        """Whether it is known to be merged or closed."""
        return self.state in ENDED


class Unknown(ValueError):
    """A text that tells of no pull requests, and what is wrong with it."""


def read(text: str, identity: Identity | None = None) -> tuple[PullRequest, ...]:
    """What a file says. With `identity`, an event of another repository is refused. Raises Unknown."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Unknown("is no JSON") from error
        return read_list(document) if isinstance(document, list) else (read_event(document, identity),)
    return _lines(text)


def _lines(text: str) -> tuple[PullRequest, ...]:
    found: list[PullRequest] = []
    for at, line in enumerate(text.splitlines(), 1):
        told = line.strip()
        if not told or told.startswith("# "):
            continue
        match = _LINE.fullmatch(told)
        if match is None:
            raise Unknown(f"line {at}: is no number of a pull request, such as 17, or 17 and the commit of its head")
        found.append(PullRequest(number=int(match[1]), commit=match[2] or ""))
    return tuple(found)


def read_list(document: object) -> tuple[PullRequest, ...]:
    """A list of pull requests as an API gives it. Raises Unknown, also where one entry of it cannot be read."""
    if not isinstance(document, list):
        raise Unknown("is no list of pull requests")
    return tuple(_entry(one) for one in document)


def _entry(one: object) -> PullRequest:
    """An entry of GitHub's list (`number`, `head.sha`), of GitLab's (`iid`, `sha`), or of `gh pr list`."""
    head = _at(one, "head", "sha") or _at(one, "headRefOid") or _at(one, "sha") or ""
    number = _at(one, "number") if _at(one, "number") is not None else _at(one, "iid")
    return PullRequest(number=_number(number), commit=_commit(head), state=_state(one))


def read_event(document: object, identity: Identity | None = None) -> PullRequest:
    """The payload of one webhook. Raises Unknown for other events, and for those of another repository."""
    if _at(document, "object_kind") == "merge_request":
        name, number = _at(document, "project", "path_with_namespace"), _at(document, "project", "id")
        _expect_ours(identity, "gitlab", name, number, None)
        about = _at(document, "object_attributes")
        commit = _commit(_at(about, "last_commit", "id") or "")
        return PullRequest(number=_number(_at(about, "iid")), commit=commit, state=_state(about))
    about = _at(document, "pull_request")
    if about is None:
        raise Unknown("is no event of a pull request (GitHub) or merge request (GitLab)")
    repository = _at(document, "repository")
    owner = _at(repository, "owner", "id")
    _expect_ours(identity, "github", _at(repository, "full_name"), _at(repository, "id"), owner)
    return PullRequest(
        number=_number(_at(about, "number")), commit=_commit(_at(about, "head", "sha") or ""), state=_state(about)
    )


def _expect_ours(identity: Identity | None, provider: str, name: object, number: object, owner: object) -> None:
    if identity is None or not any(ours.provider == provider for ours in identity.repositories):
        return
    mine = [one for one in identity.repositories if one.provider == provider]
    # A hook of GitLab does not tell the namespace's number: the project's own is enough, since it is never reused.
    told = str(owner) if owner is not None else next((one.owner_id for one in mine if one.name == name), "")
    if identity.origin(provider, str(name), str(number), told) is not Origin.SAME:
        raise Unknown(f"is an event of {name!s:.80} ({number!s:.20}), which is not the policy's repository")


def _state(one: object) -> str:
    state = str(_at(one, "state") or "").lower()
    if state not in ("", *OPEN, *ENDED):
        raise Unknown(f"a pull request has the state {state[:40]!r}, which means neither open nor ended")
    return state


def _at(document: object, *names: str) -> object:
    for name in names:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def _number(found: object) -> int:
    if isinstance(found, int) and not isinstance(found, bool) and 0 < found <= MAX_NUMBER:
        return found
    raise Unknown("a pull request without a number")


def _commit(found: object) -> str:
    if found == "" or (isinstance(found, str) and COMMIT.fullmatch(found)):
        return str(found)
    raise Unknown("a pull request whose head is no commit id")


def numbers(requests: Sequence[PullRequest]) -> frozenset[int]:
    """Their numbers."""
    return frozenset(one.number for one in requests)
