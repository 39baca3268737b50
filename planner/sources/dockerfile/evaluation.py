"""Turns the stages that a target reaches into steps: what each one does, with every variable in force written out.

Follows `dispatch…` of BuildKit's dockerfile2llb (v0.32.2).
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from planner.errors import Mistake
from planner.model.graph import LocalFiles, Origin, RemoteFiles, Use
from planner.sources.dockerfile.copy_steps import copy
from planner.sources.dockerfile.epoch import in_force, why_unsure
from planner.sources.dockerfile.global_args import Settings
from planner.sources.dockerfile.instructions import parse_trigger
from planner.sources.dockerfile.reach import refused
from planner.sources.dockerfile.reads import MOVING, is_alias, origin_name, stage_name, started_from
from planner.sources.dockerfile.run_steps import run
from planner.sources.dockerfile.setting_steps import setting, workdir
from planner.sources.dockerfile.stages import Stage, Staged
from planner.sources.dockerfile.steps import Config, Evaluation, Step
from planner.sources.dockerfile.syntax import Arg, Copy, Env, Instruction, Label, Onbuild, Run, Setting, Workdir
from planner.sources.dockerfile.variable_steps import arg, env
from planner.sources.dockerfile.walk import State, Walk
from planner.sources.go_match import SPACES

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def evaluate(
    whole: Staged,
    reached: tuple[int, ...],
    settings: Settings,
    config_of: Callable[[Use], Config],
    origin_of: Callable[[str], Origin],
) -> Evaluation:
    """Write out the steps of the reached stages. `config_of` answers what an image hands to its children."""
    chain = _chain(whole)
    unsure = why_unsure(settings.args)
    settings = replace(settings, args=in_force(settings.args))
    states: dict[int, State] = {}
    steps: list[Step] = []
    mistakes: list[Mistake] = []
    for index in reached:
        stage = whole.stages[index]
        windows = _is_windows(whole, stage, settings)
        walk = Walk(whole, reached, settings, origin_of, counted=index in chain, windows=windows, mistakes=mistakes)
        states[index] = _walked(walk, stage, _start(stage, states, config_of))
        steps.extend(walk.steps)
    steps.extend(_history(whole, chain))
    end = states[whole.target]
    # The triggers of the target alone are in its configuration, as a list of their own.
    if whole.stages[whole.target].replaced:
        end = replace(end, onbuild=())
    else:
        steps.extend(walk.triggers)
    config = Config(
        env=end.config_env,
        workdir=end.workdir,
        user=end.user,
        shell=end.shell,
        onbuild=end.onbuild,
        known=end.known,
        doubted=end.doubted & end.config_env.keys(),
    )
    doubts = [*refused(whole, reached, origin_of)]
    if unsure:
        doubts.append((whole.stages[whole.target].span, unsure))
    return Evaluation(steps=tuple(steps), config=config, mistakes=tuple(mistakes), refused=tuple(doubts))


def _chain(whole: Staged) -> frozenset[int]:
    """The target's stage and the stages it starts from: only these reach the image's configuration."""
    chain: set[int] = set()
    at: int | Use | None = whole.target
    while isinstance(at, int) and at not in chain:
        chain.add(at)
        at = whole.stages[at].base
    return frozenset(chain)


def _is_windows(whole: Staged, stage: Stage, settings: Settings) -> bool:
    """A stage is of the platform that the first one of its chain names, else of the image's."""
    while isinstance(stage.base, int):
        stage = whole.stages[stage.base]
    named = stage.platform if isinstance(stage.base, Use) else ""
    return (named or settings.platform.os).lower().startswith("windows")


def _history(whole: Staged, chain: frozenset[int]) -> Iterator[Step]:
    """What the image's history has of stages as they are written, where the first of them starts from files.

    Files have no history, so BuildKit calls a layer by its stage and the line that makes it, blanks and all
    (`normalizeLayersAndHistory`, v0.32.2).
    """
    first = whole.stages[min(chain)].base
    if not (isinstance(first, Use) and isinstance(first.origin, LocalFiles | RemoteFiles)):
        return
    for stage in (whole.stages[index] for index in sorted(chain)):
        layers = [item for item in stage.instructions if isinstance(item, MOVING)]
        if not layers:
            continue
        parts = (("stage", stage.name), *((item.text, _gap(item, whole)) for item in layers))
        yield Step(text=f"the history of stage {stage.name or stage.index}", span=stage.span, parts=parts)


def _gap(item: Instruction, whole: Staged) -> str:
    """What stands between a keyword and the rest, which an instruction's text lacks; all where that goes over lines."""
    lines = whole.dockerfile.lines[item.span.line - 1 : item.span.end_line]
    rest = lines[0].lstrip(SPACES).lstrip(string.ascii_letters)
    if rest.strip(SPACES) in ("", whole.dockerfile.directives.escape):
        return "\n".join(lines)
    return rest[: len(rest) - len(rest.lstrip(SPACES))]


def _start(stage: Stage, states: Mapping[int, State], config_of: Callable[[Use], Config]) -> State:
    if isinstance(stage.base, int):
        return replace(states[stage.base], onbuild=())
    config = Config(known=True) if stage.base is None else config_of(stage.base)
    env = dict(config.env)
    if config.known:
        env.setdefault("PATH", DEFAULT_PATH)
    return State(
        env=env,
        config_env=env,
        args={},
        workdir=config.workdir,
        user=config.user,
        shell=config.shell,
        onbuild=(),
        known=config.known,
        doubted=config.doubted,
    )


def _walked(walk: Walk, stage: Stage, state: State) -> State:
    base = stage_name(walk, stage.base) if isinstance(stage.base, int) else origin_name(stage.base)
    text = f"FROM {stage.base.reference}" if isinstance(stage.base, Use) else f"FROM {base}"
    if not is_alias(stage):
        parts = (("base", base), ("platform", stage.platform))
        walk.add(text, stage.span, parts, selections=started_from(walk, stage))
    for item in stage.instructions:
        walk.at = item
        state = _one(walk, item, state)
    return state


def _one(walk: Walk, item: Instruction, state: State) -> State:
    walk.uncertain = set()
    match item:
        case Arg():
            return arg(walk, item, state)
        case Env():
            return env(walk, item, state)
        case Copy():
            return copy(walk, item, state)
        case Run():
            return run(walk, item, state)
        case Workdir():
            return workdir(walk, item, state)
        case Label():
            walk.config(item, walk.pairs(item.pairs, state))
        case Setting():
            return setting(walk, item, state)
        case Onbuild():
            walk.triggers.append(Step(text=item.text, span=item.span, parts=(("trigger", item.trigger),)))
            trigger = parse_trigger(item.trigger, item.span)
            return replace(state, onbuild=(*state.onbuild, trigger))
    return state
