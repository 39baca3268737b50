"""Digests of lists of texts: XXH3-128, or SHA-256 where untrusted people may write."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import xxhash

from planner.model.frozen import dataclass

PREFIX = {"xxh3_128": "x3-", "sha256": "s2-"}


@dataclass(frozen=True, slots=True)
class Hasher:
    """Digests with one algorithm; `key` gives the text form that names it."""

    algorithm: str = "xxh3_128"

    def texts(self, texts: Iterable[str]) -> str:
        """The digest of a list of texts, each framed by its length, so that no two lists look alike."""
        body = "".join([f"{_bytes_of(text)}:{text}" for text in texts]).encode("utf-8", "surrogateescape")
        if self.algorithm == "sha256":
            return hashlib.sha256(body).hexdigest()
        return xxhash.xxh3_128_hexdigest(body)

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> str:
        """The digest of a list of names and values."""
        return self.texts(text for pair in pairs for text in pair)

    def key(self, texts: Iterable[str]) -> str:
        """A digest in the text form of keys: `x3-…` or `s2-…`."""
        return PREFIX[self.algorithm] + self.texts(texts)


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))
