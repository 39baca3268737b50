"""Turns the text of a query into an expression, or into an error that points at the column and says what was expected.

Knows the grammar only: functions and labels are checked later. Bounded before anything is built: the length of the
text and its nesting.
"""

from __future__ import annotations

import functools

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from planner.query.expression import Call, Chain, Expression, Let, Operator, SetOf, Word
from planner.query.grammar import GRAMMAR, KEYWORDS, SHOWN
from planner.query.mistake import wrong

MAX_LENGTH = 16_384
MAX_DEPTH = 64
AFTER_OPERAND = {"_CLOSE", "_COMMA", "_IN", "$END"}
OPERATORS = {
    "UNION": Operator.UNION,
    "PLUS": Operator.UNION,
    "INTERSECT": Operator.INTERSECT,
    "CARET": Operator.INTERSECT,
    "EXCEPT": Operator.EXCEPT,
    "MINUS": Operator.EXCEPT,
}


def parse(text: str) -> Expression:
    """Read a query. Raises QueryError."""
    if len(text) > MAX_LENGTH:
        hint = "ask in several queries, or name the images by a pattern: filter(PATTERN, //...)"
        raise wrong(text, MAX_LENGTH, f"the query is longer than {MAX_LENGTH} letters", hint)
    try:
        _refuse_deep(text)
        found = _parser().parse(text)
    except UnexpectedInput as error:
        raise _mistake(text, error) from error
    if not isinstance(found, Word | Call | Chain | Let | SetOf):
        raise TypeError(f"the grammar gave {found!r}")
    return found


@functools.cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer="basic", transformer=_Maker(), maybe_placeholders=False)


def _refuse_deep(text: str) -> None:
    """Brackets and `let` are all that nests; chains of operators are flat."""
    opened = lets = 0
    for token in _parser().lex(text):
        opened += {"_OPEN": 1, "_CLOSE": -1}.get(token.type, 0)
        lets += token.type == "_LET"
        if opened + lets > MAX_DEPTH:
            raise wrong(text, token.start_pos or 0, f"the query is nested more than {MAX_DEPTH} deep")


@v_args(inline=True)
class _Maker(Transformer[Token, Expression]):
    """What each rule of the grammar makes; runs while lark parses, so no tree is walked."""

    def word(self, token: Token) -> Word:
        quoted = token.type == "QUOTED"
        return Word(text=token[1:-1] if quoted else str(token), at=token.start_pos or 0, quoted=quoted)

    def call(self, name: Token, *arguments: Expression) -> Call:
        return Call(function=str(name), arguments=arguments, at=name.start_pos or 0)

    def set_of(self, keyword: Token, *words: Word) -> SetOf:
        return SetOf(words=words, at=keyword.start_pos or 0)

    def group(self, inner: Expression) -> Expression:
        """A chain in brackets stays one operand."""
        return Chain(first=inner, rest=(), at=inner.at) if isinstance(inner, Chain) else inner

    def let(self, name: Token, value: Expression, body: Expression) -> Let:
        return Let(name=str(name), value=value, body=body, at=name.start_pos or 0)

    def chain(self, first: Expression, operator: Operator, second: Expression) -> Chain:
        if isinstance(first, Chain) and first.rest:
            return Chain(first=first.first, rest=(*first.rest, (operator, second)), at=first.at)
        return Chain(first=first, rest=((operator, second),), at=first.at)

    def operator(self, token: Token) -> Operator:
        return OPERATORS[token.type]


def _mistake(text: str, error: UnexpectedInput) -> Exception:
    if isinstance(error, UnexpectedCharacters):
        at = error.pos_in_stream or 0
        if text[at] in "\"'":
            return wrong(text, at, "this quote is never closed", f"end the word with {text[at]}")
        return wrong(text, at, f'"{text[at]}" cannot begin a word here', "put the word in quotes")
    if isinstance(error, UnexpectedToken):
        ended = error.token.type == "$END"
        at = len(text.rstrip()) if ended else error.token.start_pos or 0
        what = "the query ends too early" if ended else f'"{error.token}" is not expected here'
        if not text.strip():
            what = "the query is empty"
        return wrong(text, at, what, _hint(error))
    assert isinstance(error, UnexpectedEOF)  # noqa: S101 -- lark has no fourth kind
    return wrong(text, len(text), "the query ends too early")


def _hint(error: UnexpectedToken) -> str:
    expected = set(error.accepts or error.expected)
    if expected & AFTER_OPERAND and "WORD" not in expected:
        expected.add("UNION")  # lark has joined the operand to what stands before it by now, and no longer says so
    names = sorted({SHOWN.get(name, name) for name in expected})
    told = ", ".join(names[:-1]) + " or " + names[-1] if len(names) > 1 else "".join(names)
    hint = f"expected {told}"
    if str(error.token) in KEYWORDS:
        hint += f'; a name that is a keyword is put in quotes: "{error.token}"'
    elif error.token.type == "_EQUALS":
        hint += "; a word that holds = is put in quotes"
    return hint
