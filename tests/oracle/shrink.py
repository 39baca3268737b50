"""Makes a failing example small: drops whatever it fails without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.oracle.case import Case, Pair, Piece, valid


def shrunk(pair: Pair, fails: Callable[[Pair], bool], attempts: int = 150) -> Pair:
    """The smallest pair found that still fails."""
    left = attempts
    again = True
    while again and left > 0:
        again = False
        for smaller in _smaller(pair):
            left -= 1
            if smaller != pair and valid(smaller.before) and valid(smaller.after) and fails(smaller):
                pair, again = smaller, True
                break
            if left <= 0:
                break
    return pair


def _smaller(pair: Pair) -> Iterator[Pair]:
    for number in sorted({piece.number for piece in pair.before.pieces}, reverse=True):
        yield _both(pair, lambda case, n=number: replace(case, pieces=tuple(p for p in case.pieces if p.number != n)))
    for path in sorted({*pair.before.files, *pair.after.files}):
        if pair.before.files.get(path) == pair.after.files.get(path):
            yield _both(pair, lambda case, p=path: replace(case, files={k: v for k, v in case.files.items() if k != p}))
    for name in ("args", "labels", "named"):
        for key in getattr(pair.before, name):
            yield _both(
                pair,
                lambda case, n=name, k=key: replace(case, **{n: {a: b for a, b in getattr(case, n).items() if a != k}}),
            )
    if pair.before.target == pair.after.target:
        yield _both(pair, lambda case: replace(case, target=""))
    if pair.before.newline == pair.after.newline:
        yield _both(pair, lambda case: replace(case, newline="\n"))
    yield _both(pair, lambda case: replace(case, network="", platform="linux/amd64"))
    for piece in pair.before.pieces:
        words = piece.text.split(" ")
        for at in range(1, len(words)):
            text = " ".join([*words[:at], *words[at + 1 :]])
            yield _both(pair, lambda case, old=piece, new=text: _replaced(case, old, new))


def _replaced(case: Case, old: Piece, new: str) -> Case:
    return replace(case, pieces=tuple(Piece(p.number, new) if p == old else p for p in case.pieces))


def _both(pair: Pair, change: Callable[[Case], Case]) -> Pair:
    return Pair(change(pair.before), change(pair.after), pair.mutation)
