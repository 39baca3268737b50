"""Takes a logical line apart into keyword, flags and the rest. Knows no keyword."""

from __future__ import annotations

from planner.model.frozen import dataclass
from planner.sources.dockerfile.words import first_word, skip_spaces
from planner.sources.go_match import SPACES


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """`--name` or `--name=value` (None where there is no `=`), quotes taken away. `at` is its place in the line."""

    name: str
    value: str | None
    at: int

    @property
    def text(self) -> str:
        """The flag as one word."""
        return f"--{self.name}" if self.value is None else f"--{self.name}={self.value}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One instruction taken apart; `rest` is what follows the flags, `text` the whole in its canonical form."""

    keyword: str
    text: str
    flags: tuple[Flag, ...]
    rest: str
    rest_at: int


def statement(line: str, escape: str) -> Statement:
    """Take a line apart. White space around it and the case of its keyword are gone afterwards."""
    start = skip_spaces(line, 0)
    keyword, body, body_at = first_word(line.strip(SPACES))
    flags, rest = _flags(body, start + body_at, escape)
    return Statement(
        keyword=keyword.upper(),
        text=f"{keyword.upper()} {body.strip(SPACES)}".rstrip(SPACES),
        flags=flags,
        rest=rest.strip(SPACES),
        rest_at=len(line.rstrip(SPACES)) - len(rest.strip(SPACES)),
    )


def _flags(body: str, body_at: int, escape: str) -> tuple[tuple[Flag, ...], str]:
    """The flags in front, and what follows.

    BuildKit takes this part byte by byte, so a letter outside ASCII in a flag becomes several (`é` becomes `Ã©`),
    and such a name matches no file. Reading it better than BuildKit would hide that from a plan.
    """
    view = body if body.isascii() else body.encode().decode("latin-1")
    flags = []
    at = skip_spaces(view, 0)
    while view.startswith("--", at):
        word, end = _flag(view, at, escape)
        if word == "--":
            at = end
            break
        name, equals, value = word[2:].partition("=")
        flags.append(Flag(name=name, value=value if equals else None, at=body_at + at))
        at = skip_spaces(view, end)
    rest = view[at:]
    return tuple(flags), rest if body.isascii() else rest.encode("latin-1").decode("utf-8", "replace")


def _flag(view: str, at: int, escape: str) -> tuple[str, int]:
    """One flag without its quotes and escapes, and where it ends."""
    word = []
    quote = ""
    while at < len(view) and (quote or view[at] not in SPACES):
        char = view[at]
        at += 1
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char != escape:
            word.append(char)
        elif at < len(view):
            word.append(view[at])
            at += 1
    return "".join(word), at
