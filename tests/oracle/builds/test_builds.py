"""A sample of the oracle of real builds with a fixed seed, the edits that failed once, and the judge beside buildx."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.build.images import BuiltImage, read_image
from tests.engine.engine import Engine
from tests.oracle.builds.builder import Builder
from tests.oracle.builds.cases import kept
from tests.oracle.builds.chain import Chain
from tests.oracle.builds.directed import outcomes
from tests.oracle.builds.known import known
from tests.oracle.builds.law import Finding
from tests.oracle.builds.planted import caught
from tests.oracle.builds.report import Report
from tests.oracle.builds.sample import families
from tests.oracle.case import Case, File, Piece
from tests.oracle.judge import Built, Judge, running_judge

SEED = 1
EDITS = 24
BY_HAND = (
    "USER is forgotten",
    "SHELL is forgotten",
    "WORKDIR is forgotten",
    "--from is forgotten",
    "ONBUILD is forgotten",
    "modes are dropped",
    "links are not followed",
    "ENV is forgotten",
    "arguments are no environment of RUN",
    "a default wins over a build argument",
    "--parents is not applied",
    "globs miss hidden files",
    "the ignore file beside the Dockerfile is not read",
    "here-documents are forgotten",
)


@pytest.fixture(scope="module")
def judge(engine: Engine) -> Iterator[Judge]:
    with running_judge(engine) as running:
        yield running


def test_what_is_reused_is_what_would_be_built(judge: Judge, tmp_path: Path) -> None:
    report = Report()
    for one in families(judge, tmp_path, SEED, EDITS):
        report.add(one)
    wrong = [one.told() for one in report.findings if one.found.finding is not Finding.NEEDLESS]
    assert not wrong, "python -m tests.oracle.builds --edits 24 --seed 1 makes it small"
    assert not report.broken
    assert report.edits == EDITS
    assert any(end == "changed" for _, end in report.ends)


def test_edits_written_by_hand(judge: Judge, tmp_path: Path) -> None:
    built = list(outcomes(Chain(Builder(judge, tmp_path / "store"), tmp_path)))
    for one in built:
        assert not one.refused, one.edited.edit
        assert not one.found, one.edited.edit
        assert any(one.changed.values()), one.edited.edit
    found = caught(built, tmp_path / "planted", BY_HAND)
    assert set(found) == {*BY_HAND}


def test_edits_that_failed_once(judge: Judge, tmp_path: Path) -> None:
    chain = Chain(Builder(judge, tmp_path / "store"), tmp_path)
    for name, one in kept().items():
        outcome, _ = chain.see(chain.standing(one.before), one)
        assert [found for found in outcome.found if not known(outcome, found)] == [], name


def test_the_judge_builds_as_buildx_does(engine: Engine, judge: Judge, tmp_path: Path) -> None:
    """The same image, the same steps from cache, and the same steps run again after an edit, by either of the two."""
    lines = ("FROM ubuntu:22.04", "COPY a /a", "RUN cat /a > /b", "LABEL a=b")
    case = Case(files={}, pieces=tuple(Piece(number, line) for number, line in enumerate(lines)))

    def written(text: str) -> Path:
        root = tmp_path / text
        Case(files={"ctx/a": File(text)}, pieces=case.pieces).write(root)
        return root

    def judged(root: Path) -> Built:
        built = judge.build(case, root, tmp_path / "store", {}, context=root / "ctx", named={}).result(120).built
        assert built is not None
        return built

    first = judged(written("buildx beside the judge, one"))
    assert len(first.uncached) == 2
    steps, image = _buildx(engine, written("buildx beside the judge, one"), tmp_path / "one")
    assert (steps, image.layers) == ((), first.layers)
    meaning = {name: value for name, value in image.meaning.items() if name != "rootfs"}
    assert json.loads(first.config) == meaning
    steps, image = _buildx(engine, written("buildx beside the judge, two"), tmp_path / "two")
    assert steps == first.uncached
    again = judged(written("buildx beside the judge, two"))
    assert (again.uncached, again.layers) == ((), image.layers)
    assert again.layers != first.layers


def _buildx(engine: Engine, root: Path, layout: Path) -> tuple[tuple[str, ...], BuiltImage]:
    """The steps that ran, by rawjson, and the image that came out."""
    run = engine.run(
        *("buildx", "build", "--provenance=false", "--progress=rawjson"),
        *(
            f"--output=type=oci,tar=false,dest={layout}",
            f"--file={root / 'ctx' / 'Dockerfile'}",
            os.fspath(root / "ctx"),
        ),
    )
    assert run.returncode == 0, run.stderr
    last: dict[str, dict[str, object]] = {}
    for line in run.stderr.splitlines():
        if line.startswith("{"):
            for vertex in json.loads(line).get("vertexes", ()):
                last[vertex["digest"]] = vertex
    ran = (one for one in last.values() if one.get("inputs") and one.get("completed") and not one.get("cached"))
    names = sorted(str(one["name"]) for one in ran)
    return tuple(name for name in names if not name.startswith("[internal]")), read_image(layout)
