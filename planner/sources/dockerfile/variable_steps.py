"""ARG and ENV at work: what they set, for whom, and in which order BuildKit hands it to a RUN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.sources.dockerfile.syntax import Arg, Env
from planner.sources.dockerfile.walk import State, Walk

NEVER_ENVIRONMENT = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})


def arg(walk: Walk, item: Arg, state: State) -> State:
    env, args, parts = dict(state.env), dict(state.args), []
    for name, default in item.pairs:
        value = walk.settings.args.get(name)
        if value is None:
            scoped = replace(state, env=env)
            value = walk.whole.global_args.get(name) if default is None else walk.word(default, scoped)
        args[name] = value
        parts.append((f"ARG {name} without a value", "") if value is None else (f"ARG {name}", value))
        if value is not None and name not in NEVER_ENVIRONMENT:
            env = set_last(env, name, value)
    walk.config(item, tuple(parts))
    return replace(state, env=env, args=args)


def env(walk: Walk, item: Env, state: State) -> State:
    pairs = walk.pairs(item.pairs, state)
    walk.config(item, tuple((f"ENV {name}", value) for name, value in pairs))
    env = state.env
    for name, value in pairs:
        env = set_last(env, name, value)
    return replace(state, env=env, config_env={**state.config_env, **dict(pairs)})


def set_last(env: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    """The environment with a variable set: BuildKit hands it to a RUN in the order in which it was last set."""
    return {**{known: old for known, old in env.items() if known != name}, name: value}


def environment_part(name: str, state: State) -> str:
    declared = name in state.args and name not in state.config_env
    return f"{'ARG' if declared else 'ENV'} {name}"
