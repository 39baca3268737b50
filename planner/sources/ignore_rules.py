"""Reads a `.dockerignore` and answers which paths of a context it leaves out, as BuildKit does.

The file format is moby/patternmatcher's `ignorefile.ReadAll`, the matching its `MatchesUsingParentResults` applied
from the context's root down, as fsutil walks a context. The same language serves `COPY --exclude` and `--parents`.
"""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Iterable

from planner.errors import DefinitionError, Mistake
from planner.model.frozen import dataclass, field
from planner.sources.go_match import SPACES, BadPattern, matches
from planner.sources.ignore_pattern import Pattern, compile_pattern

MAX_BYTES = 1 << 20
MAX_PATTERNS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One line: `exception` for a leading `!`, which brings back what an earlier line left out. `line` from 1."""

    pattern: Pattern
    exception: bool
    text: str
    line: int = 0


@dataclass(frozen=True, kw_only=True)
class IgnoreRules:
    """A list of rules in order; the last one that matches a path or a folder above it decides."""

    rules: tuple[Rule, ...] = ()
    file: str = field(default="", compare=False)
    _folders: dict[str, tuple[bool, tuple[bool, ...]]] = field(default_factory=dict, compare=False, repr=False)
    _matched: dict[str, tuple[bool, ...]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def parse(cls, data: bytes, file: str) -> IgnoreRules:
        """Read an ignore file. Raises DefinitionError with every bad line."""
        if len(data) > MAX_BYTES:
            raise DefinitionError([Mistake(file=file, what=f"longer than {MAX_BYTES} bytes")])
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
        numbered = ((number, _written(line)) for number, line in enumerate(text.split("\n"), 1))
        return cls._compiled(numbered, file)

    @classmethod
    def of(cls, patterns: Iterable[str], file: str, line: int = 0) -> IgnoreRules:
        """Rules from patterns that stand in a Dockerfile. Raises DefinitionError."""
        return cls._compiled(((line, pattern) for pattern in patterns), file)

    @classmethod
    def _compiled(cls, numbered: Iterable[tuple[int, str]], file: str) -> IgnoreRules:
        rules: list[Rule] = []
        mistakes: list[Mistake] = []
        for number, text in numbered:
            pattern = text.strip(SPACES)
            if not pattern:
                continue
            try:
                rules.append(_rule(pattern, number))
            except BadPattern as error:
                what = f'"{text}" is no pattern: {error}'
                mistakes.append(Mistake(file=file, line=number, what=what, hint="escape [ and \\ with a \\"))
        if len(rules) > MAX_PATTERNS:
            mistakes.append(Mistake(file=file, what=f"more than {MAX_PATTERNS} patterns"))
        if mistakes:
            raise DefinitionError(mistakes)
        return cls(rules=tuple(rules), file=file)

    @property
    def has_exceptions(self) -> bool:
        """Whether a `!` may bring back something below a folder that is left out."""
        return any(rule.exception for rule in self.rules)

    def ignores(self, path: str) -> bool:
        """Whether a path, with `/` and relative to the context, is left out."""
        return bool(self.rules) and self._judged(path)[0]

    def _judged(self, path: str) -> tuple[bool, tuple[bool, ...]]:
        """The decision, and which rules matched the path or a folder above it (kept for what lies below)."""
        known = self._folders.get(path)
        if known is not None:
            return known
        folder = posixpath.dirname(path)
        above = self._judged(folder)[1] if folder else (False,) * len(self.rules)
        left_out = False
        hits: list[bool] = []
        for rule, hit_above in zip(self.rules, above, strict=True):
            hit = hit_above or (rule.exception == left_out and rule.pattern.matches(path))
            hits.append(hit)
            if hit:
                left_out = not rule.exception
        judged = (left_out, tuple(hits))
        self._folders[path] = judged
        return judged

    def deciding(self, path: str) -> Rule | None:
        """The rule that leaves a path out; None where it is not left out."""
        left_out, hits = self._judged(path)
        if not left_out:
            return None
        return next(rule for rule, hit in zip(reversed(self.rules), reversed(hits), strict=True) if hit)

    def emptied_by(self, path: str) -> Rule | None:
        """The rule by which BuildKit sends a file empty that it does not leave out; None where it sends it whole.

        fsutil lists by `MatchesUsingParentResults`, for which a rule that leaves out what is left out already does not
        count below a folder, and opens by `MatchesOrParentMatches`, for which it does (filter.go, `Walk` and `Open`).
        """
        folder = posixpath.dirname(path)
        if not (folder and self._leaves_out_again):
            return None
        above = self._matches(folder)
        if not any(map(_is_late, self.rules, above, self._judged(folder)[1])):
            return None
        by: Rule | None = None
        for rule, hit in zip(self.rules, above, strict=True):
            if rule.exception == (by is not None) and (hit or rule.pattern.matches(path)):
                by = None if rule.exception else rule
        return by

    @functools.cached_property
    def _leaves_out_again(self) -> bool:
        """Whether a rule leaves something out after an exception that follows one which does."""
        kinds = "".join("!" if rule.exception else "-" for rule in self.rules)
        return "!" in kinds.strip("!").strip("-")

    def _matches(self, folder: str) -> tuple[bool, ...]:
        """Which rules match a folder or one above it, whatever the rules before them say."""
        if not folder:
            return (False,) * len(self.rules)
        if folder not in self._matched:
            above = self._matches(posixpath.dirname(folder))
            hits = (hit or rule.pattern.matches(folder) for rule, hit in zip(self.rules, above, strict=True))
            self._matched[folder] = tuple(hits)
        return self._matched[folder]

    def closes(self, path: str) -> bool:
        """Whether a path is left out with all that is or ever will be below it: no `!` brings any of it back.

        What lies below is matched by every rule that matches the path, and by more that leave out alone.
        """
        return self.ignores(path) and not any(
            rule.exception and rule.pattern.could_match_below(path) for rule in self.rules
        )

    def could_match_below(self, folder: str) -> bool:
        """Whether some rule might speak of the folder or of anything under it; False is certain."""
        return any(rule.pattern.could_match_below(folder) for rule in self.rules)


def _is_late(rule: Rule, matches: bool, counts: bool) -> bool:
    """Whether a rule matches a folder in which it does not count, as an earlier one left it out already."""
    return matches and not counts and not rule.exception


def _written(line: str) -> str:
    """One line of an ignore file as `ReadAll` normalises it; "" for a comment or a blank."""
    if line.startswith("#"):
        return ""
    pattern = line.strip(SPACES)
    exception = pattern.startswith("!")
    if exception:
        pattern = pattern[1:].strip(SPACES)
    if pattern:
        pattern = _cleaned(pattern)
        if len(pattern) > 1 and pattern.startswith("/"):
            pattern = pattern[1:]
    return f"!{pattern}" if exception else pattern


def _cleaned(path: str) -> str:
    """Go's `path.Clean`: as `normpath`, which alone keeps two leading slashes."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _rule(text: str, line: int) -> Rule:
    cleaned = _cleaned(text)
    exception = cleaned.startswith("!")
    if exception:
        cleaned = cleaned[1:]
        if not cleaned:
            raise BadPattern('"!" alone brings nothing back')
    matches(cleaned, ".")  # as patternmatcher checks a pattern: over the whole of it
    return Rule(pattern=compile_pattern(cleaned), exception=exception, text=text, line=line)
