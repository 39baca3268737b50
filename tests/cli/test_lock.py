"""The lock: what is locked is what is built; a moved tag moves its readers when it is asked for, and not before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.errors import DefinitionError
from planner.model.lock import Lock, LockedImage, LockedPlatform
from planner.sources import lock_file
from tests.build.family import BuildSpace
from tests.engine.engine import Engine


def push(engine: Engine, name: str, dockerfile: str, folder: Path) -> str:
    """Build an external image and push it; gives its digest."""
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(dockerfile)
    metadata = folder / "metadata.json"
    run = engine.run(
        "buildx",
        "build",
        "--provenance=false",
        f"--metadata-file={metadata}",
        f"--output=type=image,name={engine.registry.address}/{name},push=true",
        str(folder),
    )
    assert run.returncode == 0, run.stderr
    digest: str = json.loads(metadata.read_text())["containerimage.digest"]
    return digest


class LockSpace(BuildSpace):
    """A family with an external base of its own, named `external` in the engine's registry."""

    external = ""


@pytest.fixture
def space(engine: Engine, tmp_path: Path) -> LockSpace:
    made = LockSpace(tmp_path / "family", engine)
    folder = f"lock-{tmp_path.name.replace('_', '-')}".lower()[:100]
    made.external = f"{folder}/base"
    push(engine, f"{folder}/base:1", "FROM ubuntu:22.04\nENV WORD=first\nRUN echo one > /one\n", tmp_path / "external")
    base = f"{engine.registry.address}/{folder}/base:1"
    made.write(
        {
            "images.yaml": """\
version: 1
registry: r.example/lock
images:
  reader: {dockerfile: reader.Dockerfile}
  child: {dockerfile: child.Dockerfile}
  other: {dockerfile: other.Dockerfile}
""",
            "reader.Dockerfile": f"FROM {base}\nRUN echo $WORD > /word\nCOPY $WORD.txt /\n",
            "child.Dockerfile": "FROM r.example/lock/reader\nRUN cat /word > /again\n",
            "other.Dockerfile": "FROM ubuntu:22.04\nRUN true\n",
            "first.txt": "first",
            "second.txt": "second",
        }
    )
    made.commit()
    return made


def lock_of(space: LockSpace) -> dict[str, Any]:
    images: dict[str, Any] = json.loads((space.root / "images.lock").read_text())["images"]
    return images


def ask(space: LockSpace, *arguments: str, status: int = 0) -> str:
    run = space.planner("lock", *arguments, **space.engine.environment)
    assert run.returncode == status, run.stderr
    return run.stdout


def test_a_moved_tag_moves_nothing_until_it_is_asked_for(space: LockSpace, tmp_path: Path) -> None:
    name = f"{space.engine.registry.address}/{space.external}:1"
    # The mirror stands in for Docker Hub in builds; the lock asks registries itself, so that one is left out here.
    space.write({"other.Dockerfile": f"FROM {space.engine.mirror}/ubuntu:22.04\nRUN true\n"})
    assert "2 locked, 2 changed" in ask(space)
    locked = lock_of(space)
    assert locked[name]["platforms"]["linux/amd64"]["env"][-1] == "WORD=first"
    space.commit()
    first = space.build()
    assert {path for path in space.image(first["reader"]["digest"]).files if path.endswith("txt")} == {"first.txt"}

    moved = push(space.engine, f"{space.external}:1", "FROM ubuntu:22.04\nENV WORD=second\n", tmp_path / "external")
    assert set(space.outcomes().values()) == {"reused"}, "nothing is asked, nothing moves"
    space.write({"first.txt": "first, edited"})
    again = space.image(space.build()["reader"]["digest"])
    assert "one" in again.files, "what is locked is what is built, although the tag moved"

    assert f"~ {name}" in ask(space, "--check", status=3)
    assert lock_of(space) == locked
    assert ask(space) == "2 locked, 0 changed\n"
    assert f"→ {moved}" in ask(space, "--upgrade", "*base*")
    assert ask(space, "--check") == "0 of 2 moved\n"
    document = space.document("plan", "--since", "HEAD")
    changed = {image["name"]: {one["code"] for one in image["reasons"]} for image in document["images"]}
    assert "external-changed" in changed["reader"]
    assert "parent-changed" in changed["child"]
    assert changed["other"] == set()
    files = space.image(space.build()["reader"]["digest"]).files
    assert {path for path in files if path.endswith("txt")} == {"second.txt"}
    assert "one" not in files


def test_what_the_lock_knows_makes_selections_exact(space: LockSpace) -> None:
    """Without it, a variable that only the external base knows counts the whole context."""
    unlocked = space.planner("plan", "--all")
    assert "the whole context counts, because WORD is known only while building" in unlocked.stderr
    space.write({"other.Dockerfile": "FROM scratch\n"})
    ask(space)
    assert "whole context" not in space.planner("plan", "--all").stderr
    space.commit()
    space.write({"second.txt": "edited"})
    assert space.rebuilds() == {}


def test_says_who_reads_a_reference_and_what_is_not_locked(space: LockSpace) -> None:
    said = ask(space, "--why", "ubuntu:22.04")
    assert said.splitlines() == ["docker.io/library/ubuntu:22.04", "  other: FROM ubuntu:22.04  (other.Dockerfile:1)"]
    run = space.planner("lock", "--why", "ubuntu:22.4", **space.engine.environment)
    assert 'did you mean "docker.io/library/ubuntu:22.04"?' in run.stderr
    space.write({"other.Dockerfile": "FROM scratch\n"})
    ask(space)
    space.write({"other.Dockerfile": "FROM ubuntu:22.04\n"})
    assert "docker.io/library/ubuntu:22.04 is not locked for linux/amd64" in space.planner("plan", "--all").stderr


def test_a_reference_that_is_not_there_leaves_the_lock_as_it_was(space: LockSpace) -> None:
    space.write({"other.Dockerfile": f"FROM {space.engine.registry.address}/none:1\n"})
    run = space.planner("lock", **space.engine.environment)
    assert run.returncode == 1
    assert "has no 1" in run.stderr
    assert "nothing was written" in run.stderr
    assert not (space.root / "images.lock").exists()


GOOD = LockedPlatform(digest="sha256:" + "a" * 64, env=(("A", "b=c"), ("B", "")), workdir="/w", onbuild=("RUN x",))
LOCK = Lock(images={"r.example/a:1": LockedImage(digest="sha256:" + "b" * 64, platforms={"linux/amd64": GOOD})})


def test_a_lock_survives_a_round_trip() -> None:
    text = lock_file.write(LOCK)
    assert lock_file.read(text.encode()) == LOCK
    assert lock_file.write(lock_file.read(text.encode())) == text


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (("{", "<"), "is no JSON"),
        (('"version": 1', '"version": 2'), "no lock of version 1"),
        (("sha256:bb", "sha256:b"), "malformed digest"),
        (("r.example/a:1", "R.example//a"), "r"),
        (("linux/amd64", "amd64/x/y/z"), "is no platform"),
        (('"/w"', "3"), "is no text"),
        (('"RUN x"', "[]"), "is no text"),
    ],
)
def test_a_lock_that_was_edited_by_hand(damage: tuple[str, str], message: str) -> None:
    with pytest.raises(DefinitionError, match=message) as refused:
        lock_file.read(lock_file.write(LOCK).replace(*damage).encode())
    assert "images.lock" in str(refused.value)
    assert "planner lock" in str(refused.value)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(DefinitionError):
        lock_file.read(b'{"version":1,"images":' + b"[" * 100_000)
