"""Finds whose signatures a command believes: by the policy, for the place where records are; and this run's own key."""

from __future__ import annotations

import argparse
import functools
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from planner.cli import arguments as shared
from planner.cli.family import folder_of
from planner.errors import PlannerError
from planner.plan.statement import Seal
from planner.system import given_files

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from planner.policy.policy import Policy

WORD, ESCAPE = b"signing", b"\\"
"""What a policy that says anything of signatures holds: the name of the section, which YAML lets be written otherwise.
"""
MAX_FILE = 1 << 20


def seal_for(options: argparse.Namespace, prefix: str, *, write: bool = False) -> Seal | None:
    """The signatures that count below a prefix (HOST/PATH); None where no policy asks for any.

    Whoever will `write` records there must be able to sign them. Raises PlannerError, DefinitionError.
    """
    if not hasattr(options, "policy"):
        options.policy = ""
    policy = _policy(options)
    return None if policy is None else sealed(policy, prefix, write=write)


def asks_for_signatures(options: argparse.Namespace) -> bool:
    """Whether the policy beside the graph file believes signed records alone, in some scope."""
    policy = _policy(options)
    return policy is not None and policy.signing is not None


def sealed(policy: Policy, prefix: str, *, write: bool = False) -> Seal | None:
    """The same of a policy that is at hand."""
    if policy.signing is None:
        return None
    need_cryptography()
    from planner.policy.cache_refs import scope_at
    from planner.trust.seal import seal_of, sealing

    scope = scope_at(policy, prefix)
    return sealing(policy.signing, scope, own_key()) if write else seal_of(policy.signing, scope)


def need_cryptography() -> None:
    """Raise PlannerError where signatures can neither be made nor checked: nothing is believed then."""
    if importlib.util.find_spec("cryptography") is None:
        raise PlannerError("cryptography is not installed\n  pip install 'image-family-planner[trust]'")


@functools.cache
def own_key() -> Ed25519PrivateKey | None:
    """This run's private key, read once, since it is taken out of the environment."""
    from planner.trust.seal import given_key

    return given_key(os.environ)


def _policy(options: argparse.Namespace) -> Policy | None:
    """The policy, where there is one that may say anything of signatures; a warm plan shall not pay for any other."""
    path = Path(options.policy) if options.policy else folder_of(options) / shared.POLICY
    if not options.policy and not shared.policy_stands_in(path.parent):
        return None
    try:
        data = given_files.read(path, MAX_FILE)
    except OSError as error:
        raise PlannerError(f"{path}: cannot be read: {error.strerror}") from error
    if WORD not in data and ESCAPE not in data:
        return None
    from planner.policy import policy_file

    return policy_file.read(data, str(path))
