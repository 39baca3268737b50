"""Reads the `--flags` of one instruction by the kinds that it knows; others are kept by name."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

from planner.errors import one_of
from planner.model.frozen import dataclass
from planner.sources.dockerfile.refusal import Refused, shown
from planner.sources.dockerfile.statement import Flag


class Kind(enum.Enum):
    """How a flag takes its value: `--link[=true]`, `--chown=V`, or `--mount=V` any number of times."""

    SWITCH = enum.auto()
    ONE = enum.auto()
    MANY = enum.auto()


Kinds = Mapping[str, Kind]


@dataclass(frozen=True, kw_only=True, slots=True)
class Flags:
    """The flags of an instruction, in order; `unknown` are names that it does not have in BuildKit v0.32.2."""

    given: tuple[Flag, ...]
    unknown: tuple[str, ...] = ()

    def one(self, name: str) -> str:
        """A flag's value, "" where it is not given."""
        return next((flag.value or "" for flag in self.given if flag.name == name), "")

    def many(self, name: str) -> tuple[str, ...]:
        """All values of a flag that may be repeated."""
        return tuple(flag.value or "" for flag in self.given if flag.name == name)

    def switch(self, name: str) -> bool | None:
        """Whether a switch is on; None where it is not given."""
        flag = self.find(name)
        return None if flag is None else (flag.value or "true").lower() == "true"

    def find(self, name: str) -> Flag | None:
        """The flag itself, for its place."""
        return next((flag for flag in self.given if flag.name == name), None)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every flag as one word."""
        return tuple(flag.text for flag in self.given)


def read_flags(flags: Sequence[Flag], kinds: Kinds) -> Flags:
    """Check the known ones. Raises Refused."""
    seen: set[str] = set()
    for flag in flags:
        kind = kinds.get(flag.name)
        if kind is not None:
            _check(flag, kind, repeated=flag.name in seen)
        seen.add(flag.name)
    unknown = tuple(flag.name for flag in flags if flag.name not in kinds)
    return Flags(given=tuple(flags), unknown=unknown)


def only_known(flags: Sequence[Flag], kinds: Kinds) -> Flags:
    """As `read_flags`, for instructions where a flag that is not known cannot be tolerated. Raises Refused."""
    for flag in flags:
        if flag.name not in kinds:
            hint = one_of(flag.name[:30], list(kinds))
            raise Refused(f"unknown flag --{shown(flag.name)}", hint=hint, at=flag.at)
    return read_flags(flags, kinds)


def _check(flag: Flag, kind: Kind, *, repeated: bool) -> None:
    if repeated and kind is not Kind.MANY:
        raise Refused(f"--{flag.name} is given twice", hint="keep one of them", at=flag.at)
    if kind is not Kind.SWITCH and flag.value is None:
        raise Refused(f"--{flag.name} has no value", hint=f"write --{flag.name}=VALUE", at=flag.at)
    if kind is Kind.SWITCH and flag.value is not None and flag.value.lower() not in ("true", "false"):
        raise Refused(f'--{flag.name} is true or false, not "{shown(flag.value)}"', at=flag.at)
