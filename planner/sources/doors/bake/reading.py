"""Evaluates the bodies of all Bake files together: variables, functions, and the settings of groups and targets.

Follows bake/hclparser of buildx v0.36.1. Names are evaluated when they are first asked for, so that files may
define them in any order; a name that needs itself is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from planner.errors import Mistake, one_of
from planner.model.image import DEFAULT_PLATFORM
from planner.sources.doors.bake.body import Block, Body, Setting
from planner.sources.doors.bake.fields import FIELDS, blank
from planner.sources.doors.bake.functions import LIBRARY, NEED_WORLD, UNSUPPORTED
from planner.sources.doors.bake.special import SPECIAL, special
from planner.sources.doors.bake.syntax import Node, Scope
from planner.sources.doors.bake.trouble import TooMuch, Volatile, Wrong
from planner.sources.doors.bake.types import type_of_expression
from planner.sources.doors.bake.user_functions import UserFunction, from_world, user_function
from planner.sources.doors.bake.values import Type, Value, boolean, convert, weigh
from planner.sources.doors.bake.variables import Variable, overridden, variable_of

MAX_WORK = 5_000_000
"""Steps and letters that one reading may take: what is beyond is no file that a person wrote."""
BUILT_IN: Mapping[str, str] = {"BAKE_CMD_CONTEXT": "cwd://", "BAKE_LOCAL_PLATFORM": DEFAULT_PLATFORM}
"""Bake's own variables. The platform is the one that the planner takes where none is named, on every machine."""
KINDS = ("group", "target")


@dataclass(slots=True)
class Made:
    """One target or group that a block makes: its name, and the scope with the axes of its matrix."""

    name: str
    block: Block
    scope: Scope
    settings: dict[str, Value] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)


