"""`planner ci`: writes the whole pipeline of a provider, or says whether the one that is there is stale."""

from __future__ import annotations

import argparse
import itertools
import os
import posixpath
import re
import shlex
from pathlib import Path

from planner import __version__
from planner.build.entitlements import READ
from planner.ci import buildkite, github, github_relay, gitlab
from planner.ci.jobs import rebuild_of
from planner.ci.pipeline import Settings
from planner.cli import arguments as shared
from planner.cli.allowing import wishes_at
from planner.cli.asides import warn
from planner.cli.clone import Clone, clone_of, reads_of
from planner.cli.family import folder_of, load_family
from planner.cli.matrix import environment_of
from planner.cli.outcome import note
from planner.cli.output import check, standing, write
from planner.cli.saying import say
from planner.cli.signing import asks_for_signatures
from planner.errors import OutputError, UsageError
from planner.local.git_tree import worktree
from planner.model.graph import ImageGraph
from planner.model.image import ImageName
from planner.model.names import Published, Reference
from planner.plan.durations import durations
from planner.plan.rebuild import Action, Plan, PlannedImage

EXAMPLE = "planner ci github"
WRITERS = {
    "github": (github.workflow, github.FILE),
    "github-request": (github_relay.request_workflow, github_relay.REQUEST_FILE),
    "github-relay": (github_relay.relay_workflow, github_relay.RELAY_FILE),
    "gitlab": (gitlab.gitlab_pipeline, gitlab.FILE),
    "buildkite": (buildkite.buildkite_pipeline, buildkite.FILE),
}
OWNERS = {"branch": "github or gitlab or buildkite", "cron": "github", "label": "github-relay"}
INSTALL = f"pipx install image-family-planner=={__version__}"
RENEWED = f'[ "$(planner --version 2>/dev/null)" = "planner {__version__}" ] || '
"""What stands before it where homes of runners outlive a job: pipx leaves another version that is there as it is, and
says all is well."""
SIGNING = f"pipx install 'image-family-planner[trust]=={__version__}'"
"""The same for what makes or checks signatures."""
LABEL = "build-images"
WRITTEN = re.compile(r"# Written by `([^`\n]*)`;")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("provider", choices=tuple(WRITERS), metavar="PROVIDER", help=", ".join(WRITERS))
    shared.output(parser, "- prints [where the provider looks]")
    parser.add_argument("--check", action="store_true", help="exit with 3 when the file is stale; write nothing")
    parser.add_argument("--branch", default="main", help="whose pushes publish [main]")
    parser.add_argument("--cron", default="17 3 * * *", help="when the nightly check runs, UTC [17 3 * * *]")
    parser.add_argument(
        "--install", default=INSTALL, metavar="COMMAND", help="gets the planner [this version, by pipx]"
    )
    parser.add_argument("--label", default=LABEL, metavar="NAME", help=f"github-relay: approves a fork's [{LABEL}]")
    by = ("level", "chain")
    parser.add_argument("--by", choices=by, default="level", help="gitlab: a job for each image, or connected part")
    parser.add_argument("--static", action="store_true", help="github: a job for each image instead of for each level")


def run(options: argparse.Namespace) -> int:
    """Write, print or check the file."""
    if options.static and options.provider != "github":
        raise UsageError("--static is for github: the others wait for true needs as they are")
    if options.by != "level" and options.provider != "gitlab":
        raise UsageError("--by is for gitlab, which takes few needs of a job")
    shared.refuse_foreign(options, arguments, options.provider, OWNERS)
    writer, place = WRITERS[options.provider]
    clone = clone_of(options)
    file = options.output or os.path.relpath(clone.top / place)
    settings = _settings(options, clone)
    text = writer(settings, _command(options, clone)).rstrip("\n")
    if options.check:
        return check(text, file)
    if settings.allow and not options.provider.startswith("github-"):
        note(f"builds on {options.branch} are allowed {', '.join(settings.allow)}; those of pull requests are not")
    if file == "-":
        return say(text)
    _refuse_another(standing(file), file, clone)
    folder = Path(file).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror}") from error
    write(text, file)
    return say(f"wrote {file}")


