"""Pins: exactly the digests of graph images move, to what is published in the current state, wherever they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.model.image import ImageName
from planner.model.names import Published, index_of
from planner.plan.pins import pins_in, rewritten, stale
from tests.build.family import BuildSpace
from tests.cli.test_documents import check
from tests.engine.engine import Engine

OLD = "sha256:" + "1" * 64
INDEX = index_of([(Published.parse("r.example/fam/base"), "base"), (Published.parse("docker.io/team/tool:*"), "tool")])


def found(text: str) -> list[tuple[str, int]]:
    return [(pin.image, pin.line) for pin in pins_in(text.encode(), "f", INDEX)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"FROM r.example/fam/base@{OLD}\n", [("base", 1)]),
        (f"x\n  image: 'r.example/fam/base:latest@{OLD}'", [("base", 2)]),
        (f'{{"uses": "docker://r.example/fam/base@{OLD}"}}', [("base", 1)]),
        (f"`team/tool:1.2@{OLD}`, docker.io/team/tool@{OLD}", [("tool", 1), ("tool", 1)]),
        (f"docker-image://r.example/fam/base@{OLD}", [("base", 1)]),
        (f"r.example/fam/base:v1@{OLD}", []),
        (f"r.example/fam/base2@{OLD}", []),
        (f"x.r.example/fam/base@{OLD}", []),
        (f"other/r.example/fam/base@{OLD}", []),
        (f"r.example/fam/base@{OLD}0", []),
        (f"r.example/fam/base@{OLD[:-1]}", []),
        ("r.example/fam/base@sha256:" + "A" * 64, []),
        (f"@{OLD}", []),
    ],
)
def test_finds_names_of_the_graph_and_no_others(text: str, expected: list[tuple[str, int]]) -> None:
    assert found(text) == expected


pieces = st.one_of(
    st.just(f"r.example/fam/base@{OLD}".encode()),
    st.just(f"team/tool@{OLD}".encode()),
    st.just(f"ubuntu@{OLD}".encode()),
    st.binary(max_size=12),
    st.sampled_from([b"\n", b" ", b'"', b"\r\n", b"@", b"/"]),
)


@given(st.lists(pieces, max_size=12).map(b"".join), st.integers(0, 15), st.integers(0, 15))
def test_a_rewrite_touches_nothing_else_and_is_done_once(data: bytes, one: int, other: int) -> None:
    current = {ImageName("base"): f"sha256:{one:064x}", ImageName("tool"): f"sha256:{other:064x}"}
    pins = list(pins_in(data, "f", INDEX))
    after = rewritten(data, pins, current)
    assert len(after) == len(data)
    again = list(pins_in(after, "f", INDEX))
    assert [pin.start for pin in again] == [pin.start for pin in pins]
    assert not stale(again, current)
    outside, at = b"", 0
    for pin in pins:
        outside += data[at : pin.start]
        assert after[pin.start : pin.end].decode() == current[pin.image]
        at = pin.end
    assert outside + data[at:] == b"".join(
        after[start:end]
        for start, end in zip([0, *(pin.end for pin in pins)], [*(pin.start for pin in pins), len(after)], strict=True)
    )


@pytest.fixture
def space(tmp_path: Path, engine: Engine) -> BuildSpace:
    """A family like the benchmark team's: digests in Dockerfiles, a digest file, a workflow and a page."""
    made = BuildSpace(tmp_path / "family", engine)
    registry = f"{engine.registry.address}/pins-{tmp_path.name.replace('_', '-')}"[:100].lower()
    made.write(
        {
            "images.yaml": f"""\
version: 1
registry: {registry}
images:
  base: {{dockerfile: base.Dockerfile}}
  tool: {{dockerfile: tool.Dockerfile}}
  next: {{dockerfile: next.Dockerfile}}
""",
            "base.Dockerfile": "FROM ubuntu:22.04\nCOPY base.txt /\n",
            "tool.Dockerfile": f"FROM {registry}/base@{OLD}\nCOPY tool.txt /\n",
            "next.Dockerfile": f"# an older release of itself: {registry}/next@{OLD}\nFROM {registry}/tool@{OLD}\n",
            "prod_digests.txt": f"{registry}/base@{OLD}\n{registry}/tool@{OLD}\nubuntu@{OLD}\n",
            ".github/workflows/ci.yml": f"container: {registry}/tool@{OLD} # keep me\r\n",
            "base.txt": "base\n",
            "tool.txt": "tool\n",
        }
    )
    (made.root / "prod_digests.txt").chmod(0o755)
    made.commit()
    return made


