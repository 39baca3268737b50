"""Random edits of a family: single mutations of one image or of the files, and edits of the graph file."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.oracle import mutations
from tests.oracle.builds.family import REGISTRY, TARGET, Member, State
from tests.oracle.builds.grammar import ImageMaker, references
from tests.oracle.case import Case, File, Piece
from tests.oracle.grammar import VALUES

Rng = random.Random
Edit = Callable[[State, Rng], State | None]


@dataclass(frozen=True)
class Edited:
    """A state before and after one edit, and what the edit is called."""

    before: State
    after: State
    edit: str


def _of_image(mutation: mutations.Mutation) -> Edit:
    """A mutation of the other oracle, done to one image; files that it touches are those of the family."""

    def edit(state: State, rng: Rng) -> State | None:
        member = rng.choice(state.members)
        after = mutation(state.case(member), rng)
        return None if after is None else state.with_case(member, after)

    edit.__name__ = mutation.__name__
    return edit


def fresh_content(state: State, rng: Rng) -> State | None:
    """A file gets bytes that nothing had before, of the same length more often than not."""
    paths = sorted(path for path, file in state.files.items() if file.kind != "l" and "ignore" not in path)
    if not paths:
        return None
    path = rng.choice(paths)
    old = state.files[path]
    fresh = f"{rng.randrange(16**8):08x}\n"
    text = (fresh * 40)[: len(old.text)] if rng.random() < 0.6 and len(old.text) > 3 else old.text + fresh
    return replace(state, files={**state.files, path: replace(old, text=text)})


def _names_before(state: State, member: Member) -> tuple[str, ...]:
    return tuple(one.name for one in state.members[: state.members.index(member)])


def reparent(state: State, rng: Rng) -> State | None:
    """Another image of the family where one is read, or another way to write its name."""
    member = rng.choice(state.members)
    before = _names_before(state, member)
    places = [
        (at, found)
        for at, piece in enumerate(member.case.pieces)
        for found in re.finditer(rf"{re.escape(REGISTRY)}/[^\s,]+", piece.text)
    ]
    if not places or not before:
        return None
    at, found = rng.choice(places)
    text = member.case.pieces[at].text
    fresh = text[: found.start()] + references(rng, (rng.choice(before),))[0] + text[found.end() :]
    return state.with_case(member, _with_text(state.case(member), at, fresh))


def read_image(state: State, rng: Rng) -> State | None:
    """One more instruction, which may read the images before."""
    member = rng.choice(state.members)
    names = _names_before(state, member)
    maker = ImageMaker(rng, dict(state.files), references(rng, names))
    maker.named = {name: value for name, value in member.case.named.items() if not value.startswith(TARGET)}
    pieces = member.case.pieces
    at = rng.randint(1, len(pieces))
    text = rng.choice((maker.copy, maker.run, maker.instruction))()
    number = 1 + max(piece.number for piece in pieces)
    case = replace(state.case(member), pieces=(*pieces[:at], Piece(number, text), *pieces[at:]))
    return state.with_case(member, case)


def _with_text(case: Case, at: int, text: str) -> Case:
    return replace(case, pieces=(*case.pieces[:at], Piece(case.pieces[at].number, text), *case.pieces[at + 1 :]))


def graph_order(state: State, rng: Rng) -> State | None:
    names = [member.name for member in state.members]
    rng.shuffle(names)
    return replace(state, order=tuple(names))


def graph_comment(state: State, rng: Rng) -> State | None:
    return replace(state, note=f"note {rng.randrange(1000)}")


def own_ignore_file(state: State, rng: Rng) -> State | None:
    """An ignore file beside a Dockerfile comes, goes, or repeats the shared one."""
    member = rng.choice(state.members)
    path = f"{member.case.dockerfile}.dockerignore"
    files = dict(state.files)
    if path in files:
        del files[path]
    elif "ctx/.dockerignore" in files and rng.random() < 0.5:
        files[path] = files["ctx/.dockerignore"]
    else:
        files[path] = File(rng.choice(("# nothing\n", "src\n", "*\n!a\n!src\n", "**/*.c\n")))
    return replace(state, files=files)


def other_context(state: State, rng: Rng) -> State | None:
    """Another folder as the context of an image."""
    member = rng.choice(state.members)
    fresh = replace(member, context=rng.choice(("ctx", ".", "ctx/src", "ctx/lib")))
    return replace(state, members=tuple(fresh if one == member else one for one in state.members))


def configuration(state: State, rng: Rng) -> State | None:
    """An instruction at the end that moves the configuration only."""
    member = rng.choice(state.members)
    pieces = member.case.pieces
    text = rng.choice(("LABEL z={}", "ENV Z={}", 'CMD ["{}"]', "EXPOSE {}", "WORKDIR /w{}", "USER {}", "VOLUME /v{}"))
    number = 1 + max(piece.number for piece in pieces)
    last = Piece(number, text.format(rng.randrange(1, 60000)))
    return state.with_case(member, replace(state.case(member), pieces=(*pieces, last)))


def unused_argument(state: State, rng: Rng) -> State | None:
    member = rng.choice(state.members)
    args = {**member.case.args, "UNDECLARED": rng.choice(VALUES)}
    return state.with_case(member, replace(state.case(member), args=args))


_OWN: tuple[tuple[int, Edit], ...] = (
    (12, fresh_content),
    (5, reparent),
    (8, read_image),
    (2, graph_order),
    (1, graph_comment),
    (4, own_ignore_file),
    (2, other_context),
    (4, configuration),
    (2, unused_argument),
)
_WEIGHTS = {
    "token": 5,
    "insert_word": 2,
    "elsewhere": 3,
    "drop": 4,
    "swap": 3,
    "into_link": 2,
    "rename": 5,
    "remove": 5,
    "insert": 2,
}
EDITS: tuple[tuple[int, Edit], ...] = (
    *_OWN,
    *((_WEIGHTS.get(one.__name__, weight), _of_image(one)) for weight, one in mutations.MUTATIONS),
)


def edited(state: State, rng: Rng) -> Edited:
    """A state and what one edit makes of it; tries again until something did change."""
    while True:
        edit = rng.choices([one for _, one in EDITS], [weight for weight, _ in EDITS])[0]
        after = edit(state, rng)
        if after and after != state and all(one.case.pieces for one in after.members) and after.is_valid():
            return Edited(state, after, edit.__name__)
