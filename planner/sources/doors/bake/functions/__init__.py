"""The standard library of Bake (buildx v0.36.1, bake/hclparser/stdlib.go), implemented anew."""

from __future__ import annotations

from collections.abc import Mapping

from planner.sources.doors.bake.functions import (
    collections,
    encodings,
    formats,
    numbers,
    places,
    semver,
    texts,
    times,
)
from planner.sources.doors.bake.functions.signature import Function

LIBRARY: Mapping[str, Function] = {
    **collections.FUNCTIONS,
    **encodings.FUNCTIONS,
    **formats.FUNCTIONS,
    **numbers.FUNCTIONS,
    **places.FUNCTIONS,
    **semver.FUNCTIONS,
    **texts.FUNCTIONS,
    **times.FUNCTIONS,
}
"""Every function whose arguments are evaluated before it is called."""
UNSUPPORTED: Mapping[str, str] = {
    "rsadecrypt": "decrypting would need a private key in the file",
    "byteslen": "no other function makes what it reads",
    "bytesslice": "no other function makes what it reads",
}
"""Functions that Bake has and this reader has not, each with its reason."""
NEED_WORLD = ("timestamp", "homedir")
"""Functions that read the environment."""
