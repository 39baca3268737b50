"""Single mutations of a case: of a file, of a token of the Dockerfile, of what a build is asked for."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace

from tests.oracle import dialect
from tests.oracle.case import EXECUTABLE, LINK, PLAIN, Case, File, Pair, Piece, valid
from tests.oracle.contexts import BASES, RULES
from tests.oracle.grammar import ARGS, STAGES, VALUES, Maker

Rng = random.Random
Mutation = Callable[[Case, Rng], Case | None]


def _path(case: Case, rng: Rng, kinds: tuple[str, ...] = (PLAIN, EXECUTABLE, LINK)) -> str | None:
    paths = sorted(path for path, file in case.files.items() if file.kind in kinds)
    return rng.choice(paths) if paths else None


def _with(case: Case, path: str, file: File | None) -> Case:
    files = {known: one for known, one in case.files.items() if known != path}
    return replace(case, files=files if file is None else {**files, path: file})


def content(case: Case, rng: Rng) -> Case | None:
    path = _path(case, rng, (PLAIN, EXECUTABLE))
    return path and _with(case, path, replace(case.files[path], text=case.files[path].text + "more\n"))


def mode(case: Case, rng: Rng) -> Case | None:
    path = _path(case, rng, (PLAIN, EXECUTABLE))
    if path is None:
        return None
    file = case.files[path]
    return _with(case, path, replace(file, kind=PLAIN if file.kind == EXECUTABLE else EXECUTABLE))


def add(case: Case, rng: Rng) -> Case | None:
    maker = Maker(rng)
    path = maker.new_path(rng.choice(("ctx", "ctx", "ctx", "more")))
    return None if path in case.files else _with(case, path, maker.file())


def remove(case: Case, rng: Rng) -> Case | None:
    path = _path(case, rng)
    return path and _with(case, path, None)


def rename(case: Case, rng: Rng) -> Case | None:
    path, fresh = _path(case, rng), Maker(rng).new_path("ctx")
    return None if path is None or fresh in case.files else _with(_with(case, path, None), fresh, case.files[path])


def relink(case: Case, rng: Rng) -> Case | None:
    path = _path(case, rng, (LINK,))
    return path and _with(case, path, File(Maker(rng).link_target(), LINK))


def into_link(case: Case, rng: Rng) -> Case | None:
    path = _path(case, rng, (PLAIN, EXECUTABLE))
    return path and _with(case, path, File(Maker(rng).link_target(), LINK))


def ignore_rule(case: Case, rng: Rng) -> Case | None:
    found = [path for path in case.files if path.endswith(".dockerignore")]
    path = rng.choice(["ctx/.dockerignore", f"{case.dockerfile}.dockerignore", *found, *found])
    lines = case.files[path].text.splitlines() if path in case.files else []
    if lines and rng.random() < 0.4:
        lines.pop(rng.randrange(len(lines)))
    else:
        lines.insert(rng.randint(0, len(lines)), rng.choice(RULES))
    return _with(case, path, File("".join(f"{line}\n" for line in lines)))


def _piece(case: Case, rng: Rng, change: Callable[[str], str | None]) -> Case | None:
    at = rng.randrange(len(case.pieces))
    text = change(case.pieces[at].text)
    if text is None or text == case.pieces[at].text:
        return None
    return replace(case, pieces=(*case.pieces[:at], Piece(case.pieces[at].number, text), *case.pieces[at + 1 :]))


_TOKEN = re.compile(r"[A-Za-z0-9_./*]+|[^\sA-Za-z0-9_./*]")
_OTHERS = (
    "a",
    "b",
    "src",
    "lib",
    "/x",
    "1",
    "$A",
    "${B}",
    "*",
    "?",
    '"',
    "'",
    "\\",
    "--link",
    "EOF",
    "\u00a0",
    "`",
    "#",
    "<<E",
    *dialect.SOURCES[:3],
    *ARGS,
    *BASES,
    *STAGES,
)


def token(case: Case, rng: Rng) -> Case | None:
    def change(text: str) -> str | None:
        found = list(_TOKEN.finditer(text))
        if not found:
            return None
        one = rng.choice(found)
        fresh = rng.choice((rng.choice(_OTHERS), one[0] + rng.choice("a1/*"), one[0][:-1], ""))
        return text[: one.start()] + fresh + text[one.end() :]

    return _piece(case, rng, change)


def value(case: Case, rng: Rng) -> Case | None:
    """Another value in an ENV, ARG, USER, SHELL or the like, or another word in a here-document."""

    def change(text: str) -> str | None:
        head, line_end, body = text.partition("\n")
        if line_end and "<<" in head:
            lines = body.split("\n")
            at = rng.randrange(max(1, len(lines) - 1))
            return "\n".join([head, *lines[:at], rng.choice(("more", "$B", "\ty")), *lines[at:]])
        found = list(re.finditer(r"(?<=[=\s/\"])[A-Za-z0-9]+(?=[\s\"/]|$)", text))
        if not found or text.upper().startswith(("FROM", "COPY", "ADD", "#")):
            return None
        one = rng.choice(found)
        return text[: one.start()] + one[0] + rng.choice("1x") + text[one.end() :]

    return _piece(case, rng, change)


def declared(case: Case, rng: Rng) -> Case | None:
    """Another value of an argument that the Dockerfile declares."""
    names = re.findall(r"^\s*ARG\s+(\w+)", case.text, re.MULTILINE | re.IGNORECASE)
    return replace(case, args={**case.args, rng.choice(names): rng.choice(VALUES)}) if names else None


def elsewhere(case: Case, rng: Rng) -> Case | None:
    """Another stage, image or named context in a FROM, a --from or a mount's from."""

    def change(text: str) -> str | None:
        found = list(re.finditer(r"(?<=from=)[^\s,]+|(?<=^FROM )[^\s-]+", text))
        if not found:
            return None
        one = rng.choice(found)
        return text[: one.start()] + rng.choice((*STAGES[:3], *BASES[:2], *case.named, "0")) + text[one.end() :]

    return _piece(case, rng, change)


