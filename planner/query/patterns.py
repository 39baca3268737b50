"""Turns a pattern into a test of texts, in time linear in the text whatever the pattern.

Patterns are untrusted, and Python's own `re` can take exponential time. They are RE2's here (the library `google-re2`):
the syntax of Bazel's examples, without back-references and look-around, which no linear-time engine has. The memory of
one compiled pattern is bounded too.
"""

from __future__ import annotations

from collections.abc import Callable

MAX_PATTERN = 1000
MAX_MEMORY = 8 << 20


class BadPattern(Exception):
    """A pattern that cannot be used; says why."""


def compile_pattern(text: str) -> Callable[[str], bool]:
    """A test whether a text holds the pattern somewhere, as Bazel's unanchored matching. Raises BadPattern."""
    import re2

    if len(text) > MAX_PATTERN:
        raise BadPattern(f"is longer than {MAX_PATTERN} letters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    try:
        compiled = re2.compile(text, options)
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if error.args else ""
        raise BadPattern(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from error
    return lambda name: compiled.search(name.encode("utf-8", "replace").decode()) is not None
