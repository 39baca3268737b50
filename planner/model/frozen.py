"""`dataclass` for records that nothing changes: the type checker holds every line to that, not each run of it.

`dataclasses` compiles six methods for each class, and has each field of an instance set by a call, to refuse changes at
run time. Here only `__init__` is compiled: a class is made in a quarter of the time, an instance in 0.4 of it. A plan
makes fifty classes and thousands of instances.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, **settings):
        def made(cls):
            if "__repr__" not in cls.__dict__:
                cls.__repr__ = _shown
            if not frozen or not eq:
                return dataclasses.dataclass(cls, eq=eq, repr=False, **settings)
            record = dataclasses.dataclass(cls, eq=False, repr=False, **settings)
            record.__eq__, record.__hash__ = _compared([one.name for one in dataclasses.fields(record) if one.compare])
            return record

        return made if cls is None else made(cls)


def _shown(record: Any) -> str:
    fields = dataclasses.fields(record)
    values = ", ".join(f"{field.name}={getattr(record, field.name)!r}" for field in fields if field.repr)
    return f"{type(record).__qualname__}({values})"


def _compared(names: list[str]) -> tuple[Any, Any]:
    """`__eq__` and `__hash__` by the values of these fields."""
    values: Any = attrgetter(*names) if len(names) > 1 else lambda record: tuple(getattr(record, one) for one in names)

    def equal(record: Any, other: object) -> bool:
        return values(record) == values(other) if other.__class__ is record.__class__ else NotImplemented

    def hashed(record: Any) -> int:
        return hash(values(record))

    return equal, hashed
