"""What `planner export argo` takes from the command line, the graph file and git."""

from __future__ import annotations

import argparse
import re
import shlex

from planner.ci.argo import KEY, Settings, workflow
from planner.ci.cluster import BUILDKIT
from planner.ci.jobs import alone, jobs_of, rebuild_of
from planner.cli import arguments as shared
from planner.cli.clone import clone_of
from planner.cli.family import folder_of
from planner.cli.matrix import environment_of, planned
from planner.cli.parents import narrowed
from planner.cli.plan import is_pushed
from planner.cli.signing import asks_for_signatures
from planner.cli.since import both
from planner.digest.key import Keys
from planner.errors import PlannerError, UsageError
from planner.local.process import ask
from planner.model.frozen import replace
from planner.model.image import Family, ImageName
from planner.model.names import COMMIT
from planner.plan.durations import durations
from planner.plan.reasons import Code
from planner.plan.rebuild import Action, Plan, not_by_key
from planner.schedule.resources import amounts

BASELINE: tuple[tuple[str, object], ...] = (
    ("since", None),
    ("against", None),
    ("plan", ""),
    ("offline", False),
    ("all", False),
    ("push", False),
    ("policy", ""),
    ("state", ""),
    ("images", []),
)
NAMED: tuple[tuple[str, object], ...] = (
    ("image", ""),
    ("source", ""),
    ("revision", ""),
    ("pool", ""),
    ("pool_secret", "buildkit-pool"),
    ("registry_secret", ""),
    ("signing_secret", ""),
    ("source_secret", ""),
    ("service_account", ""),
    ("node_label", "runner"),
    ("slots", 0),
    ("allow", []),
)
OWN = (*BASELINE, *NAMED)
_URL = re.compile(
    r"(?:https|ssh|git)://[A-Za-z0-9._~:/@%+-]+|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[A-Za-z0-9._~/+-]+", re.ASCII
)
_LOGIN = re.compile(r"\w+://[^/@]*:[^/@]*@")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the options of Argo alone."""
    group = parser.add_argument_group("argo")
    group.add_argument("--plan", default="", metavar="FILE", help="of a saved plan [plan anew]")
    group.add_argument("--image", default="", metavar="IMAGE", help="what tasks run: has planner, git, buildx and sh")
    group.add_argument("--source", default="", metavar="URL", help="the repository that tasks clone")
    group.add_argument("--revision", default="", metavar="COMMIT", help="the commit of it [that of HEAD]")
    group.add_argument("--pool", default="", metavar="FILE", help="builders of a pool.yaml [a BuildKit in each task]")
    for option, usual, what in (
        ("--pool-secret", "buildkit-pool", "a Secret with pool.yaml and its certificates"),
        ("--registry-secret", "", "a Secret of type kubernetes.io/dockerconfigjson"),
        ("--signing-secret", "", f"a Secret with {KEY}, which records are signed with"),
        ("--source-secret", "", "a Secret with username and password for the clone"),
        ("--service-account", "", "under which tasks run"),
    ):
        group.add_argument(option, default=usual, metavar="NAME", help=what + (f" [{usual}]" if usual else ""))
    group.add_argument("--node-label", default="runner", metavar="KEY", help="of nodes, whose value is a kind's runner")
    shared.allow(group)
    group.add_argument("--slots", type=_slots, default=0, metavar="N", help="tasks at once [no limit of its own]")


def _slots(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError("is a number from 1 to 100,000")
    return int(text)


def text_of(options: argparse.Namespace) -> str:
    """The workflow. Raises PlannerError."""
    if not options.image or not options.source:
        raise UsageError("planner export argo needs --image, what tasks run, and --source, what they clone")
    if not _URL.fullmatch(options.source):
        raise UsageError(f"--source {options.source!r}: is no URL of a repository: https://…, ssh://… or git@HOST:PATH")
    if _LOGIN.match(options.source):
        raise UsageError("--source holds a password: put it in a Secret and name that with --source-secret")
    revision = options.revision or head_of(options)
    if not COMMIT.fullmatch(revision):
        raise UsageError(f"--revision {revision!r}: is a whole commit id, so that every task reads the same")
    if asks_for_signatures(options) and not options.signing_secret:
        raise UsageError(f"records are signed here, and tasks have no key: --signing-secret names one with {KEY}")
    made, keys = planned(options)
    _refuse_uncommitted(options, made, revision)
    loaded = keys.made_by.loaded
    work = rebuild_of(
        made, loaded.graph, loaded.family, durations(loaded.graph, [one.name for one in made.building], {})
    )
    settings = Settings(
        work=work,
        jobs=jobs_of(work, alone(work)),
        total=made.total,
        plans=_plans(made, keys),
        image=options.image,
        source=options.source,
        revision=revision,
        command=clone_of(options).command,
        kept=_kept(made, keys),
        needs=needs_of(loaded.family),
        pools=pools_of(options),
        builders=_builders(options),
        pool_secret=options.pool_secret,
        namespace=options.namespace,
        service_account=options.service_account,
        registry_secret=options.registry_secret,
        signing_secret=options.signing_secret,
        source_secret=options.source_secret,
        node_label=options.node_label,
        buildkit=options.buildkit,
        environment=environment_of(loaded.family),
        slots=options.slots,
        allow=tuple(options.allow),
    )
    return workflow(settings, _command(options))


def _refuse_uncommitted(options: argparse.Namespace, made: Plan, revision: str) -> None:
    """Raise PlannerError where the commit that tasks clone has other inputs than the plan: each task would refuse it.

    Raises GitError for a commit that is not here.
    """
    _, then = both(options, revision)
    keys = {} if then is None else then.keys
    if other := [image.name for image in made.images if keys.get(image.name) != image.key]:
        more = f" and {len(other) - 1} more" if other[1:] else ""
        raise PlannerError(
            f"{revision[:12]}, which tasks clone, has other inputs than the plan: {other[0]}{more}\n"
            "  commit what was edited, or name with --revision the commit that the plan was made at"
        )


def _kept(made: Plan, keys: Keys) -> tuple[ImageName, ...]:
    """The images that the plan found published. One that a plan against a revision reuses is known to be nowhere."""
    reused = ((image.name, image.stored) for image in made.images if image.action is Action.REUSE)
    return tuple(name for name, stored in reused if stored is not None and is_pushed(stored, keys))


def _plans(made: Plan, keys: Keys) -> dict[ImageName, str]:
    """The plan of each image, with those that it stands on where these alone, and no key, say why it is built."""
    unsaid = not_by_key(made, keys) - keys.unsettled
    found: dict[ImageName, str] = {}
    for image in made.building:
        why = image.name in unsaid and all(one.code is Code.PARENT_CHANGED for one in image.reasons)
        part = narrowed(made, {image.name}) if why else replace(made, images=(image,), total=1)
        found[image.name] = _compact(replace(part, warnings=()))
    return found


def _compact(made: Plan) -> str:
    import json

    from planner.plan.plan_file import document

    return json.dumps(document(made), separators=(",", ":"))


def head_of(options: argparse.Namespace) -> str:
    """The commit that is checked out. Raises GitError outside of git."""
    return ask(folder_of(options), "rev-parse", "--verify", "HEAD^{commit}").decode().strip()


def needs_of(family: Family) -> dict[str, dict[str, float]]:
    """What images of each kind need. Raises PlannerError for amounts that cannot be read."""
    return {
        kind: amounts(defaults.resources, f"{family.file}: kinds.{kind}.resources") for kind, defaults in family.kinds
    }


def pools_of(options: argparse.Namespace) -> dict[str, str]:
    """What the cluster calls resources, by `--pool-name`. Raises UsageError."""
    found: dict[str, str] = {}
    for text in options.pool_name:
        pool, equals, name = text.partition("=")
        if not equals or not re.fullmatch(r"[a-z0-9.-]{1,200}(?:/[A-Za-z0-9._-]{1,63})?", name, re.ASCII):
            raise UsageError(f'--pool-name takes POOL=NAME, such as gpu=amd.com/gpu, not "{text}"')
        found[pool] = name
    return found


def _builders(options: argparse.Namespace) -> dict[str, float]:
    """The builders of a pool that take new builds, by what `--builder` takes. Raises PlannerError."""
    if not options.pool:
        return {}
    import os

    from planner.build.remotes import open_pool

    pool = open_pool(options.pool, os.environ)
    found = {one.name: one.weight for one in pool.open}
    if not found:
        raise PlannerError(f"{options.pool}: every builder is drained")
    return found


def _command(options: argparse.Namespace) -> str:
    """The command line that writes the file again, for its first lines."""
    words = [*clone_of(options).command, "export", "argo"]
    for option, usual in (*OWN, ("namespace", ""), ("buildkit", BUILDKIT)):
        value = getattr(options, option)
        if option not in ("images", "allow") and value != usual:
            words += [f"--{option.replace('_', '-')}", *([] if value is True else [str(value)])]
    words += [word for text in options.allow for word in ("--allow", text)]
    words += [word for text in options.pool_name for word in ("--pool-name", text)]
    return shlex.join([*words, *options.images])
