"""Every failure that a user can cause or meet, as a class with fields.

Each carries where it happened, what is wrong and what to do. The command line prints them and exits with
`exit_status`; any other exception is our bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class PlannerError(Exception):
    """An expected failure: one clear message, no traceback."""

    exit_status = 1


def without_logins(text: str) -> str:
    """A text with what stands before the host of its addresses left out: names, passwords, tokens."""
    import re  # Only who fails pays for it.

    return re.sub(r"(?<=://)[^/@\s]+@", "", text)


def for_terminal(text: str) -> str:
    """A text that may hold untrusted parts, of whose control characters only line ends and tabs are left."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else f"\\x{ord(letter):02x}" for letter in text)


def error_text(error: PlannerError) -> str:
    """An error as it is shown."""
    return f"planner: {for_terminal(without_logins(str(error)))}"


class UsageError(PlannerError):
    """The command line itself is wrong."""

    exit_status = 2


class Mistake(NamedTuple):
    """One thing wrong in one file. `line` and `column` count from 1; 0 means the whole file.

    A named tuple, because every start pays for this module and dataclasses take longer to load than all the rest.
    """

    file: str
    what: str
    line: int = 0
    column: int = 0
    hint: str = ""
    source_line: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}"
            if self.column:
                place += f":{self.column}"
        text = f"{place}: {self.what}"
        if self.source_line.strip():
            text += f"\n    {self.source_line.rstrip()}"
            if self.column and self.column <= len(self.source_line):
                text += "\n    " + " " * (self.column - 1) + "^"
        if self.hint:
            text += f"\n  {self.hint}"
        return text


class DefinitionError(PlannerError):
    """All the mistakes found in the files that define a family, in file order."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes: tuple[Mistake, ...] = tuple(mistakes)
        if not self.mistakes:
            raise ValueError("an error that tells no mistake would pass for none")
        super().__init__(self.mistakes)

    def __str__(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)


class QueryError(PlannerError):
    """A query that cannot be read or answered: the place, its line, and a caret under the letter."""

    def __init__(self, mistake: Mistake, *, source_line: str = "", caret: int = 0) -> None:
        self.mistake = mistake
        self.source_line = source_line
        self.caret = caret
        super().__init__(mistake)

    def __str__(self) -> str:
        lines = [f"{self.mistake.file}: {self.mistake.what}"]
        if self.source_line.strip():
            lines += [f"    {self.source_line}", f"    {' ' * self.caret}^"]
        if self.mistake.hint:
            lines.append(f"  {self.mistake.hint}")
        return "\n".join(lines)


class GitError(PlannerError):
    """Git could not answer: no such revision, not a repository, objects missing."""


class GitRefuses(GitError):
    """Git says nothing of a repository that somebody else owns, until its user allows it; or it is not to be asked."""


class GitSilent(GitError):
    """A git that was asked for objects said nothing for too long: nobody waits for it once more."""


class InputError(PlannerError):
    """A file changed, vanished or leaves the workspace while it was read."""


class BuilderError(PlannerError):
    """The engine that builds does not answer or refuses."""


class BuilderAway(BuilderError):
    """The engine that builds is not there now: it may come back, and another one may be there."""


class RegistryError(PlannerError):
    """A registry does not answer, refuses, or answers with something else than it should."""


class RegistryAway(RegistryError):
    """A registry does not answer, or says that it cannot now: the same request may succeed later."""


class StateError(PlannerError):
    """The state folder cannot be read, written or locked."""


class OutputError(PlannerError):
    """An answer cannot be written where it was asked for."""


class PlanFileError(PlannerError):
    """A saved plan cannot be read or no longer holds."""


def one_of(name: str, known: Sequence[str]) -> str:
    """A "did you mean" sentence for a name that is not in `known`; "" where nothing is near."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else ""
