"""Turns an expression and a family into the targets that it names. Bounded by a count of steps, not by a clock.

The same query on the same family takes the same steps everywhere, so a query that is refused on one machine is refused
on all of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping

from planner.model.image import ImageName
from planner.query.attributes import ATTRIBUTES, LABELS, kind_of, node_of
from planner.query.expression import Call, Chain, Expression, Let, Operator, SetOf, Word
from planner.query.functions import FUNCTIONS, Kind, check
from planner.query.labels import UnknownLabel, resolve
from planner.query.mistake import wrong
from planner.query.parse import parse
from planner.query.patterns import compile_pattern
from planner.query.targets import Target, Targets, Type, World, image
from planner.query.walk import backwards, closure, shortest

MAX_STEPS = 5_000_000
"""Targets, edges and texts that one query may look at: a few seconds of work."""

Variables = Mapping[str, Targets]


def answer(text: str, world: World, limit: int = MAX_STEPS) -> Targets:
    """The targets that a query names. Raises QueryError."""
    expression = parse(text)
    check(expression, text)
    return _Evaluator(text, world, limit).value(expression, {})


class _Evaluator:
    """Evaluates one query; counts its steps."""

    def __init__(self, text: str, world: World, limit: int) -> None:
        self.text = text
        self.world = world
        self.left = limit
        self.limit = limit
        self.at = 0
        self.functions: Mapping[str, Callable[..., Targets]] = {
            "affected": self._affected,
            "allpaths": self._allpaths,
            "allrdeps": self._allrdeps,
            "attr": self._attr,
            "deps": self._deps,
            "externals": self._externals,
            "filter": self._filter,
            "inputs": self._inputs,
            "kind": self._kind,
            "labels": self._labels,
            "rdeps": self._rdeps,
            "siblings": self._siblings,
            "some": self._some,
            "somepath": self._somepath,
        }

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            hint = "ask for less: smaller sets, a depth, or a let for what stands there twice"
            raise wrong(self.text, self.at, f"the query takes more than {self.limit} steps", hint)

    def value(self, expression: Expression, variables: Variables) -> Targets:
        self.spend(1)
        match expression:
            case Word():
                return self._word(expression, variables)
            case SetOf(words=words):
                return frozenset().union(*(self._word(word, variables) for word in words))
            case Chain(first=first, rest=rest):
                return self._chain(self.value(first, variables), rest, variables)
            case Let(name=name, value=value, body=body):
                return self.value(body, {**variables, name: self.value(value, variables)})
            case Call():
                return self._call(expression, variables)

    def _word(self, word: Word, variables: Variables) -> Targets:
        if word.variable:
            return variables[word.variable]
        self.at = word.at
        try:
            found = resolve(word.text, self.world)
        except UnknownLabel as error:
            raise wrong(self.text, word.at, error.what, error.hint) from error
        self.spend(len(found))
        return found

    def _chain(self, found: Targets, rest: Iterable[tuple[Operator, Expression]], variables: Variables) -> Targets:
        for operator, operand in rest:
            other = self.value(operand, variables)
            self.spend(len(found) + len(other))
            match operator:
                case Operator.UNION:
                    found |= other
                case Operator.INTERSECT:
                    found &= other
                case Operator.EXCEPT:
                    found -= other
        return found

    def _call(self, call: Call, variables: Variables) -> Targets:
        values: list[Targets | str | int] = []
        for argument, kind in zip(call.arguments, FUNCTIONS[call.function].kinds, strict=False):
            if kind is Kind.TARGETS:
                values.append(self.value(argument, variables))
            elif isinstance(argument, Word):
                values.append(int(argument.text) if kind is Kind.NUMBER else argument.text)
        self.at = call.at
        return self.functions[call.function](*values)

    # Walks over the graph. Externals and files stand in it only where they are asked for: `deps` gives images.

    def _deps(self, start: Targets, depth: int | None = None) -> Targets:
        return closure(start, lambda one: self.world.parents.get(one, ()), depth, self.spend)

    def _reads(self, others: Targets) -> Callable[[Target], tuple[Target, ...]]:
        """What each target reads among the images and these others."""
        files = frozenset(one for one in others if one.type is Type.FILE)
        outside = frozenset(one for one in others if one.type is Type.EXTERNAL)

        @functools.cache
        def reads(target: Target) -> tuple[Target, ...]:
            if target.type is not Type.IMAGE:
                return ()
            more = self.world.externals[target] & outside
            if files:
                inputs = self.world.inputs(target)
                self.spend(len(files))
                more |= inputs & files
            return (*self.world.parents[target], *more)

        return reads

    def _rdeps(self, universe: Targets, start: Targets, depth: int | None = None) -> Targets:
        reads = self._reads(start)
        within = closure(universe, reads, None, self.spend)
        back = backwards(reads, within)
        return closure(start & within, lambda one: back.get(one, ()), depth, self.spend)

    def _allrdeps(self, start: Targets, depth: int | None = None) -> Targets:
        return self._rdeps(frozenset(self.world.images) | start, start, depth)

    def _allpaths(self, start: Targets, end: Targets) -> Targets:
        within = closure(start, self._reads(end), None, self.spend)
        back = backwards(self._reads(end), within)
        return closure(end & within, lambda one: back.get(one, ()), None, self.spend)

    def _somepath(self, start: Targets, end: Targets) -> Targets:
        places = {target: index for index, target in enumerate(self.world.ordered(start | end | {*self.world.images}))}
        return shortest(start, end, self._reads(end), places.__getitem__, self.spend)

    # Filters.

    def _matching(self, pattern: str, targets: Targets, text_of: Callable[[Target], str]) -> Targets:
        test = compile_pattern(pattern)
        kept: list[Target] = []
        for target in targets:
            text = text_of(target)
            self.spend(1 + len(text) // 32)
            if test(text):
                kept.append(target)
        return frozenset(kept)

    def _kind(self, pattern: str, targets: Targets) -> Targets:
        return self._matching(pattern, targets, lambda one: kind_of(self.world, one))

    def _filter(self, pattern: str, targets: Targets) -> Targets:
        return self._matching(pattern, targets, lambda one: one.label)

    def _attr(self, name: str, pattern: str, targets: Targets) -> Targets:
        text_of = ATTRIBUTES[name]
        return self._matching(pattern, _images(targets), lambda one: text_of(node_of(self.world, one)))

    # What images read.

    def _each(self, targets: Targets, of: Callable[[Target], Iterable[Target]]) -> Targets:
        found: set[Target] = set()
        for target in _images(targets):
            some = frozenset(of(target))
            self.spend(1 + len(some))
            found |= some
        return frozenset(found)

    def _labels(self, name: str, targets: Targets) -> Targets:
        return self._each(targets, lambda one: LABELS[name](self.world, one))

    def _inputs(self, targets: Targets) -> Targets:
        return self._each(targets, self.world.inputs)

    def _externals(self, targets: Targets) -> Targets:
        return self._each(targets, lambda one: self.world.externals[one])

    def _siblings(self, targets: Targets) -> Targets:
        """The images made from the same Dockerfiles: what a family has in the place of Bazel's packages."""
        files = {node_of(self.world, one).image.dockerfile for one in _images(targets)}
        self.spend(len(self.world.images))
        return frozenset(one for one in self.world.images if node_of(self.world, one).image.dockerfile in files)

    def _some(self, targets: Targets, count: int = 1) -> Targets:
        if not targets:
            raise wrong(self.text, self.at, "some has nothing to choose from: its set is empty")
        self.spend(len(targets))
        return frozenset(self.world.ordered(targets)[:count])

    def _affected(self, revision: str) -> Targets:
        known: frozenset[ImageName] = frozenset(self.world.affected(revision))
        return frozenset(image(name) for name in known)


def _images(targets: Targets) -> Targets:
    return frozenset(one for one in targets if one.type is Type.IMAGE)
