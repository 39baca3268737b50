"""Digests of lists of texts: XXH3-128, or SHA-256 where untrusted people may write."""

from __future__ import annotations

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
        # The length is that of the bytes. Most texts are ASCII, and all are encoded at once.
        framed = [f"{len(one) if one.isascii() else len(_encoded(one))}:{one}" for one in texts]
        body = _encoded("".join(framed))
        if self.algorithm == "sha256":
            import hashlib

            return hashlib.sha256(body).hexdigest()
        return xxhash.xxh3_128_hexdigest(body)

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> str:
        """The digest of a list of names and values."""
        return self.texts(text for pair in pairs for text in pair)

    def key(self, texts: Iterable[str]) -> str:
        """A digest in the text form of keys: `x3-…` or `s2-…`."""
        return PREFIX[self.algorithm] + self.texts(texts)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
