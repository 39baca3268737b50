"""The GitHub Actions that written workflows use, each by the commit that its release's tag names.

The commits were read from the tags of the actions' own repositories; a tag can be moved, a commit cannot.
"""

from __future__ import annotations

import re

PINNED = {
    "actions/checkout": ("v7.0.1", "3d3c42e5aac5ba805825da76410c181273ba90b1"),
    "actions/upload-artifact": ("v7.0.0", "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"),
    "actions/download-artifact": ("v8.0.1", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"),
    "docker/setup-buildx-action": ("v4.3.0", "37fe631027851001ddb9b187196cc803df7f5f0e"),
    "docker/setup-qemu-action": ("v4.2.0", "96fe6ef7f33517b61c61be40b68a1882f3264fb8"),
    "google-github-actions/auth": ("v3.0.0", "7c6bc770dae815cd3e89ee6cdf493a5fab2cc093"),
    "aws-actions/configure-aws-credentials": ("v6.2.3", "e6de054238d6b7531b4efff3b6587d9aade6a06c"),
}
_USES = re.compile(r"^( *(?:- )?uses: )([\w.-]+/[\w.-]+)$", re.MULTILINE)


def pinned(text: str) -> str:
    """A workflow with each `uses: OWNER/NAME` at its commit, the release beside it for people."""

    def at(found: re.Match[str]) -> str:
        release, commit = PINNED[found[2]]
        return f"{found[1]}{found[2]}@{commit}  # {release}"

    return _USES.sub(at, text)
