"""The grammar of queries for lark (LALR), and what its terminals are called in messages. Knows nothing of images.

Words and keywords are Bazel's: an unquoted word is made of letters, digits and `*/@.-_:$~[]` and begins with neither
`-` nor `*`; a quoted one holds anything but its quote. The body of a `let` reaches as far to the right as it can.
"""

from __future__ import annotations

GRAMMAR = r"""
?start: expression

?expression: chain
           | let
           | chain operator let -> chain

?chain: operand
      | chain operator operand

let: _LET WORD _EQUALS expression _IN expression

?operand: word
        | WORD _OPEN [expression (_COMMA expression)*] _CLOSE -> call
        | SET _OPEN word* _CLOSE                              -> set_of
        | _OPEN expression _CLOSE                             -> group

word: WORD | QUOTED

operator: UNION | PLUS | INTERSECT | CARET | EXCEPT | MINUS

_LET: "let"
_IN: "in"
SET: "set"
UNION: "union"
INTERSECT: "intersect"
EXCEPT: "except"
PLUS: "+"
CARET: "^"
MINUS: "-"
_EQUALS: "="
_OPEN: "("
_CLOSE: ")"
_COMMA: ","
QUOTED: /"[^"]*"|'[^']*'/
WORD: /[A-Za-z0-9\/@._:$~\[\]][A-Za-z0-9*\/@._:$~\[\]-]*/
%ignore /\s+/
"""

KEYWORDS = ("except", "in", "intersect", "let", "set", "union")

SHOWN = {
    "_LET": '"let"',
    "_IN": '"in"',
    "SET": '"set"',
    "UNION": "an operator",
    "INTERSECT": "an operator",
    "EXCEPT": "an operator",
    "PLUS": "an operator",
    "CARET": "an operator",
    "MINUS": "an operator",
    "_EQUALS": '"="',
    "_OPEN": '"("',
    "_CLOSE": '")"',
    "_COMMA": '","',
    "QUOTED": "a word",
    "WORD": "a word",
    "$END": "the end",
}
"""Terminals as messages call them."""
