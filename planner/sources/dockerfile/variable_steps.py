"""ARG and ENV at work: what they set, for whom, and in which order BuildKit hands it to a RUN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.sources.dockerfile.syntax import Arg, Env
from planner.sources.dockerfile.walk import OF_MACHINE, State, Walk

NEVER_ENVIRONMENT = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})


def arg(walk: Walk, item: Arg, state: State) -> State:
    env, args, parts = dict(state.env), dict(state.args), []
    doubted = state.doubted
    for name, default in item.pairs:
        value, names = walk.settings.args.get(name), frozenset[str]()
        if value is None and default is None:
            value = walk.whole.global_args.get(name)
        elif value is None and default is not None:
            value, names = walk.judged(default, replace(state, env=env, doubted=doubted))
        args[name] = value
        parts.append((f"ARG {name} without a value", "") if value is None else (f"ARG {name}", value))
        if value is not None and name not in NEVER_ENVIRONMENT:
            env = set_last(env, name, value)
            doubted = doubted_now(doubted, name, names)
    walk.config(item, tuple(parts))
    return replace(state, env=env, args=args, doubted=doubted)


def env(walk: Walk, item: Env, state: State) -> State:
    judged = [(*walk.judged(name, state), *walk.judged(value, state)) for name, value in item.pairs]
    pairs = tuple((name, value) for name, _, value, _ in judged)
    walk.config(item, tuple((f"ENV {name}", value) for name, value in pairs))
    env, doubted = state.env, state.doubted
    for name, _, value, names in judged:
        env = set_last(env, name, value)
        doubted = doubted_now(doubted, name, names)
    config_env = {**state.config_env, **dict(pairs)}
    if any(in_name for _, in_name, _, _ in judged):  # Any variable may be the one that is set.
        return replace(state, env=env, config_env=config_env, doubted=frozenset(env), known=False)
    return replace(state, env=env, config_env=config_env, doubted=doubted)


def doubted_now(doubted: frozenset[str], name: str, names: frozenset[str]) -> frozenset[str]:
    """The doubted variables after one is set to a value with these doubted names in it.

    A value of the building machine is told by itself, wherever it goes.
    """
    if names - {OF_MACHINE}:
        return doubted | {name}
    return doubted - {name} if name in doubted else doubted


def set_last(env: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    """The environment with a variable set: BuildKit hands it to a RUN in the order in which it was last set."""
    return {**{known: old for known, old in env.items() if known != name}, name: value}


def environment_part(name: str, state: State) -> str:
    declared = name in state.args and name not in state.config_env
    return f"{'ARG' if declared else 'ENV'} {name}"
