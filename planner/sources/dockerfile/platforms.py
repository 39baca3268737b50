"""Tells what `FROM --platform` means, and what BuildKit takes for no platform.

Follows `platforms.Parse` of github.com/containerd/platforms v1.0.0-rc.5.
"""

from __future__ import annotations

import re

from planner.model.graph import MACHINE
from planner.model.names import PROCESSORS, Platform
from planner.sources.dockerfile.global_args import BUILD_MARK

_SYSTEMS = """
    aix android darwin dragonfly freebsd hurd illumos ios js linux macos nacl netbsd openbsd plan9 solaris windows zos
"""
_ALONE = PROCESSORS.union(_SYSTEMS.split())
_OF_TARGET = re.compile(r"\$\{?TARGET(?:PLATFORM|OS|ARCH|VARIANT)\b")
_PART = re.compile(r"[A-Za-z0-9_.-]+")
MAX_PARTS = 3


def why_no_platform(text: str) -> str:
    """Why BuildKit may refuse an expanded `--platform`, "" where it does not. Versions of systems are not read."""
    if not text:
        return "the platform is empty"
    parts = text.split("/", MAX_PARTS)
    if len(parts) > MAX_PARTS or not all(map(_PART.fullmatch, parts)):
        return f'"{text}" is no platform'
    if len(parts) == 1 and text.lower() not in _ALONE:
        return f'"{text}" is neither an operating system nor an architecture'
    return ""


def read_platform(written: str, expanded: str, target: Platform) -> str:
    """The platform on which a FROM reads its image, as a use has it.

    A system alone has the processor of the machine that builds. What follows the target by its variable is that of the
    target for each platform of an image, so that the platforms have their uses in common.
    """
    if not written:
        return ""
    if BUILD_MARK in expanded or expanded.lower() in _SYSTEMS.split():
        return MACHINE
    try:
        platform = Platform.parse(expanded)
    except ValueError:
        return MACHINE
    if platform.architecture not in PROCESSORS:
        return MACHINE
    return "" if platform == target and _OF_TARGET.search(written) else str(platform)
