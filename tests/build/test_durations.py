"""What is forecast of a build that came from cache alone is what the image took when its steps ran."""

from __future__ import annotations

from contextlib import closing

from planner.local.records import open_records
from planner.model.build import BuildResult, StepTime, Store, Stored
from planner.model.image import ImageName
from tests.build.family import BuildSpace, Family

SLOW = "FROM ubuntu:22.04\nCOPY base.txt /\nRUN sleep 3; cp /base.txt /made.txt\n"


def forecast(space: BuildSpace) -> float:
    with closing(open_records(space.root / ".planner")) as records:
        return records.seconds()[ImageName("base")]


def test_a_build_out_of_the_cache_keeps_the_last_real_duration(family: Family) -> None:
    space = family(base__Dockerfile=SLOW)
    space.build("base")
    took = forecast(space)
    assert took >= 3
    assert space.build("base", "--all")["base"]["seconds"] < 3, "all steps are cached"
    assert forecast(space) == took
    space.build("base", "--all")
    assert forecast(space) == took, "also after a second one"
    space.write({"base.txt": "two\n"})
    space.build("base")
    ran_again = forecast(space)
    assert ran_again >= 3
    assert ran_again != took
    space.write({"base.Dockerfile": SLOW.replace("sleep 3; ", "")})
    space.build("base")
    assert forecast(space) < 3, "a step that ran tells anew, however short"


def test_what_came_from_cache() -> None:
    def result(*steps: tuple[str, bool]) -> BuildResult:
        times = tuple(StepTime(name=name, seconds=0.0, cached=cached) for name, cached in steps)
        return BuildResult(image=Stored(store=Store.LAYOUT, digest="sha256:0"), seconds=1.0, steps=times)

    source = ("[linux/amd64 base 1/3] FROM docker.io/library/ubuntu:22.04", False)
    assert result(source, ("[2/3] COPY a /", True), ("[3/3] RUN make", True)).cached, "FROM is never told as cached"
    assert not result(source, ("[2/3] COPY a /", True), ("[3/3] RUN make", False)).cached
    assert not result(source, ("[2/2] RUN echo '[1/1] FROM a'", False)).cached
    assert not result(source).cached
    assert not result().cached
