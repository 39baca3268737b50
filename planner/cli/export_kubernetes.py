"""What `planner export kubernetes` takes from the command line and the graph file."""

from __future__ import annotations

import argparse
import json
import shlex

from planner.ci import cluster
from planner.ci.affinity import home
from planner.ci.kubernetes import PORT, Settings, driver_commands, manifests, pool_text
from planner.cli.export_argo import needs_of, pools_of
from planner.cli.family import folder_of, load_family
from planner.cli.matrix import command_of
from planner.errors import UsageError
from planner.local.git_tree import worktree
from planner.sources.loaded import LoadedFamily

OWN: tuple[tuple[str, object], ...] = (
    ("name", "buildkitd"),
    ("replicas", 2),
    ("storage", "100Gi"),
    ("storage_class", ""),
    ("secret", "buildkitd-certs"),
    ("rootless", False),
    ("cpu", ""),
    ("memory", ""),
    ("node", []),
    ("form", "manifests"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the options of Kubernetes alone."""
    group = parser.add_argument_group("kubernetes")
    for option, usual, metavar, what in (
        ("--name", "buildkitd", "NAME", "of the pool; builders are NAME-0, NAME-1, …"),
        ("--storage", "100Gi", "SIZE", "for the layers of each builder"),
        ("--storage-class", "", "NAME", "of the volumes"),
        ("--secret", "buildkitd-certs", "NAME", "a Secret with ca.pem, cert.pem and key.pem of the builders"),
        ("--cpu", "", "N", "of each builder [the most that a kind needs]"),
        ("--memory", "", "SIZE", "of each builder [the most that a kind needs]"),
    ):
        group.add_argument(option, default=usual, metavar=metavar, help=what + (f" [{usual}]" if usual else ""))
    group.add_argument("--replicas", type=_count, default=2, metavar="N", help="how many builders [2]")
    group.add_argument("--rootless", action="store_true", help="without privileges [privileged]")
    group.add_argument("--node", action="append", default=[], metavar="KEY=VALUE", help="a label that nodes must have")
    forms = group.add_mutually_exclusive_group()
    for option, form, what in (
        ("--driver", "driver", "commands for buildx's Kubernetes driver instead, a builder for each pod"),
        ("--pool-file", "pool", "the pool.yaml of the builders instead"),
        ("--homes", "homes", "the builder that each image belongs to instead, as JSON"),
    ):
        forms.add_argument(option, dest="form", action="store_const", const=form, default="manifests", help=what)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError("is a number from 1 to 1,000")
    return int(text)


def text_of(options: argparse.Namespace) -> str:
    """The manifests, or what was asked for instead. Raises PlannerError."""
    loaded = load_family(options, worktree(folder_of(options)))
    settings = _settings(options, loaded)
    match options.form:
        case "driver":
            _refuse_volumes(options)
            return driver_commands(settings)
        case "pool":
            return pool_text(settings)
        case "homes":
            return _homes(settings, loaded)
    return manifests(settings, _command(options))


def _refuse_volumes(options: argparse.Namespace) -> None:
    """Raises UsageError for what only manifests have: a pod of buildx's driver keeps nothing, and needs no Secret."""
    usual = dict(OWN)
    given = [name for name in ("storage", "storage_class", "secret") if getattr(options, name) != usual[name]]
    if given:
        words = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UsageError(f"{words}: buildx's Kubernetes driver has nothing of the kind\n  leave it out, or --driver")


def _settings(options: argparse.Namespace, loaded: LoadedFamily) -> Settings:
    """Each builder has the most of everything that a kind needs: any image may come to it."""
    most: dict[str, float] = {}
    for needs in needs_of(loaded.family).values():
        for name, amount in needs.items():
            most[name] = max(most.get(name, 0.0), amount)
    most.pop("disk", None)  # of which there is what --storage says
    asked = cluster.amounts(most, pools_of(options))
    for name in ("cpu", "memory"):
        if text := getattr(options, name):
            asked[name] = cluster.quantity(text, f"--{name}")
    nodes: dict[str, str] = {}
    for text in options.node:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f'--node takes KEY=VALUE, not "{text}"')
        nodes[key] = value
    return Settings(
        name=options.name,
        namespace=options.namespace or "default",
        replicas=options.replicas,
        storage=options.storage,
        storage_class=options.storage_class,
        secret=options.secret,
        rootless=options.rootless,
        buildkit=options.buildkit,
        asked=asked,
        nodes=nodes,
    )


def _homes(settings: Settings, loaded: LoadedFamily) -> str:
    builders = dict.fromkeys(settings.names, 1.0)
    told = [{"name": name, "address": f"tcp://{settings.host(name)}:{PORT}"} for name in settings.names]
    homes = [{"name": image, "builder": home(image, builders)} for image in loaded.graph.order]
    return json.dumps({"version": 1, "builders": told, "images": homes}, indent=2)


def _command(options: argparse.Namespace) -> str:
    """The command line that writes the file again, for its first lines."""
    words = [*command_of(options), "export", "kubernetes"]
    for option, usual in (*OWN, ("namespace", ""), ("buildkit", cluster.BUILDKIT)):
        value = getattr(options, option)
        if option not in ("node", "form") and value != usual:
            words += [f"--{option.replace('_', '-')}", *([] if value is True else [str(value)])]
    for option, texts in (("--node", options.node), ("--pool-name", options.pool_name)):
        words += [word for text in texts for word in (option, text)]
    return shlex.join(words)
