"""Mistakes planted into the exchange one at a time: the tests of `test_exchange.py` and of grants have to catch each.

`python -m pytest tests/trust/test_planted.py -s` says which test caught which.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from planner.policy import claims as claiming
from planner.policy import grants
from planner.policy.environments import seen
from planner.policy.identity import Identity
from planner.policy.levels import Actor, Origin, Runner
from planner.policy.policy import filled
from planner.policy.scopes import Scope
from planner.trust import exchange as exchanging
from planner.trust import identity_token, limits
from planner.trust.identity_token import Refused, Verified, Verifier
from tests.policy import test_grants
from tests.trust import test_exchange as tests
from tests.trust.issuing import AUDIENCE
from tests.trust.runs import environment_of

Plant = Callable[[pytest.MonkeyPatch], None]


def audience_not_checked(patch: pytest.MonkeyPatch) -> None:
    real = Verifier._in_time
    patch.setattr(
        Verifier, "_in_time", lambda self, who, issuer, said: real(self, who, issuer, {**said, "aud": AUDIENCE})
    )


def times_not_checked(patch: pytest.MonkeyPatch) -> None:
    def always(self: Verifier, provider: str, issuer: str, said: dict[str, Any]) -> Verified:
        if said.get("aud") != self.audience:
            raise Refused("audience")
        return Verified(provider=provider, claims=said, token_id=str(said.get("jti")), ends=1 << 40)

    patch.setattr(Verifier, "_in_time", always)


def signature_not_checked(patch: pytest.MonkeyPatch) -> None:
    class Read:
        def __init__(self, token: str) -> None:
            self.claims = identity_token._json(token.split(".")[1])

    patch.setattr(identity_token.jwt, "decode", lambda token, key, algorithms: Read(token))


def algorithm_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(identity_token, "ALGORITHMS", (*identity_token.ALGORITHMS, "none", "None", "HS256"))
    signature_not_checked(patch)


def level_from_the_environment(patch: pytest.MonkeyPatch) -> None:
    main = environment_of("main", tests.Path())
    patch.setattr(exchanging, "run_of", lambda provider, said, identity: seen(main, {}, identity).run)


def replay_not_guarded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(limits.Uses, "allows", lambda self, token_id, client, ends: True)


def path_not_normalised(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(grants, "is_repository", lambda path: True)


def beginning_of_a_path_is_enough(patch: pytest.MonkeyPatch) -> None:
    def holds(rule: Any, run: Any, name: str) -> bool:
        scope = Scope(kind=rule.kind, number=run.number if rule.kind == "pr" else 0)
        return any(name.startswith(filled(path, scope)) for path in rule.paths)

    patch.setattr(grants, "_holds", holds)


def ids_not_compared(patch: pytest.MonkeyPatch) -> None:
    def by_name(self: Identity, provider: str, name: str, repository_id: str, owner_id: str) -> Origin:
        return Origin.SAME if any(ours.name == name for ours in self.repositories) else Origin.FOREIGN

    patch.setattr(Identity, "origin", by_name)


def every_runner_trusted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Identity, "runner", lambda self, *names: Runner.TRUSTED)


def every_actor_trusted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Identity, "actor", lambda self, name: Actor.WRITER)


def unknown_events_are_pushes(patch: pytest.MonkeyPatch) -> None:
    from planner.policy.levels import Event

    patch.setattr(claiming, "GITHUB_EVENTS", dict.fromkeys([*claiming.GITHUB_EVENTS, "x"], Event.PUSH))


def rate_not_limited(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(limits.RateLimit, "allows", lambda self, client: True)


def log_not_escaped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(exchanging, "json", SimpleNamespace(dumps=lambda line, **_: json.dumps(line, ensure_ascii=False)))


PLANTED: list[tuple[Plant, str]] = [
    (audience_not_checked, "a_forged_token_is_refused_for_its_own_reason"),
    (times_not_checked, "a_forged_token_is_refused_for_its_own_reason"),
    (signature_not_checked, "a_forged_token_is_refused_for_its_own_reason"),
    (algorithm_believed, "a_forged_token_is_refused_for_its_own_reason"),
    (level_from_the_environment, "each_run_is_granted_the_allowed_part_of_what_it_asks"),
    (replay_not_guarded, "a_token_serves_one_machine_and_not_for_ever"),
    (path_not_normalised, "a_name_that_is_not_in_its_normal_form"),
    (beginning_of_a_path_is_enough, "what_each_level_is_granted"),
    (ids_not_compared, "another_repository_owner_event_or_runner_gets_what_everybody_gets"),
    (every_runner_trusted, "another_repository_owner_event_or_runner_gets_what_everybody_gets"),
    (every_actor_trusted, "another_repository_owner_event_or_runner_gets_what_everybody_gets"),
    (unknown_events_are_pushes, "another_repository_owner_event_or_runner_gets_what_everybody_gets"),
    (rate_not_limited, "a_flood_is_limited_for_each_client_alone"),
    (log_not_escaped, "the_audit_log_says_who_got_what_and_holds_no_token"),
]


def cases() -> list[tuple[str, Callable[[], None]]]:
    """The quick tests with each of their parameters."""
    found: list[tuple[str, Callable[[], None]]] = []
    for module in (tests, test_grants):
        for name, test in vars(module).items():
            if not name.startswith("test_") or hasattr(test, "hypothesis") or "tmp_path" in test.__annotations__:
                continue
            (marked,) = getattr(test, "pytestmark", None) or (None,)
            if marked is None:
                found.append((name[5:], test))
                continue
            for values in marked.args[1]:
                some = values if isinstance(values, tuple) else (values,)
                found.append((name[5:], lambda test=test, some=some: test(*some)))  # type: ignore[misc]
    return found


CASES = cases()


def caught_by() -> set[str]:
    """The tests that fail now."""
    failing: set[str] = set()
    for name, test in CASES:
        if name in failing:
            continue
        try:
            test()
        except Exception:
            failing.add(name)
    return failing


def test_nothing_is_caught_where_nothing_is_planted() -> None:
    assert len(CASES) > 40
    assert caught_by() == set()


@pytest.mark.parametrize(("plant", "catcher"), PLANTED, ids=[plant.__name__ for plant, _ in PLANTED])
def test_a_planted_mistake_is_caught(plant: Plant, catcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    caught = caught_by()
    print(f"{plant.__name__}: {', '.join(sorted(caught))}")
    assert any(name.startswith(catcher) for name in caught), caught
