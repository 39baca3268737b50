"""Which tracked files a checkout writes with other bytes than git stores: filters, line ends, encodings."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence

from planner.errors import GitError
from planner.local.process import ask, environment, git_argv
from planner.local.spawn import TIMEOUT
from planner.local.unseen import FALSE, has_tree_of_attributes

CONVERTING = ("filter", "text", "eol", "crlf", "ident", "working-tree-encoding")
"""The attributes that have bytes converted."""


def converted(folder: str, listing: bytes, times: bytes, settings: Sequence[tuple[str, str]]) -> list[str]:
    """The tracked paths whose bytes on disk may differ from git's, given both listings of its index."""
    tracked = re.findall(rb"\t([^\0]*)\0", listing)
    if any(_converts_all(name, value) for name, value in settings) or has_tree_of_attributes(settings):
        return [path.decode("utf-8", "surrogateescape") for path in tracked]
    top = ask(folder, "rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape").rstrip("\n")
    asked = b"".join(path + b"\0" for path in tracked)
    said = _fed(top, asked, "check-attr", "-z", "--stdin", *CONVERTING).split(b"\0")
    pairs = zip(said[::3], said[2::3], strict=False)
    found = {path for path, value in pairs if value not in (b"unspecified", b"unset", b"auto")}
    found.update(_of_other_size(folder, listing, times, found))
    return sorted(path.decode("utf-8", "surrogateescape") for path in found)


def _of_other_size(folder: str, listing: bytes, times: bytes, found: set[bytes]) -> Iterator[bytes]:
    """Those besides the found paths whose bytes on disk may differ although git's status calls them unchanged.

    It does so for a file whose size is the one in the index, or where the index has none. Where that is the size of
    git's bytes too, no line end can be longer than there, whether git guesses at it now or other attributes were in
    force at the checkout. So no file is read, and the index alone decides.
    """
    debug = rb"([^\0]*)\0  ctime: [^\n]*\n  mtime: [^\n]*\n  dev: [^\n]*\n  uid: [^\n]*\n  size: (\d+)\t[^\n]*\n"
    sizes = dict(re.findall(debug, times))
    listed = re.findall(rb"(?:\A|\0)H 10\d* (\w+) 0\t([^\0]*)", listing)
    held = [(oid, path) for oid, path in listed if path not in found]
    said = _fed(folder, b"".join(oid + b"\n" for oid, _ in held), "cat-file", "--batch-check=%(objectsize)")
    for (_, path), size in zip(held, said.splitlines(), strict=True):
        if sizes.get(path) != size:
            yield path


def _fed(folder: str, given: bytes, *arguments: str) -> bytes:
    """What git answers to a question with a long input. Raises GitError."""
    try:
        run = subprocess.run(
            git_argv(*arguments),
            cwd=folder,
            env=environment(),
            input=given,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git did not answer within {TIMEOUT:.0f} s") from error
    if run.returncode:
        raise GitError(f"git: {run.stderr.decode('utf-8', 'replace').strip().removeprefix('fatal: ')}")
    return run.stdout


def _converts_all(name: str, value: str) -> bool:
    """Whether `core.autocrlf` or `core.eol` rewrites the line ends of every text file."""
    if name == "core.autocrlf":
        return value != "input" and value not in FALSE
    return name == "core.eol" and value not in ("native", "lf")
