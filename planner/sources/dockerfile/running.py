"""Reads RUN."""

from __future__ import annotations

from planner.sources.dockerfile.flags import Flags, Kind, read_flags
from planner.sources.dockerfile.heredocs import opening_of
from planner.sources.dockerfile.json_form import json_words
from planner.sources.dockerfile.mounts import csv_fields, mount
from planner.sources.dockerfile.refusal import Refused, shown
from planner.sources.dockerfile.syntax import Heredoc, Mount, Run
from planner.sources.dockerfile.written import Written, without_tabs

_KINDS = {"mount": Kind.MANY, "network": Kind.ONE, "security": Kind.ONE, "device": Kind.MANY}
_NETWORKS = ("default", "none", "host")
_SECURITIES = ("sandbox", "insecure")


def run(written: Written) -> Run:
    """Read a RUN. A network or security mode that is the default is kept as ""."""
    words = json_words(written.rest)
    flags = read_flags(written.read.flags, _KINDS)
    mounts, unknown = _mounts(flags)
    for device in flags.many("device"):
        csv_fields(device)
    return Run(
        span=written.span,
        text=written.text,
        command=words if words is not None else (written.rest,) if written.rest else (),
        shell_form=words is None,
        mounts=mounts,
        heredocs=_heredocs(written),
        network=_mode(flags, "network", _NETWORKS),
        security=_mode(flags, "security", _SECURITIES),
        flags=flags.texts,
        unknown_flags=flags.unknown + unknown,
    )


def _mounts(flags: Flags) -> tuple[tuple[Mount, ...], tuple[str, ...]]:
    mounts: list[Mount] = []
    unknown: list[str] = []
    for flag in flags.given:
        if flag.name != "mount":
            continue
        try:
            read, strange = mount(flag.value or "")
        except Refused as refused:
            raise Refused(f"--mount: {refused.what}", hint=refused.hint, at=flag.at) from refused
        mounts.append(read)
        unknown.extend(f"mount with {name}" for name in strange)
    return tuple(mounts), tuple(unknown)


def _mode(flags: Flags, name: str, modes: tuple[str, ...]) -> str:
    flag = flags.find(name)
    if flag is None:
        return ""
    if flag.value not in modes:
        hint = f"it can be {', '.join(modes)}"
        raise Refused(f'--{name} is "{shown(flag.value or "")}"', hint=hint, at=flag.at)
    return "" if flag.value == modes[0] else flag.value


def _heredocs(written: Written) -> tuple[Heredoc, ...]:
    """Where the command is nothing but `<<-NAME`, BuildKit strips its tabs; otherwise the shell does."""
    alone = opening_of(written.rest)
    strip = alone is not None and alone.strip_tabs
    return tuple(
        Heredoc(
            name=body.opening.name,
            content=without_tabs(body) if strip else body.content,
            expand=body.opening.expand,
        )
        for body in written.line.bodies
    )
