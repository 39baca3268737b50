"""RUN at work: its command, the environment it sees, and what its mounts select."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from planner.model.selection import Selection
from planner.sources.dockerfile.reads import context_of, read_name
from planner.sources.dockerfile.steps import Parts
from planner.sources.dockerfile.syntax import Mount, Run
from planner.sources.dockerfile.variable_steps import environment_part
from planner.sources.dockerfile.walk import State, Walk
from planner.sources.dockerfile.words import plain_flags


def run(walk: Walk, item: Run, state: State) -> State:
    mounts = tuple(filled_in(walk, mount, state) for mount in item.mounts)
    selections = tuple(selection for mount in mounts if (selection := mounted(walk, mount, state)) is not None)
    parts = (
        *(("command", word) for word in item.command),
        *((f"here-document {doc.name}", doc.content) for doc in item.heredocs),
        ("shell", " ".join(state.shell) if item.shell_form else "none"),
        *((f"flag {number}", flag) for number, flag in enumerate(plain_flags(item.flags))),
        *((f"mount {number}", mount_text(walk, mount)) for number, mount in enumerate(mounts)),
        ("network", item.network or walk.settings.network),
        ("workdir", state.workdir),
        ("user", state.user),
        *((environment_part(name, state), state.env[name]) for name in state.env),
        *history(walk, state),
    )
    unsure = tuple(f"unknown flag --{flag}" for flag in item.unknown_flags)
    walk.add(item.text, item.span, parts, selections=selections, unsure=unsure)
    return state


def history(walk: Walk, state: State) -> Parts:
    """Declared ARGs without a value stand in the history of a RUN, nowhere else."""
    if not walk.counted:
        return ()
    return tuple((f"ARG {name}", "") for name, value in state.args.items() if value is None)


def filled_in(walk: Walk, mount: Mount, state: State) -> Mount:
    return replace(
        mount,
        type=walk.word(mount.type, state),
        source=walk.word(mount.source, state),
        target=walk.word(mount.target, state),
        id=walk.word(mount.id, state),
        text=walk.word(mount.text.replace(f"from={mount.from_}", "from="), state),
    )


def mount_text(walk: Walk, mount: Mount) -> str:
    """A mount as it counts. A secret or key that is declared differs from one that is not."""
    if mount.from_:
        return f"{mount.text} {read_name(walk, mount.from_, by_index=False)}"
    given = walk.settings.secrets if mount.type == "secret" else walk.settings.ssh
    name = mount.id or (posixpath.basename(mount.target) if mount.type == "secret" else "default")
    if mount.type in {"secret", "ssh"}:
        return f"{mount.text} {'given' if name in given else 'not given'}"
    return mount.text


def mounted(walk: Walk, mount: Mount, state: State) -> Selection | None:
    if mount.type in {"secret", "ssh", "tmpfs"} or (mount.type == "cache" and not mount.from_):
        return None
    context = context_of(walk, mount.from_, by_index=False)
    if context is None:
        return None
    whole = bool(walk.uncertain)
    reason = f"{', '.join(sorted(walk.uncertain))} is known only while building" if whole else ""
    return Selection(context=context, sources=(mount.source or "/",), mount=True, whole=whole, reason=reason)
