"""RUN at work: its command, the environment it sees, and what its mounts select."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from planner.model.selection import Selection
from planner.sources.dockerfile.reads import context_of, read_name
from planner.sources.dockerfile.steps import Parts
from planner.sources.dockerfile.syntax import Mount, Run
from planner.sources.dockerfile.variable_steps import environment_part
from planner.sources.dockerfile.walk import State, Walk
from planner.sources.dockerfile.words import joined, plain_flags

_PLAIN = re.compile(r"[^\s,]*")
"""A value that cannot be taken for the end of its mount's text."""


def run(walk: Walk, item: Run, state: State) -> State:
    mounts = tuple(filled_in(walk, mount, state) for mount in item.mounts)
    selections = tuple(selection for mount, names in mounts if (selection := mounted(walk, mount, names)) is not None)
    parts = (
        *(("command", word) for word in item.command),
        *((f"here-document {doc.name}", doc.content) for doc in item.heredocs),
        *shell_parts(item, state),
        *((f"flag {number}", flag) for number, flag in enumerate(plain_flags(item.flags))),
        *(part for number, (mount, _) in enumerate(mounts) for part in mount_parts(walk, mount, f"mount {number}")),
        ("network", item.network or walk.settings.network),
        ("workdir", state.workdir),
        ("user", state.user),
        *((environment_part(name, state), state.env[name]) for name in state.env),
        *history(walk, state),
    )
    unsure = tuple(f"unknown flag --{flag}" for flag in item.unknown_flags)
    walk.add(item.text, item.span, parts, selections=selections, unsure=unsure)
    return state


def shell_parts(item: Run, state: State) -> Parts:
    """What runs the command; "none" is the JSON form, so that a shell of that name is another."""
    if not item.shell_form:
        return (("shell", "none"),)
    return (("shell word 0", "none"),) if state.shell == ("none",) else joined("shell", state.shell)


def history(walk: Walk, state: State) -> Parts:
    """Declared ARGs without a value stand in the history of a RUN, nowhere else."""
    if not walk.counted:
        return ()
    return tuple((f"ARG {name}", "") for name, value in state.args.items() if value is None)


def filled_in(walk: Walk, mount: Mount, state: State) -> tuple[Mount, frozenset[str]]:
    """A mount with its values, each expanded by itself, and the names that decide unseen what it selects."""
    judged = {name: walk.judged(value, state) for name, value in mount.fields if name != "from"}
    names = frozenset(one for name in ("type", "source") if name in judged for one in judged[name][1])
    # What a `from` names is written out, and counts by what it reads.
    values = {"from": "", **{name: word for name, (word, _) in judged.items()}}
    filled = replace(
        mount,
        type=values.get("type", mount.type).lower(),
        source=values.get("source", ""),
        target=values.get("target", ""),
        id=values.get("id", ""),
        fields=tuple((name, values[name]) for name, _ in mount.fields),
    )
    return filled, names


def mount_parts(walk: Walk, mount: Mount, name: str) -> Parts:
    """A mount as it counts: what it says and, of a secret or key, whether it is given.

    One text where that can be told apart again, else a part for each key.
    """
    reads = read_name(walk, mount.from_, by_index=False) if mount.from_ else _given(walk, mount)
    if all(_PLAIN.fullmatch(value) for _, value in mount.fields):
        text = ",".join(f"{key}={value}" for key, value in mount.fields)
        return ((name, f"{text} {reads}" if reads else text),)
    return (*((f"{name} {key}", value) for key, value in mount.fields), (f"{name} reads", reads))


def _given(walk: Walk, mount: Mount) -> str:
    """A secret or key that is declared differs from one that is not (`dispatchSecret`, `dispatchSSH`)."""
    if mount.type == "secret":
        found = (mount.source or mount.id or posixpath.basename(mount.target)) in walk.settings.secrets
    elif mount.type == "ssh":
        found = (mount.id or "default") in walk.settings.ssh
    else:
        return ""
    return "given" if found else "not given"


def mounted(walk: Walk, mount: Mount, names: frozenset[str]) -> Selection | None:
    """What a mount selects. `names` are those in its type and source of which only a base or the machine knows."""
    if mount.type in {"secret", "ssh", "tmpfs"} or (mount.type == "cache" and not mount.from_):
        return None
    context = context_of(walk, mount.from_, by_index=False)
    if context is None:
        return None
    reason = f"{', '.join(sorted(names))} is known only while building" if names else ""
    return Selection(context=context, sources=(mount.source or "/",), mount=True, whole=bool(names), reason=reason)
