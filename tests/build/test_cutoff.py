"""Early cutoff: what a rebuilt parent leaves as it was is not built again, and what it changes is."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.build.family import BuildSpace, Family
from tests.cli.test_documents import check
from tests.engine.engine import Engine

TWO_STAGES = """\
FROM ubuntu:22.04 AS made
COPY base.txt /in/base.txt
RUN mkdir /out && wc -c < /in/base.txt > /out/size
FROM ubuntu:22.04
COPY --from=made /out /out
RUN date > /made.txt; echo fixed > /made.txt
"""


def count(space: BuildSpace, *arguments: str) -> dict[str, int]:
    return dict(Counter(space.outcomes(*arguments).values()))


def prune(engine: Engine) -> None:
    assert engine.run("buildctl", "--addr", engine.address, "prune", "--all").returncode == 0


def test_an_edit_that_changes_no_byte_of_the_base_builds_one_image_of_twenty(tmp_path: Path, engine: Engine) -> None:
    space = BuildSpace(tmp_path / "family", engine)
    lines = ["version: 1", "registry: registry.example/fam", "images:", "  i0: {dockerfile: base.Dockerfile}"]
    space.write({"base.Dockerfile": TWO_STAGES, "base.txt": "one\n"})
    for number in range(1, 20):
        parent = (number - 1) // 3
        space.write({f"{number}.Dockerfile": f"FROM registry.example/fam/i{parent}\nRUN echo {number} > /{number}\n"})
        lines.append(f"  i{number}: {{dockerfile: {number}.Dockerfile}}")
    space.write({"images.yaml": "\n".join(lines) + "\n"})
    space.commit()
    assert count(space) == {"built": 20}
    space.write({"base.txt": "two\n"})
    plan = space.document("plan")
    assert [image["action"] for image in plan["images"]] == ["build"] * 20, "the plan shows the full depth"
    prune(engine)
    run = space.planner("build", "--format", "json", **engine.environment)
    document = json.loads(run.stdout)
    check("build", document)
    assert Counter(image["outcome"] for image in document["images"]) == {"built": 1, "cut-off": 19}
    assert [image["unchanged"] for image in document["images"]][:2] == [True, None]
    assert "i19: cut off, its parents came out the same" in run.stderr
    assert count(space) == {"reused": 20}, "what was cut off is recorded under its new key"
    assert space.planner("plan", "--exit-code").returncode == 0


def test_an_edit_that_changes_the_base_builds_what_stands_on_it(family: Family) -> None:
    space = family(base__Dockerfile=TWO_STAGES)
    space.build()
    space.write({"base.txt": "longer\n"})
    assert set(space.outcomes().values()) == {"built"}


def test_an_edit_of_the_child_too_is_built(family: Family) -> None:
    space = family(base__Dockerfile=TWO_STAGES)
    space.build()
    space.write({"base.txt": "two\n", "tool.txt": "edited\n"})
    assert space.outcomes() == {"base": "built", "tool": "built", "app": "built", "side": "cut-off"}


def test_what_is_asked_for_or_may_change_unseen_is_never_cut_off(family: Family) -> None:
    space = family(base__Dockerfile=TWO_STAGES)
    space.build()
    space.write({"base.txt": "two\n"})
    assert set(space.outcomes("--all").values()) == {"built"}


def test_a_build_comes_out_byte_equal_without_any_cache(family: Family, engine: Engine) -> None:
    space = family(base__Dockerfile=TWO_STAGES, app__Dockerfile="FROM ubuntu:22.04\nCOPY app /app\nWORKDIR /new\n")
    first = space.build()
    prune(engine)
    again = space.build("--all")
    for name in ("base", "tool", "app", "side"):
        assert again[name]["digest"] == first[name]["digest"], name
        assert again[name]["unchanged"], name
    config = space.image(first["base"]["digest"]).config
    assert config["created"] == "2000-01-01T00:00:00Z"


@pytest.mark.parametrize(("epoch", "created"), [("0", "1970-01-01T00:00:00Z"), ("", "")])
def test_the_epoch_is_the_users_to_choose(family: Family, epoch: str, created: str) -> None:
    space = family(
        images__yaml=f"""\
version: 1
images: {{app: {{dockerfile: app.Dockerfile, args: {{SOURCE_DATE_EPOCH: "{epoch}"}}}}}}
""",
        app__Dockerfile="FROM ubuntu:22.04\nCOPY app /app\n",
    )
    found = space.image(space.build(SOURCE_DATE_EPOCH="77")["app"]["digest"]).config["created"]
    assert found == created if created else not found.startswith(("1970", "2000"))


def test_the_environment_of_the_caller_is_no_input(family: Family, tmp_path: Path) -> None:
    space = family(app__Dockerfile="FROM ubuntu:22.04\nCOPY app /app\n")
    one = space.build("app", "--all", SOURCE_DATE_EPOCH="77")["app"]["digest"]
    other = space.build("app", "--all", "--state", os.fspath(tmp_path / "other"))["app"]["digest"]
    assert one == other
