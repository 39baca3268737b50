"""A run that was killed is told of by the next one, and `--resume` builds exactly what it did not get to."""

from __future__ import annotations

import os
import signal

from planner.local.records import SqliteRecords
from planner.model.image import ImageName
from tests.build.family import Family
from tests.build.test_failures import sleeping, wait_until
from tests.build.test_retries import said_until, starting

MARK = str(3_000_000 + 10 * os.getpid())


def test_a_forced_run_that_was_killed_is_taken_up(family: Family) -> None:
    """All images are recorded under their keys already, so that only the journal knows what was still to do."""
    space = family(app__Dockerfile="FROM registry.example/fam/tool\nARG WAIT=0\nRUN sleep $WAIT\n")
    space.build()
    run = space.planner("build", "--resume", **space.engine.environment)
    assert run.returncode == 1
    assert "nothing to resume" in run.stderr

    with_wait = space.root / "images.yaml"
    with_wait.write_text(
        with_wait.read_text().replace("{dockerfile: app.D", f"{{args: {{WAIT: '{MARK}'}}, dockerfile: app.D")
    )
    with starting(space, "--all", "--jobs", "1") as killed:
        said_until(killed, "RUN sleep")
        records = SqliteRecords(space.root / ".planner/records.sqlite", writable=False)
        wait_until(lambda: records.latest(ImageName("side")) is not None)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    wait_until(lambda: not sleeping(MARK))
    with_wait.write_text(with_wait.read_text().replace(MARK, "1"))
    assert space.planner("build", "--resume", "side", **space.engine.environment).returncode == 2
    assert space.planner("build", "--resume", "--all", **space.engine.environment).returncode == 2
    found = space.build("--resume")
    assert "broke off: it had finished " in found[""]["error"]
    assert "was building app" in found[""]["error"]
    assert found["app"]["outcome"] == "built"
    built = {name for name, image in found.items() if name and image["outcome"] == "built"}
    assert not built & {"base", "tool"}, "they were forced, and done"
    assert "nothing to resume" in space.planner("build", "--resume", **space.engine.environment).stderr


def test_a_run_that_failed_is_taken_up_too(family: Family) -> None:
    space = family(side__Dockerfile="FROM ubuntu:22.04\nRUN exit 3\n")
    space.build("-k", status=1)
    space.write({"side.Dockerfile": "FROM ubuntu:22.04\nRUN echo\n", "tool.txt": "changed meanwhile\n"})
    found = space.build("--resume")
    assert {name: image["outcome"] for name, image in found.items() if name} == {"side": "built"}
    assert "broke off" not in found[""]["error"], "it came to its own end"


def test_what_is_gone_from_the_graph_is_left_out_of_it(family: Family) -> None:
    space = family(
        side__Dockerfile="FROM ubuntu:22.04\nRUN exit 3\n", app__Dockerfile="FROM ubuntu:22.04\nRUN exit 4\n"
    )
    space.build("-k", status=1)
    graph = (space.root / "images.yaml").read_text()
    space.write({"images.yaml": graph.replace("side:", "other:"), "app.Dockerfile": "FROM ubuntu:22.04\nRUN echo\n"})
    found = space.build("--resume")
    assert {name: image["outcome"] for name, image in found.items() if name} == {"app": "built"}
    assert "left out, since the graph has them no more: side" in found[""]["error"]