class Reading:
    """The names of one reading; see `syntax.Names`."""

    kinds = frozenset(KINDS)

    def __init__(self, bodies: Sequence[Body], environment: Mapping[str, str], given: Mapping[str, str]) -> None:
        self.environment = environment
        self.given = given
        self.mistakes: list[Mistake] = []
        self.variables: dict[str, Variable] = {}
        self.settings: dict[str, Setting] = {}
        self.functions: dict[str, Block] = {}
        self.blocks: list[Block] = []
        self.unknown: list[Block] = []
        self.scope = Scope(self)
        self.named: dict[str, dict[str, list[Made]]] = {kind: {} for kind in KINDS}
        self._values: dict[str, Value] = dict(BUILT_IN)
        self._wrong: dict[str, Wrong] = {}
        self._under_way: list[str] = []
        self._work = 0
        self._is_beyond = False
        self._ready: dict[str, UserFunction] = {}
        for body in bodies:
            self._collect(body)

    def _collect(self, body: Body) -> None:
        for name, setting in body.settings.items():
            if name not in KINDS and name not in BUILT_IN:
                self.settings[name] = setting
        for block in body.blocks:
            if block.kind in ("variable", "function", *KINDS) and len(block.labels) != 1:
                self.note(block.wrong(f"{block.kind} needs one name"))
            elif block.kind == "variable":
                if block.labels[0] not in (*KINDS, *BUILT_IN):
                    self.variables[block.labels[0]] = variable_of(block)
            elif block.kind == "function":
                if block.labels[0] not in KINDS:
                    self.functions[block.labels[0]] = block
            elif block.kind in KINDS:
                self.blocks.append(block)
            else:
                self.unknown.append(block)

    def note(self, error: Wrong) -> None:
        """Keep a mistake."""
        self.mistakes.append(error.mistake)

    def attempt(self, run: Callable[[], object]) -> None:
        """Do something, and keep its mistake where it ends in one."""
        if self._is_beyond:
            return
        try:
            run()
        except Wrong as error:
            self.note(error)
        except RecursionError:
            self._is_beyond = True
            self.note(TooMuch("is nested too deep, or variables need one another too often"))

    # -- Names

    def spend(self, work: int) -> None:
        """See Names."""
        self._work += work
        if self._work > MAX_WORK:
            raise TooMuch(f"evaluating the files takes more than {MAX_WORK} steps")

    def value(self, name: str) -> Value:
        """See Names."""
        if name in self._values:
            return self._values[name]
        if name in self._wrong:
            raise self._wrong[name]
        if name in self.kinds:
            raise Wrong(f"{name} needs the name of one after a dot")
        if name in self._under_way:
            cycle = " → ".join([*self._under_way[self._under_way.index(name) :], name])
            raise TooMuch(f"variables need one another, {cycle}")
        self._under_way.append(name)
        try:
            found = self._evaluated(name)
        except Wrong as error:
            if error.source is not None:
                self._wrong[name] = error
            raise
        finally:
            self._under_way.pop()
        self._values[name] = found
        return found

    def _evaluated(self, name: str) -> Value:
        variable = self.variables.get(name)
        if name in self.settings:
            found = self.settings[name].value(self.scope)
            if variable is None:
                return found
            return overridden(variable, found, True, None, self._given_for)
        if variable is None:
            known = [*self.variables, *self.settings]
            raise Wrong(f'there is no variable "{name}"', hint=one_of(name, known))
        try:
            kind = self._type(variable)
            default = variable.default
            found = convert(default.value(self.scope), kind or "any") if default is not None else None
        except Volatile:
            if self._given_for(name) is None:
                raise
            found = ""
        except Wrong as error:
            raise error.placed(variable.block.source, variable.block.at) from None
        return overridden(variable, found, default is not None, kind, self._given_for)

    @staticmethod
    def _type(variable: Variable) -> Type | None:
        if variable.type is None:
            return None
        try:
            return type_of_expression(variable.type.node)
        except Wrong as error:
            raise error.placed(variable.type.source, variable.type.at) from None

    def _given_for(self, name: str) -> str | None:
        if name in self.given:
            return self.given[name]
        if _is_true(self.environment.get("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP", "")):
            return None
        if name.endswith("_JSON") and (name in self.variables or name in BUILT_IN):
            return None
        return self.environment.get(name)

    def call(self, name: str, arguments: Sequence[Node], spread: bool, scope: Scope) -> Value:
        """See Names."""
        self.spend(5)
        if name in SPECIAL:
            return special(name, arguments, scope)
        values = [argument.value(scope) for argument in arguments]
        if spread:
            last = values.pop()
            if not isinstance(last, tuple):
                raise Wrong("what stands before ... must be a list", arguments[-1].at)
            values.extend(last)
        self.spend(len(values))
        try:
            if (function := LIBRARY.get(name)) is not None:
                found = function(values)
            elif name in NEED_WORLD:
                found = from_world(name, self.environment)
            else:
                found = self._user_call(name, values)
        except Wrong as error:
            if error.source is None and not error.what.startswith(f"{name}()") and name not in self.functions:
                error.what = f"{name}(): {error.what}"
            raise
        self.spend(weigh(found) if isinstance(found, tuple | dict) else len(found) if isinstance(found, str) else 1)
        return found

    def _user_call(self, name: str, values: list[Value]) -> Value:
        function = self._user_function(name)
        names = function.bound(name, values)
        mark = f"{name}()"
        if mark in self._under_way:
            raise TooMuch(f"function {name} calls itself")
        self._under_way.append(mark)
        try:
            return function.result.value(Scope(self, names))
        finally:
            self._under_way.pop()

    def _user_function(self, name: str) -> UserFunction:
        if name in self._ready:
            return self._ready[name]
        block = self.functions.get(name)
        if block is None:
            if name in UNSUPPORTED:
                raise Wrong(f"{name}() is a function of Bake that the planner does not have: {UNSUPPORTED[name]}")
            known = [*self.functions, *LIBRARY, *SPECIAL, *NEED_WORLD]
            raise Wrong(f"{name}() is no function that is known here", hint=one_of(name, known))
        self._ready[name] = user_function(name, block)
        return self._ready[name]

    # -- the whole

    def evaluate_names(self) -> None:
        """Evaluate every variable and look at every function, keeping all mistakes."""
        for name in self.variables:
            self.attempt(lambda name=name: self.value(name))  # type: ignore[misc]
        if not self.mistakes:
            for variable in self.variables.values():
                for check in variable.checks:
                    self.attempt(lambda check=check: self._check(check))  # type: ignore[misc]
        for name in self.functions:
            self.attempt(lambda name=name: self._user_function(name))  # type: ignore[misc]

    def _check(self, check: Block) -> None:
        settings = check.body.settings
        for needed in ("condition", "error_message"):
            if needed not in settings:
                raise check.wrong(f"validation needs {needed}")
        found = settings["condition"].value(self.scope)
        try:
            holds = boolean(found)
        except Wrong as error:
            raise error.placed(check.source, settings["condition"].at) from None
        if not holds:
            message = settings["error_message"].value(self.scope)
            raise settings["condition"].wrong(message if isinstance(message, str) else "this check failed")

    def evaluate_settings(self) -> None:
        """Evaluate the settings at the top level that nothing asked for."""
        for name in self.settings:
            self.attempt(lambda name=name: self.value(name))  # type: ignore[misc]

    # -- blocks

    def block(self, kind: str, path: Sequence[str]) -> tuple[Value, int]:
        """See Names."""
        if not path:
            raise Wrong(f"{kind} needs the name of one after a dot")
        found = self.named[kind].get(path[0])
        if not found:
            hint = one_of(path[0], list(self.named[kind]))
            raise Wrong(f'there is no {kind} "{path[0]}"', hint=hint)
        only = path[1] if len(path) > 1 else ""
        value: dict[str, Value] = {}
        for made in found:
            names = [only] if only else list(made.block.body.settings)
            for name in names:
                self.setting(made, name)
            value = {**blank(kind), **{name: found for name, found in made.settings.items() if found is not None}}
            value["name"] = path[0]
        return value, 1

    def setting(self, made: Made, name: str) -> Value:
        """A setting of a block, as the type that it has; None where it is not given or not known."""
        if name in made.settings:
            return made.settings[name]
        setting = made.block.body.settings.get(name)
        decode = FIELDS[made.block.kind].get(name)
        if setting is None or decode is None:
            return None
        if name in made.under_way:
            raise TooMuch(f"{made.block.kind}.{made.name}.{name} needs itself", setting.at, "", setting.source)
        made.under_way.add(name)
        try:
            found = setting.value(made.scope)
            try:
                made.settings[name] = decode(found)
            except Wrong as error:
                error.what = f"{name}: {error.what}" if error.source is None else error.what
                raise error.placed(setting.source, setting.node.at) from None
        finally:
            made.under_way.discard(name)
        return made.settings[name]


def _is_true(value: str) -> bool:
    return value in ("1", "t", "T", "TRUE", "true", "True")
