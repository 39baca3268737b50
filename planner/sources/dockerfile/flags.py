"""Takes the `--flags` off an instruction (`extractBuilderFlags` and `BFlags` of BuildKit, v0.32.2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


class Refused(Exception):
    """An instruction that BuildKit would refuse: what is wrong, and what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = what
        self.hint = hint
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of one instruction in order. `written` is each as `--name=value`, `unknown` the names not known."""

    pairs: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...]

    def one(self, name: str) -> str:
        """The value of a flag, "" where it is not given."""
        return next((value for given, value in self.pairs if given == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """The values of a flag that may be repeated."""
        return tuple(value for given, value in self.pairs if given == name)

    def switch(self, name: str) -> bool:
        """A yes-or-no flag: given without a value, or with true."""
        return self.one(name) == "true"

    @property
    def written(self) -> tuple[str, ...]:
        """Every flag as `--name=value`."""
        return tuple(f"--{name}={value}" for name, value in self.pairs)


REPEATABLE = frozenset({"mount", "exclude", "device"})


def take_flags(text: str, known: Collection[str], switches: Collection[str] = frozenset()) -> tuple[Flags, str]:
    """The leading flags of an instruction's text, and the rest. Raises Refused for one given twice or without value."""
    pairs: list[tuple[str, str]] = []
    rest = text.lstrip()
    while rest.startswith("--"):
        word, rest = _word(rest)
        if word == "--":
            break
        name, equals, value = word[2:].partition("=")
        if any(given == name for given, _ in pairs) and name not in REPEATABLE:
            raise Refused(f"--{name} is given twice")
        if name in switches:
            value = _switch(name, value if equals else "true")
        elif not equals and name in known:
            raise Refused(f"--{name} needs a value", f"write --{name}=VALUE")
        pairs.append((name, value))
    unknown = tuple(name for name, _ in pairs if name not in known)
    return Flags(tuple(pairs), unknown), rest


def _switch(name: str, value: str) -> str:
    if value.lower() not in {"true", "false"}:
        raise Refused(f'--{name} is true or false, not "{value}"')
    return value.lower()


def _word(text: str) -> tuple[str, str]:
    """The first word, quotes taken off and escapes resolved, and what follows it."""
    out: list[str] = []
    quote = ""
    at = 0
    while at < len(text):
        letter = text[at]
        at += 1
        if letter == "\\" and at < len(text) and quote != "'":
            out.append(text[at])
            at += 1
        elif quote:
            if letter == quote:
                quote = ""
            else:
                out.append(letter)
        elif letter in "\"'":
            quote = letter
        elif letter.isspace():
            break
        else:
            out.append(letter)
    return "".join(out), text[at:].lstrip()
