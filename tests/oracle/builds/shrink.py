"""Makes a failing edit of a family small: drops whatever it fails without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.oracle.builds.edits import Edited
from tests.oracle.builds.family import TARGET, Member, State, names_of
from tests.oracle.builds.grammar import NAMES


def alone(one: Edited, image: str) -> Edited | None:
    """The edit of a family of one image and what it reads; None where that is all of it, or no family."""
    kept = _both(one, lambda state: _keeping(state, read_by(one, image)))
    return kept if kept != one and kept.before != kept.after and _is_valid(kept) else None


def shrunk(one: Edited, fails: Callable[[Edited], bool], attempts: int) -> Edited:
    """The smallest edit found within so many attempts that still fails."""
    left, again = attempts, True
    while again and left > 0:
        again = False
        for smaller in _smaller(one):
            if smaller == one or smaller.before == smaller.after or not _is_valid(smaller):
                continue
            left -= 1
            if fails(smaller):
                one, again = smaller, True
                break
            if left <= 0:
                break
    return one


def read_by(one: Edited, image: str) -> set[str]:
    """An image, and all images that it reads before or after the edit, through others too."""
    kept = {image}
    for state in (one.before, one.after):
        for member in reversed(state.members):
            if member.name in kept:
                texts = [*(piece.text for piece in member.case.pieces), *member.case.named.values()]
                kept |= {
                    name
                    for name in NAMES
                    if any(names_of(name)[0] in text or text == f"{TARGET}{name}" for text in texts)
                }
    return kept


def _is_valid(one: Edited) -> bool:
    return all(
        state.members and state.is_valid() and all(member.case.pieces for member in state.members)
        for state in (one.before, one.after)
    )


def _smaller(one: Edited) -> Iterator[Edited]:
    names = [member.name for member in one.before.members]
    for at in range(len(names)):
        kept = set(names[: len(names) - at - 1])
        if kept:
            yield _both(one, lambda state, kept=kept: _keeping(state, kept))
    for name in reversed(names):
        yield _both(one, lambda state, kept=set(names) - {name}: _keeping(state, kept))
    for path in sorted({*one.before.files, *one.after.files}):
        if one.before.files.get(path) == one.after.files.get(path):
            yield _both(one, lambda state, path=path: _without(state, path))
    for name in names:
        member = next(member for member in one.before.members if member.name == name)
        for piece in reversed(member.case.pieces):
            yield _both(one, lambda state, name=name, number=piece.number: _cut(state, name, number))
        yield _both(one, lambda state, name=name: _plain(state, name))


def _keeping(state: State, kept: set[str]) -> State:
    return replace(state, members=tuple(one for one in state.members if one.name in kept))


def _without(state: State, path: str) -> State:
    return replace(state, files={known: file for known, file in state.files.items() if known != path})


def _changed(state: State, name: str, change: Callable[[Member], Member]) -> State:
    return replace(state, members=tuple(change(one) if one.name == name else one for one in state.members))


def _cut(state: State, name: str, number: int) -> State:
    def cut(member: Member) -> Member:
        pieces = tuple(piece for piece in member.case.pieces if piece.number != number)
        return replace(member, case=replace(member.case, pieces=pieces))

    return _changed(state, name, cut)


def _plain(state: State, name: str) -> State:
    return _changed(
        state, name, lambda member: replace(member, case=replace(member.case, args={}, labels={}, network=""))
    )


def _both(one: Edited, change: Callable[[State], State]) -> Edited:
    return Edited(change(one.before), change(one.after), one.edit)
