"""`planner signing-key`: makes the key that records are signed with, and shows what a policy says of it."""

from __future__ import annotations

import argparse
import base64
from pathlib import Path

from planner.cli import arguments as shared
from planner.cli.asides import warn
from planner.cli.family import keys_now
from planner.cli.plan import state_of
from planner.cli.policy import policy_of
from planner.cli.published import PUBLISHED, look, open_published
from planner.cli.saying import say
from planner.cli.signing import need_cryptography, own_key
from planner.errors import PlannerError, UsageError
from planner.policy.policy import Policy

EXAMPLE = "planner signing-key init main.pem"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("action", choices=("init", "show", "renew"), help="make a key, show this run's, or sign anew")
    parser.add_argument("key_file", nargs="?", default="", metavar="FILE", help="where init writes the private key")
    shared.policy(parser)
    shared.state(parser)


def run(options: argparse.Namespace) -> int:
    """Print what `policy.yaml` has to say for the key to count; the private part is never printed."""
    shared.refuse_foreign(options, arguments, options.action, {"policy": "show or renew", "state": "renew"})
    need_cryptography()
    from planner.trust import seal

    if options.action == "init":
        if not options.key_file:
            raise UsageError("init needs a file to write the private key to")
        path = Path(options.key_file)
        public = seal.public_of(seal.new_key(path))
        where = f"{path} is the private key: {seal.GIVEN} holds its text in CI, {seal.FILE} names it elsewhere"
        return say(f"{where}\n\n{_lines(path.stem, public)}")
    if options.key_file:
        raise UsageError(f"{options.action} takes no file: the key is that of {seal.GIVEN} or {seal.FILE}")
    key = own_key()
    if key is None:
        raise PlannerError(f"this run has no key: neither {seal.GIVEN} nor {seal.FILE} is set")
    if options.action == "renew":
        return say(_renewed(options))
    public = seal.public_of(key)
    policy = policy_of(options) if options.policy or shared.policy_stands_in(Path(options.folder)) else None
    return say(f"{seal.key_id(public)}\n\n{_lines('NAME', public)}\n\n{_said(policy, public)}")


def _renewed(options: argparse.Namespace) -> str:
    """Sign anew, with this run's key, the believed records of the family's present state. Builds and moves nothing."""
    keys = keys_now(options)
    state = state_of(options)
    published = open_published(options, keys, PUBLISHED, state, write=True)
    look(published, keys, state)
    graph = keys.made_by.loaded.graph
    count = 0
    for name in graph.order:
        for record in published.find(name, graph.nodes[name].image.platforms, keys.keys[name]):
            whole = published.whole_record(record)
            if whole is not None:
                published.add(whole)
                count += 1
    for warning in published.warnings:
        warn(warning)
    return f"{count} of {len(graph.order)} records are signed by this run's key"


def _lines(name: str, public: bytes) -> str:
    text = base64.b64encode(public).decode()
    return f'signing:\n  keys:\n    {name}: {{public: "{text}", scopes: [main], not_after: YYYY-MM-DD}}'


def _said(policy: Policy | None, public: bytes) -> str:
    keys = policy.signing.keys if policy is not None and policy.signing is not None else ()
    found = [f"{key.name} signs for {', '.join(key.scopes)}" for key in keys if key.public == public]
    return "\n".join(found) or "the policy does not name it"
