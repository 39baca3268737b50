"""`planner relay`: an untrusted runner asks for images by key, a trusted one builds them, the first one pulls them."""

from __future__ import annotations

import argparse
import os
import sys

from planner.cli import arguments as shared
from planner.cli.family import ENVIRONMENT, chosen, folder_of, keys_in
from planner.cli.output import write
from planner.errors import PlannerError, UsageError
from planner.local.process import ask
from planner.local.revisions import revision_tree
from planner.plan import relay_request
from planner.plan.relay_request import MAX_NUMBER, MAX_REQUEST, Request, RequestError, Wanted
from planner.policy.identity import Identity
from planner.system import given_files

OWNERS = {
    **dict.fromkeys(("out", "commit", "number"), "ask"),
    **dict.fromkeys(("remote", "ref", "approve", "jobs", "builder"), "serve"),
    **dict.fromkeys(("into", "wait"), "pull"),
    **dict.fromkeys(("policy", "state", "format"), "serve or pull"),
}
MAX_JOBS = 256
MAX_WAIT = 7 * 24 * 3600

EXAMPLE = "planner relay ask --out request.json"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("action", choices=("ask", "serve", "pull"), help="write a request, build it, pull the images")
    parser.add_argument(
        "words", nargs="*", default=[], metavar="IMAGE|REQUEST", help="ask: only these; else the request"
    )
    parser.add_argument("--out", default="-", metavar="FILE", help="ask: where to write the request [standard output]")
    parser.add_argument("--commit", default="HEAD", metavar="REV", help="ask: the commit to build [HEAD]")
    parser.add_argument(
        "--number",
        type=shared.whole(1, MAX_NUMBER - 1),
        default=0,
        metavar="N",
        help="ask: the pull request [the CI's]",
    )
    parser.add_argument("--remote", default="origin", metavar="NAME", help="serve: where the commit is [origin]")
    parser.add_argument(
        "--ref", default="refs/pull/{number}/head", metavar="REF", help="serve: its ref there [refs/pull/{number}/head]"
    )
    parser.add_argument(
        "--approve",
        default="",
        metavar="COMMIT",
        help="serve: you looked at this commit, no event approves it",
    )
    parser.add_argument(
        "--jobs", "-j", type=shared.whole(1, MAX_JOBS), default=2, metavar="N", help="serve: builds at once [2]"
    )
    parser.add_argument(
        "--builder", default="", metavar="ENGINE", help="serve: buildx:NAME or buildkit:ADDRESS [found by itself]"
    )
    parser.add_argument("--into", default="", metavar="DIR", help="pull: an OCI image layout [only verify]")
    parser.add_argument(
        "--wait",
        type=shared.whole(0, MAX_WAIT),
        default=0,
        metavar="SECONDS",
        help="pull: wait until they are there [0]",
    )
    shared.policy(parser)
    shared.state(parser)
    shared.formats(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Ask, serve or pull. Serving gives 1 when an image was not built, pulling when one is not there."""
    if options.via_buildx:
        raise UsageError("--via-buildx: a relay reads definitions as data, and runs no program on them")
    shared.refuse_foreign(options, arguments, options.action, OWNERS)
    if options.action == "ask":
        return _ask(options)
    if len(options.words) != 1:
        raise UsageError(f"relay {options.action} takes one request: a file, or - for standard input")
    if options.action == "serve":
        from planner.cli.relay_serving import serve

        return serve(options, request_in(options.words[0]))
    from planner.cli.relay_pulling import pull_all

    return pull_all(options, request_in(options.words[0]))


def request_in(name: str) -> Request:
    """The request of a file or of standard input. Raises RequestError, PlannerError."""
    try:
        if name == "-":
            return relay_request.read(sys.stdin.buffer.read(MAX_REQUEST + 1))
        return relay_request.read(given_files.read(name, MAX_REQUEST))
    except RequestError as error:
        raise RequestError(f"{'standard input' if name == '-' else name}: {error}") from error
    except OSError as error:
        raise PlannerError(f"{name}: cannot be read: {error.strerror}") from error


def _ask(options: argparse.Namespace) -> int:
    folder = folder_of(options)
    number = options.number or Identity().ref(os.environ.get("GITHUB_REF", ""), "")[1]
    if number < 1:
        raise UsageError("which pull request is it?\n  --number N, where the CI does not tell")
    ENVIRONMENT.close()  # The trusted side has other variables, and its keys must be the same.
    revision = f"{options.commit}^{{commit}}"
    commit = ask(folder, "rev-parse", "--verify", "--end-of-options", revision).decode().strip()
    keys = keys_in(options, revision_tree(folder, commit))
    graph = keys.made_by.loaded.graph
    wanted = chosen(options.words, graph)
    request = Request(
        number=number,
        commit=commit,
        images=tuple(
            Wanted(name=name, platforms=graph.nodes[name].image.platforms, key=keys.keys[name])
            for name in graph.order
            if name in wanted
        ),
    )
    text = relay_request.write(request)
    relay_request.read(text.encode())  # What would be refused there is told of here.
    write(text, options.out)
    return 0
