"""Chooses the builder of an image by its name alone, so that the image comes back to where its layers are.

Weighted rendezvous hashing: a builder that leaves moves only its own images, one that joins takes only its share.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

WHOLE = 1 << 64


def home(image: str, builders: Mapping[str, float]) -> str:
    """The builder, of those with their weights (each above 0), that an image belongs to. Raises ValueError for none.

    D. Thaler, C. V. Ravishankar, Using name-based mappings to increase hit rates, IEEE/ACM Trans. Netw. 6 (1998);
    a draw u of (0, 1) weighs as -w / ln u.
    """
    return max(builders, key=lambda name: (builders[name] * _pull(image, name), name))


def _pull(image: str, builder: str) -> float:
    digest = hashlib.sha256(f"{image}\0{builder}".encode()).digest()
    return -1.0 / math.log((int.from_bytes(digest[:8]) + 1) / (WHOLE + 2))
