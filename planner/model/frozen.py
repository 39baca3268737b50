"""`dataclass` for records that nothing changes: the type checker holds every line to that, not each run of it.

What `dataclasses` does at run time to refuse a change, setting each field with a call and writing two more methods,
takes a third of the time in which a class is made and two thirds of that of an instance. A plan makes fifty classes and
thousands of instances.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, **settings):
        return dataclasses.dataclass(cls, eq=eq, unsafe_hash=frozen and eq, **settings)
