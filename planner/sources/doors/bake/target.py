"""A target of Bake as a record: everything that `docker buildx bake --print` says of it, and where it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from planner.model.frozen import dataclass
from planner.model.image import Pairs, Span
from planner.sources.doors.bake.fields import Fields
from planner.sources.doors.bake.functions.places import clean
from planner.sources.doors.bake.values import Value
from planner.sources.fetched import REMOTE

Entry = Pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class Ssh:
    """An ssh agent or key of a target."""

    id: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """A policy of a target; None where a field is not given."""

    files: tuple[str, ...] = ()
    reset: bool = False
    disabled: bool = False
    strict: bool | None = None
    log_level: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What Bake would build. None is an attribute that is not given where "" is something else.

    Entries of caches, outputs, secrets and attestations are pairs, sorted by name.
    """

    name: str
    span: Span
    description: str = ""
    context: str = "."
    contexts: Pairs = ()
    dockerfile: str = "Dockerfile"
    inline: str | None = None
    args: Pairs = ()
    labels: Pairs = ()
    tags: tuple[str, ...] = ()
    target: str | None = None
    platforms: tuple[str, ...] = ()
    secrets: tuple[Entry, ...] = ()
    ssh: tuple[Ssh, ...] = ()
    network: str | None = None
    cache_from: tuple[Entry, ...] = ()
    cache_to: tuple[Entry, ...] = ()
    outputs: tuple[Entry, ...] = ()
    attest: tuple[Entry, ...] = ()
    annotations: tuple[str, ...] = ()
    entitlements: tuple[str, ...] = ()
    lent: tuple[str, ...] = ()
    """The entitlements that only targets need which this one links to."""
    extra_hosts: Pairs = ()
    ulimits: tuple[str, ...] = ()
    resources: tuple[tuple[str, str | int], ...] = ()
    shm_size: str | None = None
    pull: bool | None = None
    no_cache: bool | None = None
    no_cache_filter: tuple[str, ...] = ()
    call: str | None = None
    policies: tuple[Policy, ...] = ()
    inherits: tuple[str, ...] = ()
    unknown: tuple[tuple[str, Span], ...] = ()
    """Attributes and blocks that Bake leaves out without a word."""


def made(name: str, span: Span, fields: Fields, unknown: Sequence[tuple[str, Span]]) -> Target:
    """The record of resolved attributes."""
    context = fields.get("context")
    resources = fields.get("resources") or {}
    return Target(
        name=name,
        span=span,
        description=fields.get("description") or "",
        context=cleaned("." if context is None else context),
        contexts=_pairs(fields.get("contexts")),
        dockerfile=fields.get("dockerfile") or "Dockerfile",
        inline=fields.get("dockerfile-inline"),
        args=_pairs(fields.get("args")),
        labels=_pairs(fields.get("labels")),
        tags=_texts(fields, "tags"),
        target=fields.get("target"),
        platforms=_texts(fields, "platforms"),
        secrets=_entries(fields, "secret"),
        ssh=tuple(Ssh(id=one["id"], paths=tuple(one["paths"])) for one in fields.get("ssh") or ()),
        network=fields.get("network"),
        cache_from=_entries(fields, "cache-from"),
        cache_to=_entries(fields, "cache-to"),
        outputs=_entries(fields, "output"),
        attest=_entries(fields, "attest"),
        annotations=_texts(fields, "annotations"),
        entitlements=_texts(fields, "entitlements"),
        extra_hosts=_pairs(fields.get("extra-hosts")),
        ulimits=_texts(fields, "ulimits"),
        resources=tuple((key, value) for key, value in sorted(resources.items()) if value is not None),
        shm_size=fields.get("shm-size"),
        pull=fields.get("pull"),
        no_cache=fields.get("no-cache"),
        no_cache_filter=_texts(fields, "no-cache-filter"),
        call=fields.get("call"),
        policies=tuple(map(_policy, fields.get("policy") or ())),
        inherits=_texts(fields, "inherits"),
        unknown=tuple(unknown),
    )


def cleaned(context: str) -> str:
    """A context as buildx prints it: without its `cwd://`, and clean where it is a path."""
    if context.startswith("cwd://"):
        return clean(context.removeprefix("cwd://"))
    return context if REMOTE.match(context) else clean(context)


def _texts(fields: Fields, name: str) -> tuple[str, ...]:
    return tuple(fields.get(name) or ())


def _pairs(found: Mapping[str, Value] | None) -> Pairs:
    return tuple(sorted((name, value) for name, value in (found or {}).items() if value is not None))


def _entries(fields: Fields, name: str) -> tuple[Entry, ...]:
    """Entries as pairs; a secret's field, and a destination, is left out where it is empty."""
    return tuple(
        tuple(sorted((key, value) for key, value in one.items() if value or (name != "secret" and key != "dest")))
        for one in fields.get(name) or ()
    )


def _policy(entry: Mapping[str, Any]) -> Policy:
    return Policy(
        files=tuple(entry["files"]),
        reset=entry.get("reset", False),
        disabled=entry.get("disabled", False),
        strict=entry.get("strict"),
        log_level=entry.get("log-level", ""),
    )
