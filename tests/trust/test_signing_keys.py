"""Keys of signed records: made, shown and changed without building, and never printed."""

from __future__ import annotations

from pathlib import Path

from tests.build.family import BuildSpace
from tests.trust.sealing import (
    MAIN,
    STRANGER,
    pem,
    public_text,
)
from tests.trust.signed_family import planned


def test_keys_are_changed_without_building(space: BuildSpace, tmp_path: Path) -> None:
    space.build("--push", PLANNER_SIGNING_KEY=pem(MAIN))
    policy = space.root / "policy.yaml"
    text = policy.read_text()
    after = text.replace(public_text(MAIN), public_text(STRANGER))
    policy.write_text(after)
    assert {image["action"] for image in planned(space)[0].values()} == {"build"}, (
        "control: the old key is gone at once"
    )
    policy.write_text(
        text.replace("  keys:\n", f'  keys:\n    next: {{public: "{public_text(STRANGER)}", scopes: [main]}}\n')
    )
    run = space.planner("signing-key", "renew", PLANNER_SIGNING_KEY=pem(STRANGER), **space.engine.environment)
    assert (run.returncode, run.stdout) == (0, "3 of 3 records are signed by this run's key\n"), run.stderr
    policy.write_text(after)
    assert {image["action"] for image in planned(space)[0].values()} == {"reuse"}
    why = space.planner("why", "app", "--from", "published", **space.engine.environment)
    assert why.returncode == 0, why.stderr


def test_the_command_makes_and_shows_keys_and_prints_no_secret(space: BuildSpace, tmp_path: Path) -> None:
    file = tmp_path / "new.pem"
    made = space.planner("signing-key", "init", str(file))
    assert made.returncode == 0, made.stderr
    shown = space.planner("signing-key", "show", PLANNER_SIGNING_KEY_FILE=str(file))
    assert "the policy does not name it" in shown.stdout, shown.stderr
    public = made.stdout.partition('public: "')[2].partition('"')[0]
    assert f'public: "{public}"' in shown.stdout
    for line in file.read_text().splitlines():
        assert line not in made.stdout + made.stderr + shown.stdout + shown.stderr
    shown = space.planner("signing-key", "show", PLANNER_SIGNING_KEY=pem(MAIN))
    assert "main signs for main, release" in shown.stdout
    assert space.planner("signing-key", "show").returncode == 1
    assert space.planner("signing-key", "init", str(file)).returncode == 1, "never written over"
