"""Turns what a policy says of runs into one expression in CEL, which gives the level of an identity token's claims.

It is the table of levels once more, for registries that judge tokens themselves. It may be narrower than
`planner.policy.claims`, never wider: a claim that is missing is an error there, and nobody is admitted by an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from planner.policy.environments import GITHUB_EVENTS, GITLAB_EVENTS
from planner.policy.identity import Identity, Ours
from planner.policy.levels import RULES, Event, Level, RefKind, Rule

ISSUERS = {"github": "https://token.actions.githubusercontent.com", "gitlab": "https://gitlab.com"}
"""Providers whose identity tokens can be judged, with their public issuers."""
NUMBER_PART = 2
"""Which part of the ref of a pull request between slashes is its number: refs/pull/17/merge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What a provider calls the claims that the table asks for."""

    events: Mapping[str, Event]
    repository: tuple[str, str, str]
    event: str
    ref: str
    pull: str
    actor: str
    runner: str = "runner_environment"


CLAIMS = {
    "github": Claims(
        events=GITHUB_EVENTS,
        repository=("repository", "repository_id", "repository_owner_id"),
        event="event_name",
        ref="ref",
        pull="^refs/pull/[1-9][0-9]{0,9}/merge$",
        actor="actor",
    ),
    "gitlab": Claims(
        events=GITLAB_EVENTS,
        repository=("project_path", "project_id", "namespace_id"),
        event="pipeline_source",
        ref="ref_path",
        pull="^refs/merge-requests/[1-9][0-9]{0,9}/(?:merge|head|train)$",
        actor="user_login",
    ),
}


def quoted(text: str) -> str:
    """A text as a literal of CEL, whose escapes are those of JSON but for characters outside its basic plane."""
    return json.dumps(text, ensure_ascii=False)


def ours_expression(ours: Ours, name: str) -> str:
    """True for a token of this repository, by its name and both ids. `name` is what holds the claims."""
    values = (ours.name, ours.repository_id, ours.owner_id)
    pairs = zip(CLAIMS[ours.provider].repository, values, strict=True)
    return " && ".join(f"{name}.{claim} == {quoted(value)}" for claim, value in pairs)


def level_expression(identity: Identity, ours: Ours, name: str) -> str:
    """The level of the claims that `name` holds, as the word that a policy uses; "untrusted" where no row admits them.

    A `ref_protected` other than the text "true" protects nothing here.
    """
    said = "".join(f"{_row(identity, rule, ours.provider, name)} ? {quoted(rule.level)} : " for rule in RULES)
    admitted = " && ".join([ours_expression(ours, name), *_who(identity, ours.provider, name)])
    return f"!({admitted}) ? {quoted(Level.UNTRUSTED)} : {said}{quoted(Level.UNTRUSTED)}"


def ref_claim(provider: str) -> str:
    """The claim that holds the number of a pull request, as its NUMBER_PART."""
    return CLAIMS[provider].ref


def _row(identity: Identity, rule: Rule, provider: str, name: str) -> str:
    claims = CLAIMS[provider]
    events = [text for text, event in claims.events.items() if event in rule.events]
    happened = f"{name}.{claims.event} in [{', '.join(quoted(text) for text in events)}]"
    ref = f"{name}.{claims.ref}"
    if rule.ref is RefKind.PULL:
        return f"({happened} && {ref}.matches({quoted(claims.pull)}))"
    tags = rule.ref is RefKind.PROTECTED_TAG
    begins, globs = ("refs/tags/", identity.tags) if tags else ("refs/heads/", identity.branches)
    protected = f'{name}.ref_protected == "true"'
    return f"({happened} && {protected} && {_any_of(ref, begins, globs)})"


def _who(identity: Identity, provider: str, name: str) -> list[str]:
    claims = CLAIMS[provider]
    actor = f"{name}.{claims.actor}"
    refused = [f"!({_any_of(actor, '', identity.refused)})"] if identity.refused else []
    return [f'{actor} != ""', *refused, _any_of(f"{name}.{claims.runner}", "", identity.runners)]


def _any_of(value: str, begins: str, globs: Iterable[str]) -> str:
    """Whether a text is one of those that the globs mean, or letter by letter one of them."""
    exact = [quoted(begins + glob) for glob in globs]
    patterns = [_regular(begins, glob) for glob in globs if re.search(r"[*?\[]", glob)]
    tests = [f"{value} in [{', '.join(exact)}]"] if exact else []
    tests += [f"{value}.matches({quoted(pattern)})" for pattern in patterns]
    return f"({' || '.join(tests)})" if tests else "false"


def _regular(begins: str, glob: str) -> str:
    """A glob of `fnmatch` in the regular expressions of RE2, over the whole text."""
    found, at = "", 0
    while at < len(glob):
        letter, at = glob[at], at + 1
        if letter == "*":
            found += ".*"
        elif letter == "?":
            found += "."
        elif letter == "[" and (end := glob.find("]", at + (2 if glob[at : at + 1] == "!" else 1))) > 0:
            inside = glob[at:end].replace("\\", r"\\").replace("[", r"\[")
            found += f"[^{inside[1:]}]" if inside[0] == "!" else f"[{_first(inside)}]"
            at = end + 1
        else:
            found += re.escape(letter)
    return f"(?s)^{re.escape(begins)}{found}$"


def _first(inside: str) -> str:
    return f"\\{inside}" if inside[0] in "^]" else inside
