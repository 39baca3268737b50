"""A model of publishing, leases, pins and clean-up over several clients, beside a real registry; and planted bugs.

Whatever happens in which order: what is found is what was published and can be pulled, and what is wanted or pinned is
never removed.

python -m tests.registry.test_model [ORDERS] tries that many random orders, and as many with each planted bug.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from planner.errors import RegistryError
from planner.plan import retention
from planner.plan.retention import Roots, decide
from planner.registry import leases as leases_module
from planner.registry import quarantine
from planner.registry import records as records_module
from planner.registry.leases import Held, RegistryLeases
from planner.registry.listing import Listing, listing
from planner.registry.records import PublishedRecords
from planner.registry.snapshot import Snapshot
from planner.registry.whole import whole
from tests.engine.engine import Engine, running_engine
from tests.registry.test_faults import DIRECT, NAME, push, record_of

CLIENTS = st.integers(0, 1)
KEYS = st.integers(0, 2)
PLATFORMS = ("linux/amd64", "linux/arm64")
RUNS = itertools.count()
PATIENCE = 200
"""Looks at a lease after which waiting has no end."""


def key_of(number: int) -> str:
    return f"x3-{number:032x}"


class Endless(AssertionError):
    """Somebody waits for a lease without end."""


class Sharing(RuleBasedStateMachine):
    """Two clients, three keys, one repository."""

    address: str
    done: ClassVar[Counter[str]] = Counter()

    @initialize()
    def begin(self) -> None:
        self.done["orders"] += 1
        self.path = f"model-{next(RUNS)}"
        self.prefix = f"{self.address}/{self.path}"
        self.repository = f"{self.prefix}/{NAME}"
        self.folder = tempfile.TemporaryDirectory()
        self.clients = [self.client(number) for number in range(2)]
        self.published: dict[str, str] = {}
        self.wanted: set[str] = set()
        self.pinned: set[str] = set()
        self.now = 1e9

    def client(self, number: int) -> PublishedRecords:
        return PublishedRecords(DIRECT, self.prefix, Snapshot(Path(self.folder.name) / str(number)))

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(client=CLIENTS, number=KEYS, word=st.sampled_from(["one", "two"]), wanted=st.booleans())
    def publish(self, client: int, number: int, word: str, wanted: bool) -> None:
        key = key_of(number)
        digest = push(self.address, f"{self.path}/{NAME}", f"{word} {number}")
        DIRECT.tag(self.repository, digest, key)
        self.clients[client].add(self.record(key, digest))
        self.published[key] = digest
        self.wanted |= {key} if wanted else set()

    def record(self, key: str, digest: str) -> Any:
        return replace(record_of(self.repository, digest), key=key, resolved_key=key, built_at=1000.0)

    @rule(client=CLIENTS, number=KEYS)
    def publish_what_the_registry_lost(self, client: int, number: int) -> None:
        """The engine said that it pushed, and a part of the index is not there."""
        digest = push(self.address, f"{self.path}/{NAME}", f"lost {client} {number}")
        part = DIRECT.manifest(self.repository, digest)[1]["manifests"][0]["digest"]
        DIRECT.delete(self.repository, part)
        with contextlib.suppress(RegistryError):
            self.clients[client].add(self.record(key_of(number), digest))

    @rule()
    def want_nothing(self) -> None:
        """All branches are gone."""
        self.wanted.clear()

    @rule(number=KEYS)
    def pin(self, number: int) -> None:
        self.pinned.update({self.published[key_of(number)]} if key_of(number) in self.published else ())

    @rule()
    def unpin(self) -> None:
        self.pinned.clear()

    def judged(self, each: Listing) -> set[str]:
        roots = Roots(
            keys=dict.fromkeys(self.wanted, "wanted"),
            digests=dict.fromkeys(self.pinned, "pinned"),
            now=self.now,
            grace=0.0,
            lease=1.0,
        )
        return {one.manifest.digest for one in decide(each.manifests, roots) if one.keep}

    @rule(delete=st.booleans())
    def clean_up(self, delete: bool) -> None:
        """What `gc --apply` does, and with `--wait 0`."""
        each = listing(DIRECT, self.repository)
        stays = self.judged(each)
        for one in each.quarantined:
            quarantine.give_back(DIRECT, one, stays)
        dropped = [one for one in each.manifests if one.digest not in stays and one.digest not in each.held]
        if dropped:
            self.now += 1
            quarantine.put_away(DIRECT, dropped, self.now)
        if delete:
            for one in listing(DIRECT, self.repository).quarantined:
                again = listing(DIRECT, self.repository)
                gone = {two.digest for two in again.manifests} - self.judged(again)
                quarantine.delete(DIRECT, one, gone)
        listed = listing(DIRECT, self.repository)
        there = {one.digest for one in listed.manifests}
        for key in list(self.published):
            if self.published[key] not in there or key not in self.wanted:
                del self.published[key]

    @rule(number=KEYS, dead=st.booleans())
    def lease(self, number: int, dead: bool) -> None:
        """One client builds under a lease; it ends well, or dies with the lease in its hand, and another waits."""
        clock = itertools.count()
        turns = itertools.count()

        def sleep(_: float) -> None:
            if next(turns) > PATIENCE:
                raise Endless

        made = functools.partial(RegistryLeases, seconds=20.0, clock=lambda: float(next(clock)), sleep=sleep)
        first = made(self.client(0), "first")
        held = Held(first, self.repository, f"x3-{100 + number:032x}")
        held.write()
        if not dead:
            held.release()
        got = made(self.client(1), "second").take(NAME, held.key, lambda _: None, lambda: False)
        assert isinstance(got, Held)
        got.release()

    @invariant()
    def what_is_found_can_be_pulled(self) -> None:
        self.done["looks"] += 1
        for client in self.clients:
            client.look({NAME: key_of(0)})
            for number in range(3):
                key = key_of(number)
                for record in client.find(NAME, PLATFORMS, key):
                    assert whole(DIRECT, self.repository, record.stored.digest)
                    assert key not in self.published or record.stored.digest == self.published[key]

    @invariant()
    def what_is_wanted_or_pinned_is_there(self) -> None:
        wanted = {self.published[key] for key in self.wanted & set(self.published)}
        for digest in wanted | self.pinned:
            whole(DIRECT, self.repository, digest)


def play(engine: Engine, examples: int, steps: int = 12) -> None:
    Sharing.address = engine.registry.address
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Sharing,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_order_of_things_breaks_a_promise(engine: Engine) -> None:
    play(engine, 6)
    steps_that_matter()


def record_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    def seem_whole(registry: Any, repository: str, digest: str, depth: int = 4) -> Any:
        return registry.fetch(repository, digest)

    monkeypatch.setattr(records_module, "whole", seem_whole)


def forget_the_children(monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(digest: str, why: str, by_digest: Any, kept: dict[str, str]) -> None:
        kept.setdefault(digest, why)

    monkeypatch.setattr(retention, "_follow", follow)


def never_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = leases_module.Seen
    monkeypatch.setattr(
        leases_module, "Seen", lambda digest, owner, seconds: plain(digest=digest, owner=owner, seconds=1e12)
    )


def steps_that_matter() -> None:
    machine = Sharing()
    machine.begin()
    machine.lease(0, dead=True)
    machine.publish(0, 0, "one", wanted=True)
    machine.publish_what_the_registry_lost(1, 1)
    machine.what_is_found_can_be_pulled()
    machine.clean_up(delete=True)
    machine.what_is_wanted_or_pinned_is_there()
    machine.teardown()


PLANTED = (record_without_a_look, forget_the_children, never_expire)


@pytest.mark.parametrize("plant", PLANTED)
def test_planted_bugs_are_caught(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """By the steps that matter, in a row; the module run as a program finds them in random orders."""
    plant(monkeypatch)
    Sharing.address = engine.registry.address
    with pytest.raises((AssertionError, RegistryError)):
        steps_that_matter()


def main() -> None:
    """Random orders: many without a bug, and enough with each planted one to find it. Prints how many there were."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with running_engine() as engine:
        play(engine, orders)
        print(json.dumps({**Sharing.done, "violations": 0}), flush=True)
        for plant in PLANTED:
            Sharing.done.clear()
            with pytest.MonkeyPatch.context() as patch, pytest.raises((AssertionError, RegistryError)) as caught:
                plant(patch)
                play(engine, orders)
            told = str(caught.value).partition("\n")[0][:120]
            print(
                json.dumps({"planted": plant.__name__, **Sharing.done, "caught": caught.typename, "by": told}),
                flush=True,
            )


if __name__ == "__main__":
    main()
