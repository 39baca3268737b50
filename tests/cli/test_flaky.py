"""What does not come out equal is named, with its step, its file and what of the file differs."""

from __future__ import annotations

import json

from tests.build.family import Family
from tests.cli.test_documents import check

RANDOM = "FROM ubuntu:22.04\nCOPY app /app\nRUN head -c 8 /dev/urandom | od -An -tx1 > /drawn; echo same > /same\n"


def test_names_the_step_and_the_file(family: Family) -> None:
    space = family(app__Dockerfile=RANDOM)
    run = space.planner("flaky", "app", "base", "--format", "json", **space.engine.environment)
    assert run.returncode == 3, run.stderr
    document = json.loads(run.stdout)
    check("flaky", document)
    found = {image["name"]: image for image in document["images"]}
    assert found["base"] == {"name": "base", "equal": True, "differences": []}
    told = {(one["path"], one["what"]) for one in found["app"]["differences"]}
    assert told == {("drawn", "content")}
    assert "urandom" in found["app"]["differences"][0]["step"]


def test_tells_times_where_nobody_rewrites_them(family: Family) -> None:
    space = family(
        images__yaml="version: 1\nimages: {app: {dockerfile: app.Dockerfile, args: {SOURCE_DATE_EPOCH: ''}}}\n",
        app__Dockerfile="FROM ubuntu:22.04\nRUN sleep 1.1; echo same > /same\n",
    )
    run = space.planner("flaky", "app", **space.engine.environment)
    assert run.returncode == 3, run.stderr
    assert "same: time: " in run.stdout
    assert "configuration: created" in run.stdout


def test_parents_must_be_there(family: Family) -> None:
    space = family()
    run = space.planner("flaky", "tool", **space.engine.environment)
    assert run.returncode == 1
    assert "tool reads base, which is neither recorded nor published" in run.stderr
    space.build("base")
    run = space.planner("flaky", "tool", **space.engine.environment)
    assert run.returncode == 0, run.stderr
    assert "tool  comes out equal" in run.stdout