def _refuse_another(text: str, file: str, clone: Clone) -> None:
    """Raise OutputError where a file is the pipeline of another family of the repository."""
    first = WRITTEN.match(text)
    if first and _family(first[1]) != _family(shlex.join(clone.command)):
        told = "is of another family, or of this one under another folder"
        raise OutputError(f"{file}: {told} ({first[1]})\n  name another file with -o, or remove it")


def _family(command: str) -> list[str]:
    """What a command says of the folder and the graph files; nothing where it cannot be read."""
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    return [word for option, word in itertools.pairwise(words) if option in ("-C", "-f")]


def _settings(options: argparse.Namespace, clone: Clone) -> Settings:
    """The family as if all of it rebuilt."""
    tree = worktree(folder_of(options))
    loaded = load_family(options, tree, told=True)
    graph, lock = loaded.graph, loaded.family.lock
    reads = reads_of(options, loaded, tree)
    signed = asks_for_signatures(argparse.Namespace(**{**vars(options), "policy": ""}))
    host = loaded.family.registry.partition("/")[0]
    if host and not options.provider.startswith("github-"):
        _warn_of_other_hosts(graph, host)
    images = tuple(
        PlannedImage(name=name, action=Action.BUILD, key="", reasons=(), parents=node.parents, level=node.level)
        for name, node in graph.nodes.items()
    )
    everything = Plan(against="", images=images, total=len(images))
    return Settings(
        work=rebuild_of(everything, graph, loaded.family, durations(graph, graph.order, {})),
        command=clone.command,
        place=clone.place,
        file=_inside(options, clone),
        install=_install(options, signed=signed),
        signed=signed,
        label=options.label,
        branch=options.branch,
        cron=options.cron,
        locked=bool(lock.images),
        private=any(Reference.parse(one).registry == host for one in (*lock.images, *lock.frontends)),
        environment=environment_of(loaded.family),
        submodules=bool(reads.submodules),
        lfs=bool(reads.lfs),
        static=options.static,
        allow=_allow(options, clone, graph),
        by=options.by,
    )


def _inside(options: argparse.Namespace, clone: Clone) -> str:
    """Where the file will lie in a clone; "" where it is printed, or written elsewhere."""
    usual = WRITERS[options.provider][1]
    file = usual if options.output in ("", "-") else clone.inside(options.output)
    return "" if Path(file).is_absolute() or file.startswith("../") else file


def _allow(options: argparse.Namespace, clone: Clone, graph: ImageGraph) -> tuple[str, ...]:
    """What images take of the machine, as it is called at the top of a clone."""
    folder = os.fspath(folder_of(options).resolve().relative_to(clone.top))
    found: set[str] = set()
    for node in graph.nodes.values():
        for wish in wishes_at(options, node):
            leads_out = posixpath.normpath(wish.path).startswith(("/", "../"))
            found.add(f"{READ}={posixpath.normpath(posixpath.join(folder, wish.path))}" if leads_out else wish.word)
    return tuple(sorted(found))


def _warn_of_other_hosts(graph: ImageGraph, host: str) -> None:
    """Tell of tags at registries that no job is logged in to: pushes to them would fail, one night after another."""
    others: dict[str, ImageName] = {}
    for name, node in graph.nodes.items():
        for tag in node.image.tags:
            others.setdefault(Published.parse(tag).repository.partition("/")[0], name)
    others.pop(host, None)
    for other, name in others.items():
        warn(f"{name} has a tag at {other}, and jobs log in to {host} alone: its runners need a login there")


def _install(options: argparse.Namespace, *, signed: bool) -> str:
    """The command, with what makes and checks signatures where they are."""
    if options.install != INSTALL:
        return str(options.install)
    install = SIGNING if signed or options.provider.startswith("github-") else INSTALL
    return (
        install if options.provider.startswith("github") else RENEWED + install.replace("install", "install --force", 1)
    )


def _command(options: argparse.Namespace, clone: Clone) -> str:
    """The command line that writes the file again, for its first lines."""
    words = [*clone.command, "ci", options.provider]
    if options.output not in ("", "-"):
        words += ["-o", clone.inside(options.output)]
    for name, usual in (
        ("branch", "main"),
        ("cron", "17 3 * * *"),
        ("install", INSTALL),
        ("label", LABEL),
        ("by", "level"),
    ):
        if getattr(options, name) != usual:
            words += [f"--{name}", getattr(options, name)]
    return shlex.join([*words, *(["--static"] if options.static else [])])