def insert_word(case: Case, rng: Rng) -> Case | None:
    def change(text: str) -> str | None:
        spaces = [at for at, char in enumerate(text) if char == " "]
        at = rng.choice(spaces) if spaces else len(text)
        maker = Maker(rng)
        word = rng.choice((maker.flags().strip(), maker.mount(), maker.source(), "A=2", "--parents", "--from=one"))
        return f"{text[:at]} {word}{text[at:]}"

    return _piece(case, rng, change)


def comment(case: Case, rng: Rng) -> Case | None:
    at = rng.randint(0, len(case.pieces))
    fresh = Piece(1000, rng.choice(("# other words", "", "  # indented", "#")))
    return replace(case, pieces=(*case.pieces[:at], fresh, *case.pieces[at:]))


def white_space(case: Case, rng: Rng) -> Case | None:
    def change(text: str) -> str | None:
        spaces = [at for at, char in enumerate(text.partition("\n")[0]) if char == " "]
        if not spaces or rng.random() < 0.3:
            return text.partition("\n")[0] + "  " if "\n" not in text else None
        at = rng.choice(spaces)
        return f"{text[:at]} {text[at:]}"

    return _piece(case, rng, change)


def keyword_case(case: Case, rng: Rng) -> Case | None:
    def change(text: str) -> str | None:
        first, space, rest = text.partition(" ")
        return first.swapcase() + space + rest if first.isalpha() else None

    return _piece(case, rng, change)


def drop(case: Case, rng: Rng) -> Case | None:
    at = rng.randrange(len(case.pieces))
    return replace(case, pieces=(*case.pieces[:at], *case.pieces[at + 1 :]))


def swap(case: Case, rng: Rng) -> Case | None:
    if len(case.pieces) < 3:
        return None
    at = rng.randrange(1, len(case.pieces) - 1)
    pieces = list(case.pieces)
    pieces[at], pieces[at + 1] = pieces[at + 1], pieces[at]
    return replace(case, pieces=tuple(pieces))


def insert(case: Case, rng: Rng) -> Case | None:
    maker = Maker(rng)
    maker.files, maker.named = dict(case.files), dict(case.named)
    at = rng.randint(1, len(case.pieces))
    return replace(case, pieces=(*case.pieces[:at], Piece(1001, maker.instruction()), *case.pieces[at:]))


def line_ends(case: Case, rng: Rng) -> Case | None:
    kind = rng.randrange(4)
    if kind == 0:
        return replace(case, mark=not case.mark)
    if kind == 1:
        return replace(case, ended=not case.ended)
    return replace(case, newline="\n" if case.newline == "\r\n" else "\r\n")


def spelling(case: Case, rng: Rng) -> Case | None:
    return _piece(case, rng, lambda text: dialect.replaced(rng, text))


def own_argument(case: Case, rng: Rng) -> Case | None:
    """Another value of an argument that BuildKit itself reads."""
    given = [name for name in case.args if name in dialect.OWN_ARGUMENTS]
    if not given or rng.random() < 0.3:
        return replace(case, args={**case.args, **Maker(rng).own_arguments()})
    return replace(case, args={**case.args, (name := rng.choice(given)): rng.choice(dialect.OWN_ARGUMENTS[name])})


def argument(case: Case, rng: Rng) -> Case | None:
    name = rng.choice((*case.args, *ARGS, "UNDECLARED"))
    if name in case.args and rng.random() < 0.3:
        return replace(case, args={known: value for known, value in case.args.items() if known != name})
    return replace(case, args={**case.args, name: rng.choice(VALUES)})


def requested(case: Case, rng: Rng) -> Case | None:
    kind = rng.randrange(5)
    if kind == 0:
        return replace(case, target=rng.choice(("", *STAGES[:3], "0")))
    if kind == 1:
        return replace(case, platform=rng.choice(("linux/amd64", *dialect.SEVERAL_PLATFORMS)))
    if kind == 2:
        return replace(case, labels={"k": rng.choice(VALUES)} if rng.random() < 0.7 else {})
    if kind == 3:
        return replace(case, network=rng.choice(("", "none", "host")))
    name = rng.choice(("extra", "img", *STAGES[:2], *BASES[:2], *dialect.NAMED))
    return replace(case, named={**case.named, name: rng.choice(("more", f"docker-image://{rng.choice(BASES)}"))})


MUTATIONS: tuple[tuple[int, Mutation], ...] = (
    (12, content),
    (7, mode),
    (8, add),
    (7, remove),
    (7, rename),
    (7, relink),
    (3, into_link),
    (7, ignore_rule),
    (14, token),
    (12, value),
    (7, declared),
    (6, elsewhere),
    (4, insert_word),
    (3, comment),
    (3, white_space),
    (2, keyword_case),
    (6, drop),
    (4, swap),
    (6, insert),
    (2, line_ends),
    (5, spelling),
    (1, own_argument),
    (2, argument),
    (4, requested),
)


def mutated(case: Case, rng: Rng) -> Pair:
    """A case and what one mutation makes of it; tries again until something did change."""
    while True:
        mutation = rng.choices([one for _, one in MUTATIONS], [weight for weight, _ in MUTATIONS])[0]
        after = mutation(case, rng)
        if after and after != case and after.pieces and valid(after):
            return Pair(case, after, mutation.__name__)
