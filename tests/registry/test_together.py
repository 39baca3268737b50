"""What many tags name is asked in batches: each answer stands for itself, and a host that is away is asked no more."""

from __future__ import annotations

import pytest

from planner.errors import RegistryAway, RegistryError
from planner.registry.client import HttpRegistry
from planner.registry.together import digests, named
from planner.registry.transport import Patience, Transport
from tests.engine.engine import Engine
from tests.registry.faults import Fault, Proxy
from tests.registry.stocked import key_of, stock

PATIENCE = Patience(tries=2, first=0.0)


def test_each_question_is_asked_once(proxy: Proxy, behind: str) -> None:
    there = {(f"{behind}/i{n}", key_of(n)): stock(HttpRegistry(), f"{behind}/i{n}", key_of(n)) for n in range(40)}
    absent = [(f"{behind}/i{n}", key_of(n + 1)) for n in range(40)]
    proxy.arm(None)
    registry = HttpRegistry(Transport(PATIENCE))
    assert named(registry, [*there, *absent, *there]) == {**there, **dict.fromkeys(absent)}
    assert len(proxy.seen) == 80
    assert {line.partition(" ")[0] for line in proxy.seen} == {"HEAD"}
    assert digests(registry, []) == {}


def test_what_is_refused_is_the_answer_to_one_question(proxy: Proxy, behind: str) -> None:
    there = {(f"{behind}/i{n}", key_of(n)): stock(HttpRegistry(), f"{behind}/i{n}", key_of(n)) for n in range(20)}
    refused = (f"{behind}/i7", key_of(7))
    proxy.always = lambda line: Fault.FORBIDDEN if "/i7/" in line else None
    registry = HttpRegistry(Transport(PATIENCE))
    found = named(registry, there)
    error = found.pop(refused)
    assert isinstance(error, RegistryError)
    assert found == {question: digest for question, digest in there.items() if question != refused}
    with pytest.raises(RegistryError, match="403"):
        digests(registry, there)


def test_a_host_that_is_away_is_asked_no_more(proxy: Proxy, behind: str, engine: Engine) -> None:
    other = behind.replace(proxy.address, engine.registry.address)
    there = {(f"{other}/i{n}", key_of(n)): stock(HttpRegistry(), f"{other}/i{n}", key_of(n)) for n in range(5)}
    proxy.arm(None)
    proxy.always = lambda _: Fault.UNAVAILABLE
    away = [(f"{behind}/i{n}", key_of(n)) for n in range(200)]
    found = named(HttpRegistry(Transport(PATIENCE)), [*away, *there])
    assert all(isinstance(found.pop(question), RegistryAway) for question in away)
    assert found == there
    assert len(proxy.seen) == PATIENCE.tries, "and not as often for each of 200"
