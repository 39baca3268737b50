"""`dataclass`, `field` and `replace` for records that nothing changes, as those of the standard library but quicker.

The type checker takes them for the standard ones and holds every line to `frozen`; no run does. A plan makes fifty
classes and thousands of instances. Loading `dataclasses` takes as long as loading a quarter of the planner (it reads
Python's own parser for signatures), and compiles six methods for each class: here one, `__init__`, is compiled, when
the first instance is made. What asks a record for its `dataclasses.fields` gets them.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass", "field", "replace"]

_NONE: Any = object()

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, kw_only=False, slots=False):
        def made(cls):
            return _made(cls, _own_fields(cls, kw_only), hashed=frozen, compared=eq, slots=slots)

        return made if cls is None else made(cls)

    def field(*, default=_NONE, default_factory=_NONE, init=True, repr=True, compare=True):
        return _Field(default, default_factory, init, repr, compare)

    def replace(record, /, **changes):
        for one in record.__record__:
            if one.init and one.name not in changes:
                changes[one.name] = getattr(record, one.name)
        return record.__class__(**changes)


class _Field:
    """One field; `name` and the others that a class gives it are set there."""

    __slots__ = ("compare", "default", "factory", "init", "kw_only", "name", "shown", "type")

    def __init__(self, default: Any, factory: Any, init: bool, shown: bool, compare: bool) -> None:
        self.default, self.factory = default, factory
        self.init, self.shown, self.compare = init, shown, compare
        self.name, self.type, self.kw_only = "", "", False


def _own_fields(cls: type, kw_only: bool) -> list[_Field]:
    own = cls.__dict__
    found = []
    for name, annotation in own.get("__annotations__", {}).items():
        if annotation.startswith("ClassVar"):
            continue
        value = own.get(name, _NONE)
        one = value if value.__class__ is _Field else _Field(value, _NONE, True, True, True)
        one.name, one.type, one.kw_only = name, annotation, kw_only
        found.append(one)
    return found


def _made(bare: type, own: list[_Field], *, hashed: bool, compared: bool, slots: bool) -> Any:
    cls: Any = bare
    inherited = getattr(cls, "__record__", ())
    fields = {one.name: one for one in (*inherited, *own)}
    members = dict(cls.__dict__)
    if slots:
        members["__slots__"] = tuple(one.name for one in own)
        for name in (*members["__slots__"], "__dict__", "__weakref__"):
            members.pop(name, None)
        cls = type(cls)(cls.__name__, cls.__bases__, members)
    else:
        for one in own:
            if one.default is not _NONE:
                setattr(cls, one.name, one.default)
            elif one.name in members:
                delattr(cls, one.name)
    cls.__record__ = tuple(fields.values())
    cls.__match_args__ = tuple(one.name for one in cls.__record__ if one.init and not one.kw_only)  # type: ignore[misc]
    cls.__dataclass_fields__ = _LibraryFields()
    if "__init__" not in members:
        cls.__init__ = _first_init(cls)
    if "__repr__" not in members:
        cls.__repr__ = _shown
    if compared and "__eq__" not in members:
        equal, hash_of = _compared([one.name for one in cls.__record__ if one.compare])
        cls.__eq__, cls.__hash__ = equal, hash_of if hashed else None
    return cls


def _first_init(cls: Any) -> Any:
    def first(self: Any, *given: Any, **named: Any) -> None:
        made = _init(cls)
        cls.__init__ = made
        made(self, *given, **named)

    return first


def _init(cls: Any) -> Any:
    """`__init__` of a record, compiled."""
    names: dict[str, Any] = {"_NONE": _NONE}
    plain: list[str] = ["self"]
    named: list[str] = []
    body: list[str] = []
    for one in cls.__record__:
        value, default = one.name, ""
        if one.factory is not _NONE:
            names[f"_make_{one.name}"] = one.factory
            value = f"_make_{one.name}()"
            if one.init:
                value, default = f"{value} if {one.name} is _NONE else {one.name}", "=_NONE"
        elif one.default is not _NONE:
            names[f"_default_{one.name}"] = one.default
            default = f"=_default_{one.name}"
            value = one.name if one.init else default[1:]
        elif not one.init:
            continue
        if one.init:
            (named if one.kw_only else plain).append(f"{one.name}{default}")
        body.append(f"self.{one.name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    signature = ", ".join([*plain, *(["*", *named] if named else [])])
    text = f"def __init__({signature}):\n " + "\n ".join(body or ["pass"])
    exec(text, names)  # noqa: S102 -- of names that a class of the planner declares
    made = names["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


class _LibraryFields:
    """What `dataclasses` asks a record for, made when it does."""

    def __get__(self, instance: Any, owner: Any) -> Any:
        import dataclasses

        made = []
        for one in owner.__record__:
            settings: dict[str, Any] = {"init": one.init, "repr": one.shown, "compare": one.compare}
            if one.default is not _NONE:
                settings["default"] = one.default
            if one.factory is not _NONE:
                settings["default_factory"] = one.factory
            made.append((one.name, one.type, dataclasses.field(**settings, kw_only=one.kw_only)))
        library: Any = dataclasses.make_dataclass(owner.__name__, made)
        owner.__dataclass_fields__ = library.__dataclass_fields__
        return library.__dataclass_fields__


def _shown(record: Any) -> str:
    values = ", ".join(f"{one.name}={getattr(record, one.name)!r}" for one in record.__record__ if one.shown)
    return f"{type(record).__qualname__}({values})"


def _compared(names: list[str]) -> tuple[Any, Any]:
    """`__eq__` and `__hash__` by the values of these fields."""
    values: Any = attrgetter(*names) if len(names) > 1 else lambda record: tuple(getattr(record, one) for one in names)

    def equal(record: Any, other: object) -> bool:
        return values(record) == values(other) if other.__class__ is record.__class__ else NotImplemented

    def hashed(record: Any) -> int:
        return hash(values(record))

    return equal, hashed
