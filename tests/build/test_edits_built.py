"""The table of edits with BuildKit as the judge: what the plan leaves alone is cached, what it builds is right."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.build.family import BuildSpace
from tests.build.images import BuiltImage, read_image
from tests.engine.engine import Engine
from tests.plan.edits import ROWS, Row, write_family

PARENT = re.compile(r"registry\.example/fam/(\w+)(?:@sha256:[0-9a-f]{64})?")
DOCKERFILES = {"side": ("side", "side/Dockerfile")}
TARGETS = {"app": "final", "side": "final"}


@dataclass(frozen=True)
class Built:
    """A family that was built once, to be copied for every row."""

    space: BuildSpace
    images: dict[str, BuiltImage]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[dict[bool, Built]]:
    yield {hidden: _built(tmp_path_factory.mktemp("built"), engine, hidden=hidden) for hidden in (False, True)}


def _built(folder: Path, engine: Engine, *, hidden: bool) -> Built:
    space = BuildSpace(folder / "family", engine)
    write_family(space.root, hidden=hidden)
    space.commit()
    answer = space.build()
    return Built(space, {name: space.image(one["digest"]) for name, one in answer.items() if name})


@pytest.mark.parametrize("row", [row for row in ROWS if not row.offline], ids=lambda row: row.name)
def test_buildkit_agrees_with_the_plan(row: Row, built: dict[bool, Built], engine: Engine, tmp_path: Path) -> None:
    before = built[row.hidden]
    # The folder's name is what BuildKit remembers a context by, and it compares sizes and times only.
    space = BuildSpace(tmp_path / re.sub(r"\W", "-", row.name), engine, init=False)
    shutil.copytree(before.space.root, space.root, symlinks=True)
    row.edit(space.root)
    planned = {image["name"]: image for image in space.document("plan")["images"]}
    assert {name for name, image in planned.items() if image["action"] == "build"} == row.expected
    after = space.build("--all")
    del after[""]
    assert set(after) == set(before.images)
    for name, answer in after.items():
        image = space.image(answer["digest"])
        if name not in row.expected:
            assert uncached(answer) == [], name
            assert (image.layers, image.meaning) == (before.images[name].layers, before.images[name].meaning), name
            continue
        plain = built_plainly(space, name, after, planned[name])
        assert image.files == plain.files, name
        assert image.meaning["config"] == plain.meaning["config"], name
        assert texts(image) == texts(plain), name
        if any(reason["code"] != "parent-changed" for reason in planned[name]["reasons"]):
            changed = image.layers != before.images[name].layers or image.meaning != before.images[name].meaning
            assert changed or uncached(answer), f"{name} is rebuilt for nothing"


def uncached(answer: dict[str, Any]) -> list[str]:
    return [step["name"] for step in answer["steps"] if not step["cached"] and "] FROM " not in step["name"]]


def texts(image: BuiltImage) -> list[str]:
    """The history without times."""
    return [step.get("created_by", "") for step in image.config["history"]]


def built_plainly(space: BuildSpace, name: str, after: dict[str, Any], planned: dict[str, Any]) -> BuiltImage:
    """The same Dockerfile built by buildx alone, over the real worktree, its parents given by digest."""
    context, dockerfile = DOCKERFILES.get(name, (".", f"{name}.Dockerfile"))
    store, layout = space.root / ".planner" / "store", space.root.parent / f"plain-{name}"
    text = (space.root / dockerfile).read_text()
    argv = ["buildx", "build", "--provenance=false", f"--output=type=oci,tar=false,dest={layout}"]
    argv += [
        f"--build-context={found[0]}=oci-layout://{store}@{after[found[1]]['digest']}"
        for found in PARENT.finditer(text)
    ]
    argv += [f"--file={dockerfile}", f"--platform={planned.get('platform', platform_of(space, name))}"]
    argv += [f"--target={TARGETS[name]}"] if name in TARGETS else []
    argv += [f"--build-arg=LEVEL={level(space)}", "--build-arg=UNUSED=0"] if name == "tool" else []
    run = subprocess.run(
        [os.fspath(space.engine.programs / argv[0]), *argv[1:], context],
        cwd=space.root,
        env={**os.environ, **space.engine.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return read_image(layout)


def level(space: BuildSpace) -> str:
    found = re.search(r'LEVEL: "(\d)"', (space.root / "images.yaml").read_text())
    assert found is not None
    return found[1]


def platform_of(space: BuildSpace, name: str) -> str:
    line = next(line for line in (space.root / "images.yaml").read_text().splitlines() if line.startswith(f"  {name}:"))
    return "linux/arm64" if "arm64" in line else "linux/amd64"
