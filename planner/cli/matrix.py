"""`planner matrix`: what rebuilds, as CI jobs for GitHub, GitLab, Buildkite, and as a document."""

from __future__ import annotations

import argparse
import os

from planner.ci.child_pipelines import buildkite_steps, gitlab_child
from planner.ci.jobs import Group, Rebuild, alone, connected, folded, jobs_of, rebuild_of
from planner.ci.limits import BUILDKITE, GITHUB, GITLAB, NONE, fitted
from planner.ci.matrix import Legs, forecast_text, matrix_github, matrix_json
from planner.ci.packing import Costs, Model, forecast, packed
from planner.cli import arguments as shared
from planner.cli.asides import say_aside
from planner.cli.family import keys_now
from planner.cli.parents import refuse_beside_plan, saved_plan
from planner.cli.plan import plan_of, save, state_of
from planner.cli.saying import say, say_again
from planner.digest.key import Keys
from planner.local.records import open_records
from planner.model.image import Family, ImageName
from planner.plan.durations import durations
from planner.plan.rebuild import Plan
from planner.sources.doors.bake.named import REGISTRY

EXAMPLE = "planner matrix --since origin/main --format github"
WRITERS = {"github": matrix_github, "gitlab": gitlab_child, "buildkite": buildkite_steps, "json": matrix_json}
LIMITS = {"github": GITHUB, "gitlab": GITLAB, "buildkite": BUILDKITE, "json": NONE}
DEEP = 100_000
"""More levels than any graph has."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    shared.baseline(parser)
    parser.add_argument("--plan", metavar="FILE", help="of a saved plan, which the legs apply [plan anew]")
    parser.add_argument(
        "--out", type=shared.saved_to, metavar="FILE", help="save the plan too, and let the legs apply it"
    )
    parser.add_argument(
        "--by", choices=("level", "chain", "packed"), default="level", help="a job for each image, part, or by cost"
    )
    parser.add_argument("--slots", type=_count, default=4, metavar="N", help="runners at once, for --by packed [4]")
    parser.add_argument("--levels", type=_count, default=DEEP, metavar="N", help="fold what is deeper into the last")
    parser.add_argument(
        "--start", type=_seconds, default=Costs().start, metavar="SECONDS", help="a runner's start [40]"
    )
    parser.add_argument("--pull", type=_rate, default=Costs().pull, metavar="MB/S", help="how fast parents come [60]")
    parser.add_argument(
        "--push-rate", type=_rate, default=Costs().push, metavar="MB/S", help="how fast results go [30]"
    )
    parser.add_argument("--no-push", action="store_true", help="let the legs push nothing, for pull requests")
    shared.allow(parser)
    parser.add_argument("--setup", action="append", default=[], metavar="COMMAND", help="run before each leg")
    what = "gitlab: the job that has the plan, in the pipeline above [plan]"
    parser.add_argument("--plan-job", default="plan", metavar="NAME", help=what)
    shared.formats(parser, "github", "gitlab", "buildkite", "json")


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= DEEP:
        raise argparse.ArgumentTypeError(f"is a number from 1 to {DEEP}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1e6:
        raise argparse.ArgumentTypeError("is a number from 0 to 1,000,000")
    return value


def _rate(text: str) -> float:
    value = _seconds(text)
    if not value:
        raise argparse.ArgumentTypeError("is more than 0")
    return value * 1e6


def run(options: argparse.Namespace) -> int:
    """Print the matrix."""
    by_cost = dict.fromkeys(("slots", "start", "pull", "push-rate"), "--by packed")
    shared.refuse_foreign(options, arguments, f"--by {options.by}", by_cost)
    loaded_later = {"setup": "--format gitlab or --format buildkite", "plan-job": "--format gitlab"}
    shared.refuse_foreign(options, arguments, f"--format {options.format}", loaded_later)
    made, keys = planned(options)
    if options.out:
        save(made, keys, options)
    out = WRITERS[options.format](legs_of(options, made, keys))
    if options.since and not (options.plan or options.out or options.policy) and options.by != "packed":
        return say_again(keys, options.since, out)
    return say(out)


def planned(options: argparse.Namespace) -> tuple[Plan, Keys]:
    """A saved plan that still holds, or a new one; where jobs push, it counts the tags that they would write too."""
    if not options.plan:
        pushes = options.push or bool(options.against and not getattr(options, "no_push", False))
        return plan_of(argparse.Namespace(**{**vars(options), "push": pushes}))
    refuse_beside_plan(options, "since", "all", "against")
    keys = keys_now(options)
    return saved_plan(options, keys), keys


def legs_of(options: argparse.Namespace, made: Plan, keys: Keys) -> Legs:
    """The jobs that the options ask for. Raises PlannerError for names that no CI file can hold."""
    loaded = keys.made_by.loaded
    names = [image.name for image in made.building]
    recorded = {} if options.by != "packed" else _recorded(options, keys, names)
    work = rebuild_of(made, loaded.graph, loaded.family, durations(loaded.graph, names, recorded))
    costs = Costs(start=options.start, pull=options.pull, push=options.push_rate)
    groups = fitted(work, _groups(options, work, costs), LIMITS[options.format])
    told, seconds = None, None
    if options.by == "packed":
        told = forecast(work, groups, options.slots, costs)
        model = Model(work, costs)
        seconds = {group: model.seconds(group) for group in groups}
    jobs = jobs_of(work, groups, seconds)
    if told is not None:
        say_aside(f"planner: {forecast_text(told, jobs)}")
    return Legs(
        work=work,
        jobs=jobs,
        by=options.by,
        command=tuple(command_of(options)),
        plan=options.plan or options.out or "",
        plan_job=options.plan_job,
        push=not options.no_push,
        allow=tuple(options.allow),
        setup=tuple(options.setup),
        environment=environment_of(loaded.family),
        forecast=told,
    )


def _recorded(options: argparse.Namespace, keys: Keys, names: list[ImageName]) -> dict[ImageName, float]:
    """Seconds of the local records and, with `--against`, of the registry's for these images."""
    state = state_of(options)
    found = open_records(state.root).seconds()
    if options.against:
        from planner.cli.published import open_published

        published = open_published(options, keys, options.against, state, offline=options.offline)
        found |= {name: record.seconds for name in names if (record := published.latest(name)) is not None}
    return found


def _groups(options: argparse.Namespace, work: Rebuild, costs: Costs) -> list[Group]:
    match options.by:
        case "chain":
            return connected(work, work.order)
        case "packed":
            groups = packed(work, options.slots, costs, levels=options.format == "github")
        case _:
            groups = alone(work)
    return folded(work, groups, options.levels)


def environment_of(family: Family) -> dict[str, str]:
    """The variables that a job needs to see the same family: the registry, where its files may not tell it."""
    named = os.environ.get(REGISTRY, "").rstrip("/")
    return {REGISTRY: named} if named and named == family.registry else {}


def command_of(options: argparse.Namespace) -> list[str]:
    """How to call the planner with the same folder, graph file and variables, up to the command."""
    command = ["planner"]
    if options.folder != ".":
        command += ["-C", options.folder]
    if options.file != "images.yaml":
        command += [word for file in options.files for word in ("-f", file)]
    given = (("--set", options.set), ("--profile", options.profile), ("--env-file", options.env_file))
    for option, texts in (*given, ("--var", options.var)):
        command += [word for text in texts for word in (option, text)]
    return command
