"""What a plan compares with: for each image the key and the manifests that it had, from a revision or from records."""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from planner.digest.ignore_file import context_root
from planner.digest.inputs import Input, Manifest
from planner.digest.key import Keys
from planner.digest.listing import files_of
from planner.model.frozen import dataclass
from planner.model.graph import ImageGraph
from planner.model.image import ImageName
from planner.model.selection import Selection

# A plan against a revision has no records.
if TYPE_CHECKING:
    from planner.model.build import Record, Stored
    from planner.ports import Records


@dataclass(frozen=True, kw_only=True)
class Past:
    """One image as it was. `manifests` come with the files of an input; `stored` is where its image is kept.

    `lost` says why it is of no use, where it is of none. `older` is the record that was found under the key of an older
    schema: it is to be recorded anew under this one. `keys` are those of a state that is at hand with all its files.
    """

    key: str
    manifests: Sequence[tuple[Manifest, Callable[[Input], dict[str, str]]]] = ()
    stored: Stored | None = None
    lost: str = ""
    older: Record | None = None
    keys: Keys | None = None


Baseline = Mapping[ImageName, Past]
"""The images that the baseline knows."""


Seen = dict[tuple[int, Selection], dict[str, str]]
"""Listings that were made already, by the identity of their context: images that share one often select the same."""


def of_keys(keys: Keys) -> Baseline:
    """A family at another revision as a baseline. What could not be told then is known, and of no use."""
    seen: Seen = {}
    found = {name: Past(key=key, manifests=_Listed(keys, name, seen), keys=keys) for name, key in keys.keys.items()}
    for name, use in keys.made_by.loaded.untold.items():
        reason = getattr(use.origin, "reason", "")
        found[name] = Past(key="", lost=f"could not be told then: {use.span}: {use.role} {use.reference}: {reason}")
    return found


class _Listed(Sequence[tuple[Manifest, Callable[[Input], dict[str, str]]]]):
    """The manifests of one image, each with the files of its inputs, read when they are asked for."""

    def __init__(self, keys: Keys, name: ImageName, seen: Seen) -> None:
        self.keys = keys
        self.name = name
        self.seen = seen

    @overload
    def __getitem__(self, at: int) -> tuple[Manifest, Callable[[Input], dict[str, str]]]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[tuple[Manifest, Callable[[Input], dict[str, str]]]]: ...
    def __getitem__(self, at: int | slice) -> Any:
        listed = [(manifest, lister(self.keys, manifest, self.seen)) for manifest in self.keys.manifests[self.name]]
        return listed[at]

    def __len__(self) -> int:
        return len(self.keys.made_by.loaded.graph.nodes[self.name].image.platforms)


def lister(keys: Keys, manifest: Manifest, seen: Seen | None = None) -> Callable[[Input], dict[str, str]]:
    """Lists what the inputs of one manifest select, from the tree that the keys were made of.

    What was `seen` for another image is not listed again.
    """
    known: Seen = {} if seen is None else seen
    image = keys.made_by.loaded.graph.nodes[manifest.image].image

    def listing(item: Input) -> dict[str, str]:
        if item.selection is None:
            return {}
        context = keys.made_by.context(image, item.selection.context)
        at = id(context), item.selection
        if at not in known:
            known[at] = dict(files_of(context, item.selection))
        return known[at]

    return listing


def root_of(keys: Keys, manifest: Manifest) -> Callable[[Input], str]:
    """Gives the workspace folder that what an input of a manifest selects is relative to, "" for the workspace."""
    image = keys.made_by.loaded.graph.nodes[manifest.image].image
    return lambda item: "" if item.selection is None else context_root(image, item.selection.context)


def left_out_of(keys: Keys, manifest: Manifest) -> Callable[[Input, str], str | None]:
    """Says what leaves a path of the context out of what an input of a manifest selects, "" for nothing in particular.

    None for a path where nothing is.
    """
    image = keys.made_by.loaded.graph.nodes[manifest.image].image
    context_of = functools.cache(functools.partial(keys.made_by.context, image))  # Asked for each of many files.

    def left_out(item: Input, path: str) -> str | None:
        if item.selection is None:
            return None
        context = context_of(item.selection.context)
        if context.tree.entry(context.path(path)) is None:
            return None
        rule = context.rules.deciding(path)
        return "" if rule is None else f"{context.rules.file}:{rule.line}"

    return left_out


def placed(keys: Keys, manifest: Manifest) -> Callable[[Input], dict[str, str]]:
    """Lists what the inputs of one manifest select as `lister` does, by paths in the workspace."""
    listing, root = lister(keys, manifest), root_of(keys, manifest)
    return lambda item: {posixpath.join(root(item), path): value for path, value in listing(item).items()}


def of_records(graph: ImageGraph, now: Keys, records: Records, holds: Callable[[Stored], bool]) -> Baseline:
    """What was built before as a baseline. A record counts as long as `holds` its image."""
    from planner.digest.older import older_keys

    found: dict[ImageName, Past] = {}
    before = list(older_keys(now))
    for name in graph.order:
        platforms = graph.nodes[name].image.platforms
        past = _recorded(name, platforms, now.keys[name], records, holds)
        if past is None or past.stored is None:
            keys = [older[name] for older in before if name in older]
            past = _migrated(name, platforms, now.keys[name], keys, records, holds) or past
        if past is not None:
            found[name] = past
    return found


def of_latest(graph: ImageGraph, records: Records) -> Baseline:
    """What was built last, whether its image is still there or not."""
    found = ((name, records.latest(name)) for name in graph.order)
    return {name: _past(record) for name, record in found if record is not None}


def of_plan(keys: Mapping[ImageName, str], graph: ImageGraph, records: Records) -> Baseline:
    """The state that these keys name, as far as records still tell what stood behind them."""
    found: dict[ImageName, Past] = {}
    for name, key in keys.items():
        platforms = graph.nodes[name].image.platforms if name in graph.nodes else ()
        same = records.find(name, platforms, key)
        found[name] = _past(same[0]) if same else Past(key=key)
    return found


def _recorded(
    name: ImageName, platforms: tuple[str, ...], key: str, records: Records, holds: Callable[[Stored], bool]
) -> Past | None:
    same = records.find(name, platforms, key)
    for record in same:
        if holds(record.stored):
            return Past(key=key, stored=record.stored)
    latest = None if same else records.latest(name)
    known = bool(same) or (latest is not None and latest.key == key)
    if not same and (known or latest is None) and (refused := records.refused(name)):
        return Past(key=key, lost=f"its record {refused}, so it counts as absent")
    if known:
        return Past(key=key, lost="its image is gone from where it was kept")
    return None if latest is None else _past(latest)


def _migrated(
    name: ImageName,
    platforms: tuple[str, ...],
    key: str,
    older: Sequence[str],
    records: Records,
    holds: Callable[[Stored], bool],
) -> Past | None:
    """The same inputs as an older schema knew them: nothing is rebuilt because keys are made in another way."""
    for former in older:
        for record in records.find(name, platforms, former):
            if holds(record.stored):
                return Past(key=key, stored=record.stored, older=record)
    return None


def _past(record: Record) -> Past:
    """A record that tells what changed; one that cannot be read tells nothing, and the image is built all the same."""
    from planner.digest import written

    try:
        manifests = written.read(record.manifests)
    except written.Unreadable:
        return Past(key=record.key, lost="the record of its last build cannot be read")
    return Past(key=record.key, manifests=[(one.manifest, one.listing) for one in manifests])
