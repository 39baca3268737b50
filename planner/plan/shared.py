"""Joins the records of a state folder and those of a registry. Knows neither files nor networks."""

from __future__ import annotations

from collections.abc import Sequence

from planner.model.build import Record, Store
from planner.model.image import ImageName
from planner.ports import Records


class SharedRecords:
    """Records of the state folder and of a registry as one; see `planner.ports.Records`.

    What was pushed is recorded in the registry first, so that no state folder believes to have shared what it did not.
    What the registry names comes first as well: it was written there last, and no two machines' clocks are compared.
    """

    def __init__(self, local: Records, published: Records) -> None:
        self.local = local
        self.published = published

    def find(self, image: ImageName, platforms: tuple[str, ...], key: str) -> Sequence[Record]:
        """See Records."""
        return [*self.published.find(image, platforms, key), *self.local.find(image, platforms, key)]

    def find_resolved(self, image: ImageName, platforms: tuple[str, ...], resolved_key: str) -> Sequence[Record]:
        """See Records."""
        published = self.published.find_resolved(image, platforms, resolved_key)
        return [*published, *self.local.find_resolved(image, platforms, resolved_key)]

    def latest(self, image: ImageName) -> Record | None:
        """See Records."""
        return self.published.latest(image) or self.local.latest(image)

    def refused(self, image: ImageName) -> str:
        """See Records."""
        return self.published.refused(image)

    def add(self, record: Record) -> None:
        """See Records."""
        if record.stored.store is Store.REGISTRY:
            self.published.add(record)
        self.local.add(record)

    def forget(self, record: Record) -> None:
        """See Records."""
        self.local.forget(record)


class ReadThrough:
    """Records that are written in one place, and looked for in others after it; see `planner.ports.Records`."""

    def __init__(self, own: Records, others: Sequence[Records]) -> None:
        self.own = own
        self.others = others

    def find(self, image: ImageName, platforms: tuple[str, ...], key: str) -> Sequence[Record]:
        """See Records."""
        return [record for one in (self.own, *self.others) for record in one.find(image, platforms, key)]

    def find_resolved(self, image: ImageName, platforms: tuple[str, ...], resolved_key: str) -> Sequence[Record]:
        """See Records. Only in the own place: what is reused there gets a tag, which other places do not let be."""
        return self.own.find_resolved(image, platforms, resolved_key)

    def latest(self, image: ImageName) -> Record | None:
        """See Records."""
        return next((found for one in (self.own, *self.others) if (found := one.latest(image)) is not None), None)

    def refused(self, image: ImageName) -> str:
        """See Records."""
        return next((why for one in (self.own, *self.others) if (why := one.refused(image))), "")

    def add(self, record: Record) -> None:
        """See Records."""
        self.own.add(record)

    def forget(self, record: Record) -> None:
        """See Records."""
        self.own.forget(record)
