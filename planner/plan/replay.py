"""Turns a row of commits into what each would rebuild against the one before it, by keys and by simpler rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from planner.digest.key import Keys
from planner.errors import PlannerError
from planner.model.frozen import dataclass, field
from planner.model.image import ImageName
from planner.plan.baseline import of_keys
from planner.plan.reasons import Reason
from planner.plan.rebuild import PlannedImage
from planner.plan.rebuild import plan as make_plan
from planner.plan.simple_rules import Rule, rebuilt_by
from planner.plan.walk import Walk
from planner.ports import Tree

MAX_STATES = 256
"""States that are remembered at once, for commits whose parent was not the last one met."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """One commit. `parent` is its first parent, "" without one; `tree` is the id of all its files."""

    id: str
    tree: str
    parent: str
    date: str
    subject: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuilt:
    """One image whose key changed. `own` tells whether anything changed but the keys of its parents."""

    name: ImageName
    own: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """What one commit rebuilds. `against` is the commit compared with: its parent, or the last that could be read.

    `images` are those of its family, in order; `by_rule` what the simpler rules rebuild; `unsure` the images that are
    always rebuilt, which are not counted. With an `error` the graph could not be read and all else is empty.
    """

    commit: Commit
    against: str = ""
    images: tuple[ImageName, ...] = ()
    rebuilt: tuple[Rebuilt, ...] = ()
    by_rule: Mapping[Rule, frozenset[ImageName]] = field(default_factory=dict)
    unsure: tuple[ImageName, ...] = ()
    error: str = ""

    @property
    def names(self) -> frozenset[ImageName]:
        """The images whose key changed."""
        return frozenset(image.name for image in self.rebuilt)


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    """A commit that was read, or the one that stands in for it: its `keys`, None where nothing could be read yet."""

    id: str
    tree: str
    keys: Keys | None


class Replay:
    """Walks commits, parents before children; `tree_of` gives the workspace as a commit has it."""

    def __init__(self, walk: Walk, tree_of: Callable[[Commit], Tree], rules: Sequence[Rule]) -> None:
        self.walk = walk
        self.tree_of = tree_of
        self.rules = rules
        self._states: dict[str, _State] = {}
        self._near: Keys | None = None

    def over(self, commits: Iterable[Commit], before: Callable[[str], Commit | None]) -> Iterator[Replayed]:
        """What each commit rebuilds. `before` gives a parent that is not among the commits, None for one that lacks."""
        for commit in commits:
            parent = self._states.get(commit.parent)
            if parent is None and commit.parent and (outside := before(commit.parent)) is not None:
                self._read(outside, _State(id="", tree="", keys=None))
                parent = self._states[commit.parent]
            yield self._read(commit, parent or _State(id="", tree="", keys=None))

    def _read(self, commit: Commit, parent: _State) -> Replayed:
        if commit.tree == parent.tree and parent.keys is not None:
            self._keep(commit.id, _State(id=commit.id, tree=commit.tree, keys=parent.keys))
            return self._same(commit, parent.id, parent.keys)
        try:
            keys = self.walk.keys(self.tree_of(commit), parent.keys or self._near)
        except PlannerError as error:
            self._keep(commit.id, parent)
            return Replayed(commit=commit, against=parent.id, error=str(error))
        self._near = keys
        self._keep(commit.id, _State(id=commit.id, tree=commit.tree, keys=keys))
        return self._compared(commit, parent, keys)

    def _keep(self, commit: str, state: _State) -> None:
        if len(self._states) >= MAX_STATES:
            self._states.pop(next(iter(self._states)))
        self._states[commit] = state

    def _same(self, commit: Commit, against: str, keys: Keys) -> Replayed:
        nothing: dict[Rule, frozenset[ImageName]] = {rule: frozenset() for rule in self.rules}
        order = keys.made_by.loaded.graph.order
        return Replayed(commit=commit, against=against, images=order, by_rule=nothing, unsure=_unsure(keys))

    def _compared(self, commit: Commit, parent: _State, keys: Keys) -> Replayed:
        graph = keys.made_by.loaded.graph
        before = parent.keys
        old: Mapping[ImageName, str] = {} if before is None else before.keys
        differs = [name for name in graph.order if old.get(name) != keys.keys[name]]
        rebuilt: tuple[Rebuilt, ...] = ()
        if differs:
            baseline = {} if before is None else of_keys(before)
            planned = make_plan(graph, keys, baseline, against=parent.id, wanted=differs)
            rebuilt = tuple(_rebuilt(image) for image in planned.images if image.name in set(differs))
        by_rule = {
            rule: frozenset(graph.order) if before is None else rebuilt_by(rule, before, keys) for rule in self.rules
        }
        return Replayed(
            commit=commit,
            against=parent.id,
            images=graph.order,
            rebuilt=rebuilt,
            by_rule=by_rule,
            unsure=_unsure(keys),
        )


def _rebuilt(image: PlannedImage) -> Rebuilt:
    return Rebuilt(name=image.name, own=bool(image.own), reasons=image.reasons)


def _unsure(keys: Keys) -> tuple[ImageName, ...]:
    return tuple(name for name in keys.remarkable if any(manifest.unsure for manifest in keys.manifests[name]))
