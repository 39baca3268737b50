"""Asks a git repository elsewhere what commit a name means now, as BuildKit asks it. Fetches nothing."""

from __future__ import annotations

import os
import re
import subprocess

from planner.errors import GitError
from planner.local.spawn import environment

TIMEOUT = 60.0
_COMMIT = re.compile(r"^([0-9a-f]{40}|[0-9a-f]{64})\t(.+)$", re.MULTILINE)
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "GIT_ALLOW_PROTOCOL": "https:http:git:ssh",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=10",
}
_URL = re.compile(r"((https?|git|ssh)://|[A-Za-z0-9_.-]+@[^:/]+:)[^\0-\x20]+")


def commit_of(source: str) -> str:
    """The commit of `REPOSITORY[#REF[:FOLDER]]`; without a ref that of HEAD. Raises GitError."""
    name, _, fragment = source.partition("#")
    scheme, separator, rest = name.partition("://")
    url = f"{scheme.lower()}://{rest}" if separator else name
    if not _URL.fullmatch(url) or "?" in url:
        raise GitError("is no address that can be locked: write REPOSITORY#REF")
    ref = fragment.partition(":")[0] or "HEAD"
    if ref.startswith("-"):
        raise GitError(f"{ref} is no name of a commit")
    listed = _COMMIT.findall(_listed(url, ref).decode("utf-8", "replace"))
    found: dict[str, str] = {name: commit for commit, name in listed}
    short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    # As git checkout has it: a branch before a tag, and of an annotated tag what it stands for.
    wanted = (f"refs/heads/{short}", f"refs/tags/{short}^{{}}", f"refs/tags/{short}", f"{ref}^{{}}", ref)
    commit = next((found[one] for one in wanted if one in found), None)
    if commit is None:
        raise GitError(f"has no {ref}")
    return commit


def _listed(url: str, ref: str) -> bytes:
    argv = ["git", "-c", "credential.helper=", "ls-remote", "--", url, ref, f"{ref}^{{}}"]
    try:
        run = subprocess.run(
            argv,
            cwd="/",
            env={**environment(), **{name: value for name, value in _QUIET.items() if name not in os.environ}},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except FileNotFoundError as error:
        raise GitError("git is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(f"does not answer within {TIMEOUT:.0f} s") from error
    if run.returncode:
        said = run.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitError(f"does not answer git: {said[-1][:200] if said else 'it says nothing'}")
    return run.stdout
