"""Turns a text with `$x` and `${x…}` in it into its value, as BuildKit does for words and for here-documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from planner.model.frozen import dataclass
from planner.sources.dockerfile.lexer import Lexer, Quoting, never
from planner.sources.dockerfile.refusal import ExpansionError

__all__ = ["Expansion", "ExpansionError", "expand", "expand_heredoc", "expand_words"]

_WORD = Quoting()
_HEREDOC = Quoting(plain_quotes=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Expansion:
    """What a text became. `used` are all names it mentions, also in a `${x:-…}` that was not needed.

    `decided` are those whose value had a part in it.
    `unknown` are the names that had no value where one was needed; BuildKit puts nothing in their place.
    """

    value: str
    used: frozenset[str] = frozenset()
    decided: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()


def expand(
    text: str, variables: Mapping[str, str], escape: str = "\\", may_be_set: Callable[[str], bool] = never
) -> Expansion:
    """Expand one word of an instruction; its quotes and escapes are taken away. `may_be_set` as for a `Lexer`."""
    return _expanded(text, variables, escape, _WORD, may_be_set)


def expand_heredoc(content: str, variables: Mapping[str, str], may_be_set: Callable[[str], bool] = never) -> Expansion:
    """Expand the content of a here-document of COPY or ADD: quotes stay, and the escape is always a backslash."""
    return _expanded(content, variables, "\\", _HEREDOC, may_be_set)


def expand_words(text: str, variables: Mapping[str, str], escape: str = "\\") -> tuple[str, ...]:
    """Expand, then split at white space outside quotes: how EXPOSE reads each of its words."""
    lexer = Lexer(text, variables, escape, _WORD)
    lexer.run()
    return tuple(lexer.words)


def _expanded(
    text: str, variables: Mapping[str, str], escape: str, quoting: Quoting, may_be_set: Callable[[str], bool]
) -> Expansion:
    lexer = Lexer(text, variables, escape, quoting, may_be_set)
    value = lexer.run()
    return Expansion(
        value=value,
        used=frozenset(lexer.used),
        decided=frozenset(lexer.decided),
        unknown=frozenset(lexer.unknown),
    )
