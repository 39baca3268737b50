"""`planner export`: writes what rebuilds for Argo Workflows, or a pool of BuildKits for Kubernetes. Runs neither."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from planner.ci.cluster import BUILDKIT
from planner.cli import arguments as shared
from planner.cli import export_argo, export_kubernetes
from planner.cli.output import check, write
from planner.cli.saying import say
from planner.errors import UsageError

EXAMPLE = "planner export argo --against published --image r.example/planner:1 --source https://git.example/a.git"
ENGINES = {"argo": export_argo, "kubernetes": export_kubernetes}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("engine", choices=tuple(ENGINES), metavar="ENGINE", help="argo or kubernetes; images follow it")
    shared.output(parser)
    parser.add_argument("--check", metavar="FILE", default="", help="exit with 3 when FILE is stale; write nothing")
    parser.add_argument(
        "--namespace", default="", metavar="NAME", help="[argo: that of the submit; kubernetes: default]"
    )
    parser.add_argument(
        "--buildkit", default=BUILDKIT, metavar="IMAGE", help=f"BuildKit, without -rootless [{BUILDKIT}]"
    )
    what = "what the cluster calls a resource of the graph file: tpu=google.com/tpu [gpu=nvidia.com/gpu]"
    parser.add_argument("--pool-name", action="append", default=[], metavar="POOL=NAME", help=what)
    export_argo.arguments(parser)
    export_kubernetes.arguments(parser)
    shared.baseline(parser)


def run(options: argparse.Namespace) -> int:
    """Write, print or check the manifests."""
    if options.check and options.output:
        raise UsageError("--check writes nothing, so -o has no use")
    for engine, module in ENGINES.items():
        if engine != options.engine:
            _refuse_foreign(options, engine, module.OWN)
    text = ENGINES[options.engine].text_of(options).rstrip("\n")
    if options.check:
        return check(text, options.check)
    if not options.output:
        return say(text)
    write(text, options.output)
    return say(f"wrote {options.output}")


def _refuse_foreign(options: argparse.Namespace, engine: str, own: Iterable[tuple[str, object]]) -> None:
    """Raise UsageError for an option that only the other engine has."""
    for option, usual in own:
        if getattr(options, option) != usual:
            raise UsageError(f"--{option.replace('_', '-')} is for planner export {engine}")
