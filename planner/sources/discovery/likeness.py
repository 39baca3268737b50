"""Compares names, tags and folders as people spell them. Knows no family."""

from __future__ import annotations

import re
from collections.abc import Sequence

from planner.sources.discovery.official import OFFICIAL_IMAGES


def is_local(registry: str) -> bool:
    """A registry that only this machine or this network has."""
    host = registry.partition(":")[0]
    return host in ("localhost", "127.0.0.1") or host.endswith((".local", ".localhost", ".internal"))


def holds(tag: str, words: str) -> bool:
    """Whether a tag holds these words side by side: `1.2-alpine` holds `alpine`."""
    has, wanted = re.split(r"[-._]+", tag.lower()), re.split(r"[-._]+", words.lower())
    return any(has[at : at + len(wanted)] == wanted for at in range(len(has) - len(wanted) + 1))


def begins_with(tag: str, folder: str) -> bool:
    """Whether a tag begins with the version that a folder is: `1.2.3-slim` with `1.2.3` or `1.2`."""
    return folder[0].isdigit() and (tag == folder or tag.startswith((f"{folder}.", f"{folder}-")))


def tells(name: str) -> bool:
    """Whether a name tells one image from others: a version or what is everybody's does not."""
    return name not in OFFICIAL_IMAGES and name != "latest" and bool(re.search("[a-z]{2}", name))


def in_any_order(name: str) -> str:
    """A name whose words stand in one order, whatever theirs is."""
    return "-".join(sorted(name.split("-")))


def run_together(name: str) -> str:
    """A name without what parts its words, which nobody does alike: `FMWInfrastructure` is `fmw-infrastructure`."""
    return re.sub(r"[-_.]", "", name).lower()


def folders_shared(one: str, other: str) -> int:
    """How many folders two paths have in common from the top."""
    count = 0
    for left, right in zip(one.split("/")[:-1], other.split("/")[:-1], strict=False):
        if left != right:
            break
        count += 1
    return count


def stands_beside(reader: str, found: Sequence[str]) -> bool:
    """Whether there is one Dockerfile, and its folder stands beside the reader's in a folder of the workspace."""
    above = reader.split("/")[:-2]
    return bool(above) and [path.split("/")[:-2] for path in found] == [above]


def listed(paths: Sequence[str]) -> str:
    """The first of some paths, and how many more."""
    shown = ", ".join(paths[:4])
    return f"{shown} and {len(paths) - 4} more" if len(paths) > 4 else shown
