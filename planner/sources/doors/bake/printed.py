"""Writes resolved targets as `docker buildx bake --print` does, the JSON form that says everything, and reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from planner.errors import PlannerError
from planner.model.image import Span
from planner.sources.doors.bake.fields import TARGET
from planner.sources.doors.bake.functions.encodings import frozen
from planner.sources.doors.bake.resolving import Resolved
from planner.sources.doors.bake.target import Entry, Policy, Ssh, Target, made
from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import List, Value


def printed(resolved: Resolved) -> str:
    """The whole document."""
    return json.dumps(document(resolved), indent=2, sort_keys=True, ensure_ascii=False)


def document(resolved: Resolved) -> dict[str, Any]:
    """The whole document as plain values."""
    groups = {
        group.name: {**_given(description=group.description), "targets": list(group.targets)}
        for group in resolved.groups
    }
    return {**_given(group=groups), "target": {target.name: target_document(target) for target in resolved.targets}}


def target_document(target: Target) -> dict[str, Any]:
    """One target."""
    found = _given(
        description=target.description,
        annotations=[escaped(text) for text in target.annotations],
        attest=[_attest(entry) for entry in target.attest],
        contexts=dict(target.contexts),
        args=_escaped(target.args),
        labels=_escaped(target.labels),
        tags=list(target.tags),
        cache_from=[dict(entry) for entry in target.cache_from],
        cache_to=[dict(entry) for entry in target.cache_to],
        secret=[dict(entry) for entry in target.secrets],
        ssh=[_ssh(one) for one in target.ssh],
        platforms=list(target.platforms),
        output=[dict(entry) for entry in target.outputs],
        no_cache_filter=list(target.no_cache_filter),
        ulimits=list(target.ulimits),
        resources=dict(target.resources),
        entitlements=list(target.entitlements),
        extra_hosts=_escaped(target.extra_hosts),
        policy=[_policy(one) for one in target.policies],
    )
    texts: Mapping[str, str | bool | None] = {
        "context": target.context,
        "dockerfile": target.dockerfile,
        "dockerfile-inline": None if target.inline is None else escaped(target.inline),
        "target": target.target,
        "pull": target.pull,
        "no-cache": target.no_cache,
        "network": target.network,
        "shm-size": target.shm_size,
        "call": target.call,
    }
    return {**found, **{name: value for name, value in texts.items() if value is not None}}


def _given(**found: Any) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in found.items() if value}


def escaped(text: str) -> str:
    """A text as a template that is worth it."""
    return text.replace("${", "$${").replace("%{", "%%{")


def _escaped(pairs: Entry) -> dict[str, str]:
    return {name: escaped(value) for name, value in pairs}


def _attest(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "", **dict(entry)}
    if "disabled" in found:
        found["disabled"] = True
    return found


def _ssh(one: Ssh) -> dict[str, Any]:
    return _given(id=one.id, paths=list(one.paths))


def _policy(one: Policy) -> dict[str, Any]:
    return {
        "Files": [{"Filename": name, "Data": None} for name in one.files] or None,
        "Reset": one.reset,
        "Disabled": one.disabled,
        "Strict": one.strict,
        "LogLevel": one.log_level or None,
    }


def targets_of(document: Any, file: str) -> list[Target]:
    """The targets of a printed document. Raises PlannerError for what buildx does not print."""
    span = Span(file=file, line=1)
    try:
        return [made(name, span, _fields(found), ()) for name, found in sorted(document["target"].items())]
    except (KeyError, TypeError, AttributeError, Wrong) as error:
        raise PlannerError(f"{file}: what buildx prints cannot be read: {error}") from error


def _fields(found: dict[str, Any]) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    for name, value in found.items():
        if name == "policy":
            fields[name] = List(_policy_of(one) for one in value)
        elif name in TARGET:
            fields[name] = TARGET[name](frozen(_unescaped(value) if name in _ESCAPED else value))
        else:
            raise PlannerError(f"buildx prints {name}, which this planner does not know")
    return fields


_ESCAPED = ("annotations", "args", "labels", "extra-hosts", "dockerfile-inline")


def _unescaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unescaped(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    return value.replace("$${", "${").replace("%%{", "%{") if isinstance(value, str) else value


def _policy_of(found: dict[str, Any]) -> dict[str, Value]:
    files = List(one["Filename"] for one in found.get("Files") or ())
    return {
        "files": files,
        "reset": found.get("Reset", False),
        "disabled": found.get("Disabled", False),
        "strict": found.get("Strict"),
        "log-level": found.get("LogLevel") or "",
    }
