"""Triggers of a base that no lock tells of: what they read is in no key, so such a build stops."""

from __future__ import annotations

import json

import pytest

from planner.build.untold import why_untold
from tests.build.family import BuildSpace, Family
from tests.engine import base_images
from tests.engine.engine import Engine
from tests.engine.install import busybox

IMAGES = "version: 1\nimages:\n  app: {context: app}\n"


def over(family: Family, engine: Engine, name: str, triggers: tuple[str, ...], dockerfile: str = "") -> BuildSpace:
    """An image over a base with triggers that is not locked."""
    base_images.push(engine.registry, base_images.base_image(busybox(), name, triggers), f"library/{name}")
    space = family(images__yaml=IMAGES)
    space.write({"app/Dockerfile": dockerfile or f"FROM {name}\nRUN true\n", "app/a": "one"})
    return space


def test_a_trigger_that_reads_files_stops_the_build(family: Family, engine: Engine) -> None:
    space = over(family, engine, "onbuild-copy:1", ("ENV A=1", "COPY . /src/"))
    for _ in range(2):
        said = space.build(status=1)[""]["error"]
        assert "docker.io/library/onbuild-copy:1 has ONBUILD COPY . /src/, which only a lock can tell" in said
        assert "planner lock" in said
    assert "was never built" in space.planner("plan").stdout, "nothing is recorded"


def test_so_does_one_that_fails_for_want_of_a_file(family: Family, engine: Engine) -> None:
    space = over(
        family, engine, "onbuild-missing:1", ("COPY package.json /",), "FROM onbuild-missing:1 AS one\nFROM one"
    )
    assert "has ONBUILD COPY package.json /, which only a lock" in space.build(status=1)[""]["error"]


@pytest.mark.parametrize(
    ("name", "trigger"),
    [
        ("tab", "COPY\t. /src/"),
        ("case", "RUN --mount=type=cache,FROM=scratch,target=/m ls /m"),
        ("quoted", 'RUN --mount="type=cache,id=a b,from=scratch,target=/m" ls /m'),
        ("apart", 'RUN --"mount"=target=/m ls /m'),
        ("bind", "RUN --mount=type=bind,id=type=cache,target=/m ls /m"),
    ],
)
def test_so_does_one_that_is_written_in_an_odd_way(family: Family, engine: Engine, name: str, trigger: str) -> None:
    space = over(family, engine, f"onbuild-{name}:1", (trigger,))
    assert "which only a lock can tell" in space.build(status=1)[""]["error"]


def test_a_trigger_that_reads_nothing_does_not(family: Family, engine: Engine) -> None:
    space = over(family, engine, "onbuild-run:1", ("RUN echo made >/made", "RUN --mount=type=cache,target=/c true"))
    assert "made" in space.image(space.build()["app"]["digest"]).files
    assert space.outcomes() == {"app": "reused"}


def test_with_a_lock_the_files_count(family: Family, engine: Engine) -> None:
    space = over(family, engine, "onbuild-locked:1", ("COPY . /src/",))
    digest = base_images.base_image(busybox(), "onbuild-locked:1", ("COPY . /src/",)).digest
    facts = {"digest": digest, "platforms": {"linux/amd64": {"digest": digest, "onbuild": ["COPY . /src/"]}}}
    lock = {"version": 1, "images": {"docker.io/library/onbuild-locked:1": facts}}
    space.write({"images.lock": json.dumps(lock)})
    assert "src/a" in space.image(space.build()["app"]["digest"]).files
    space.write({"app/a": "two"})
    assert space.outcomes() == {"app": "built"}


@pytest.mark.parametrize(
    ("step", "stops"),
    [
        ("[2/3] ONBUILD COPY . /src/", True),
        ("[one 2/3] ONBUILD COPY . /src/", True),
        ("[linux/amd64->arm64 one  2/13] ONBUILD ADD a /", True),
        ("[linux/amd64 two 2/3] ONBUILD COPY . /src/", False),
        ("[one 2/3] COPY . /src/", False),
        ("[one 2/3] ONBUILD RUN make", False),
        ("[one 2/3] ONBUILD RUN --mount=target=/m make", True),
        ("[one 2/3] ONBUILD RUN --mount=type=cache,target=/m --mount=type=tmpfs,target=/n make", False),
        ("[one 2/3] ONBUILD RUN --mount=type=cache,from=x,target=/m make", True),
        ("[one 2/3] ONBUILD RUN --network=none --mount=id=a/b,type=cache,target=/m,sharing=locked make", False),
        ("[one 2/3] ONBUILD RUN make --mount=from=x", False),
        ("[one 2/3] ONBUILD COPY\t. /src/", True),
        ("[one 2/3] ONBUILD RUN\t--MOUNT=TYPE=BIND,TARGET=/X make", True),
        ("[one 2/3] ONBUILD RUN --mount=type=cache,FROM=x,target=/m make", True),
        ('[one 2/3] ONBUILD RUN --mount="type=cache,id=a b,from=x,target=/m" make', True),
        ("[one 2/3] ONBUILD RUN --mount=type=bind,id=type=cache,target=/m make", True),
        ("[one 2/3] ONBUILD RUN --mount=type=cache,type=bind,target=/m make", True),
        ("[one 2/3] ONBUILD RUN --mount=id=type=cache,target=/m make", True),
        ('[one 2/3] ONBUILD RUN --"mount"=target=/m make', True),
        ("[one 2/3] ONBUILD RUN --mo\\unt=target=/m make", True),
        ("[one 2/3] ONBUILD RUN --network=none\u00e0--mount=target=/m make", True),
        ("[one 2/3] ONBUILD WORKDIR /x", False),
    ],
)
def test_which_steps_stop(step: str, stops: bool) -> None:
    assert bool(why_untold(step, (("one", "base:1"),))) is stops
    assert not why_untold(step, ())


def test_the_only_stage_has_no_name() -> None:
    assert why_untold("[2/3] ONBUILD COPY . /", (("stage-0", "base:1"),))
    assert why_untold("[linux/amd64 2/3] ONBUILD COPY . /", (("named", "base:1"),))
