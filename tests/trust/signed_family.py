"""A family that is built under a policy that asks for signatures, and what a plan says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.build.family import PIN, BuildSpace
from tests.engine.engine import Engine
from tests.trust.forging import POLICY
from tests.trust.sealing import (
    section,
)


@pytest.fixture
def space(engine: Engine, place: str, tmp_path: Path) -> BuildSpace:
    made = BuildSpace(tmp_path / "a", engine)
    address, _, path = place.partition("/")
    names = "".join(f"  {name}: {{dockerfile: {name}.Dockerfile}}\n" for name in ("base", "side", "app"))
    made.write(
        {
            "images.yaml": f"version: 1\nregistry: {place}\nkeys: {{algorithm: sha256}}\nimages:\n{names}",
            "base.Dockerfile": "FROM scratch\nCOPY base.txt /\n",
            "side.Dockerfile": f"FROM {place}/base@{PIN}\nCOPY side.txt /\n",
            "app.Dockerfile": "FROM scratch\nCOPY app.txt /\n",
            **{f"{name}.txt": f"{name}\n" for name in ("base", "side", "app")},
            "policy.yaml": POLICY.format(address=address, path=path) + section(),
        }
    )
    made.commit()
    return made


def planned(space: BuildSpace, *words: str, status: int = 0) -> tuple[dict[str, Any], str]:
    run = space.planner("plan", "--against", "published", "--format", "json", *words, **space.engine.environment)
    assert run.returncode == status, run.stderr
    return {image["name"]: image for image in json.loads(run.stdout)["images"]}, run.stderr


def unsigned(space: BuildSpace) -> None:
    """Take the policy's word on signatures away: the control."""
    text = (space.root / "policy.yaml").read_text()
    (space.root / "policy.yaml").write_text(text.partition("signing:")[0])