def test_the_job_of_the_hand_edited_digest_file(space: BuildSpace) -> None:
    environment = space.engine.environment
    run = space.planner("pin", "--check", **environment)
    assert run.returncode == 1
    assert "is pinned (.github/workflows/ci.yml:1) and not published" in run.stderr
    first = space.build("--push")
    run = space.planner("pin", "--check", **environment)
    assert run.returncode == 3
    assert "5 of 5 pins stale, in 4 files" in run.stdout
    assert "(read by tool)" in run.stdout
    before = {path: (space.root / path).read_bytes() for path in space.git("ls-files").split()}
    assert space.planner("pin", **environment).returncode == 0
    assert {path: (space.root / path).read_bytes() for path in before} == before, "a look writes nothing"

    keys = space.keys()
    assert space.planner("pin", "--write", **environment).returncode == 0
    assert space.keys() == keys, "a pin of the graph is no input"
    for path, data in before.items():
        expected = data
        for name in ("base", "tool"):
            old, new = f"/{name}@{OLD}".encode(), f"/{name}@{first[name]['digest']}".encode()
            expected = expected.replace(old, new)
        assert (space.root / path).read_bytes() == expected, path
    assert f"/next@{OLD}" in (space.root / "next.Dockerfile").read_text()
    assert (space.root / "prod_digests.txt").stat().st_mode & 0o777 == 0o755
    assert space.planner("pin", "--check", **environment).returncode == 0

    space.commit()
    space.write({"tool.txt": "edited\n"})
    second = space.build("--push")
    run = space.planner("pin", "--write", "--format", "json", **environment)
    check("pin", json.loads(run.stdout))
    moved = {(pin["file"], pin["image"]) for pin in json.loads(run.stdout)["pins"] if pin["stale"]}
    assert moved == {
        (".github/workflows/ci.yml", "tool"),
        ("next.Dockerfile", "tool"),
        ("prod_digests.txt", "tool"),
    }
    assert second["base"]["outcome"] == "reused"
    assert second["tool"]["digest"] in (space.root / "prod_digests.txt").read_text()
    assert set(space.git("diff", "--name-only").split()) == {*(file for file, _ in moved), "tool.txt"}


def test_a_registry_is_asked_for_what_is_not_recorded_here(space: BuildSpace, tmp_path: Path) -> None:
    space.build("--push")
    space.git("clone", "-q", str(space.root), str(tmp_path / "clone"))
    clone = BuildSpace(tmp_path / "clone", space.engine, init=False)
    run = clone.planner("pin", "--check", **space.engine.environment)
    assert run.returncode == 3, run.stderr
    run = clone.planner("pin", "--check", "--offline", **space.engine.environment)
    assert run.returncode == 1
    assert "not published" in run.stderr


def test_what_was_pushed_to_another_registry_is_pinned_nowhere(tmp_path: Path, engine: Engine) -> None:
    """Such a digest need not be where the pin looks for it."""
    made = BuildSpace(tmp_path / "moved", engine)
    registry = f"{engine.registry.address}/own-{tmp_path.name.replace('_', '-')}"[:100].lower()
    graph = "version: 1\nregistry: {}\nimages:\n  base: {{dockerfile: base.Dockerfile}}\n"
    made.write(
        {
            "images.yaml": graph.format(f"{registry}/scratch"),
            "base.Dockerfile": "FROM scratch\nCOPY base.txt /\n",
            "base.txt": "base\n",
            "deploy.yaml": f"image: {registry}/base@{OLD}\n",
        }
    )
    made.commit()
    digest = made.build("--push")["base"]["digest"]
    made.write({"images.yaml": graph.format(registry)})
    for offline in ((), ("--offline",)):
        run = made.planner("pin", "--write", *offline, **engine.environment)
        assert run.returncode == 1, run.stdout
        assert "base is pinned (deploy.yaml:1) and not published" in run.stderr
    assert made.build("--push")["base"]["outcome"] == "built", "that it is below our own path makes it no image of ours"
    assert made.planner("pin", "--write", "--offline", **engine.environment).returncode == 0
    assert digest in (made.root / "deploy.yaml").read_text()


def test_a_pin_in_a_file_that_its_image_is_built_from_is_told_of_and_left_alone(
    tmp_path: Path, engine: Engine, space: BuildSpace
) -> None:
    registry = space.keys() and (space.root / "images.yaml").read_text().split("registry: ")[1].split()[0]
    space.write({"base.Dockerfile": "FROM ubuntu:22.04\nCOPY prod_digests.txt base.txt /\n"})
    space.build("--push")
    before = (space.root / "prod_digests.txt").read_bytes()
    run = space.planner("pin", "--write", "--format", "json", **engine.environment)
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    check("pin", document)
    assert {(pin["file"], pin["image"]) for pin in document["pins"] if pin["loop"]} == {
        ("prod_digests.txt", "base"),
        ("prod_digests.txt", "tool"),
    }
    assert "prod_digests.txt:1 pins base, which is built from that very file" in run.stderr
    assert (space.root / "prod_digests.txt").read_bytes() == before
    assert f"{registry}/tool@{OLD}" not in (space.root / ".github/workflows/ci.yml").read_text()
    assert space.planner("pin", "--check", **engine.environment).returncode == 0
    assert set(space.outcomes("--push").values()) == {"reused"}
