"""`dataclass` for records that nothing changes: the type checker holds every line to that, not each run of it.

What `dataclasses` does at run time to refuse a change, setting each field with a call and writing two more methods,
takes a third of the time in which a class is made and two thirds of that of an instance; a `__repr__` for each class
takes a fifth. A plan makes fifty classes and thousands of instances.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, **settings):
        def made(cls):
            if "__repr__" not in cls.__dict__:
                cls.__repr__ = _shown
            return dataclasses.dataclass(cls, eq=eq, unsafe_hash=frozen and eq, repr=False, **settings)

        return made if cls is None else made(cls)


def _shown(record: Any) -> str:
    fields = dataclasses.fields(record)
    values = ", ".join(f"{field.name}={getattr(record, field.name)!r}" for field in fields if field.repr)
    return f"{type(record).__qualname__}({values})"
