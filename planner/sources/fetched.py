"""Tells what ADD or a named context fetches from what is in the workspace, and whether its words hold it to one thing.

Follows `ParseGitRef`, `isHTTPSource` and `isGitSource` of BuildKit v0.32.2.
"""

from __future__ import annotations

import re

from planner.model.names import COMMIT

REMOTE = re.compile(r"https?://|(?:git|ssh)://|github\.com/|[a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:", re.IGNORECASE)
"""How a context begins that is no folder. Unlike for ADD, `github.com/…` is one."""
_URL = re.compile(r"([a-zA-Z0-9]+)://")
_SCP = re.compile(r"[a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:[^?#\n]*(\?[^#\n]*)?(#[^\n]*)?")
_LAYOUT = re.compile(r"oci-layout://[^@]+@sha256:[0-9a-f]{64}")
_BEGINS_A_COMMIT = re.compile(r"[0-9a-f]{7,}")
"""BuildKit takes any beginning of a commit for a checksum; of one that is shorter there may be others tomorrow."""


def is_fetched(source: str) -> bool:
    """Whether ADD fetches this source. `github.com/…` is none: for ADD that is a path of the context."""
    return source.startswith(("http://", "https://")) or is_git(source)


def is_git(source: str) -> bool:
    """Whether ADD takes this source for a git repository, not for a file."""
    if source.startswith(("./", "../", "github.com/")):
        return False
    found = _URL.match(source)
    if found is None:
        return _SCP.fullmatch(source) is not None
    scheme = found[1].lower()
    return scheme in ("git", "ssh") or (scheme in ("http", "https") and _path(source[found.end() :]).endswith(".git"))


def may_be_fetched(text: str) -> bool:
    """Whether ADD may fetch a source that begins with this, up to a variable that nobody knows before the build."""
    head = text.partition("$")[0].translate(dict.fromkeys(map(ord, "'\"\\`")))
    return "/" not in head or "://" in head or ("@" in head and ":" in head)


def github(value: str) -> str:
    """The repository that `github.com/OWNER/NAME#REF` means; without `.git` BuildKit would fetch the page about it."""
    path, mark, rest = re.fullmatch(r"([^?#]*)([?#]?)(.*)", value, re.DOTALL).groups("")  # type: ignore[union-attr]
    return f"https://{path.rstrip('/').removesuffix('.git')}.git{mark}{rest}"


def is_pinned(source: str, checksum: str) -> bool:
    """Whether what a source that is fetched means is said beside it: by a checksum, or by a repository's commit."""
    if not is_git(source):
        return bool(checksum)
    from urllib.parse import parse_qs, unquote  # few sources need it

    address, _, fragment = source.partition("#")
    query = parse_qs(address.partition("?")[2])
    refs = (unquote(fragment.partition(":")[0]), *query.get("ref", ()))
    held = (checksum, *query.get("checksum", ()), *query.get("commit", ()))
    return any(COMMIT.fullmatch(ref) for ref in refs) or any(_BEGINS_A_COMMIT.fullmatch(one) for one in held)


def _path(address: str) -> str:
    """The path of an address without its scheme."""
    from urllib.parse import unquote

    return unquote(address.partition("#")[0].partition("?")[0].partition("/")[2])


def is_pinned_context(url: str) -> bool:
    """Whether a context that is fetched is held to one thing: by a repository's commit, or by a layout's digest."""
    return _LAYOUT.fullmatch(url) is not None or (is_git(url) and is_pinned(url, ""))
