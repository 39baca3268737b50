"""The real command over images.star: which file is taken, what a plan says, what a warm plan does not do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.workspace import Workspace

STAR = """load("//tools:m.star", "layer")
family(registry = "r.example")
packages("sub")
print("mode", define("MODE", "none"))
image("base", context = "base", args = {"MODE": define("MODE", "none")})
layer("top")
"""

READING = "planner: reading images.star\n"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(
        {
            "images.star": STAR,
            "tools/m.star": "def layer(name):\n    image(name, context = name)\n",
            "sub/images.star": 'image("low")\n',
            "base/Dockerfile": "FROM scratch\nARG MODE\nCOPY f /\n",
            "base/f": "1\n",
            "top/Dockerfile": "FROM r.example/base\nCOPY f /\n",
            "top/f": "1\n",
            "sub/Dockerfile": "FROM r.example/top\n",
        }
    )
    workspace.commit()
    return workspace


def test_images_star_is_found_after_images_yaml(space: Workspace) -> None:
    assert set(space.keys()) == {"base", "top", "low"}
    space.write({"images.yaml": "version: 1\nimages: {only: {context: base}}\n"})
    assert set(space.keys()) == {"only"}
    assert set(json.loads(space.planner("-f", "images.star", "key", "--format", "json").stdout)["keys"]) == {
        "base",
        "top",
        "low",
    }


def test_a_file_in_a_folder_is_the_top_of_that_folder(space: Workspace) -> None:
    space.write({"sub/images.star": 'image("low")\n', "sub/Dockerfile": "FROM scratch\n"})
    run = space.planner("-f", "sub/images.star", "graph", "--format", "json")
    (one,) = json.loads(run.stdout)["images"]
    assert (one["label"], one["context"]) == ("//:low", ".")


def test_define_and_var_are_one(space: Workspace) -> None:
    none, fast = (space.planner(*options, "key", "base") for options in ((), ("--define", "MODE=fast")))
    assert none.stdout != fast.stdout == space.planner("--var", "MODE=fast", "key", "base").stdout
    assert fast.stderr == f"{READING}images.star:4: mode fast\n"
    assert space.planner("key", "base", MODE="fast").stdout == none.stdout


def test_the_label_of_an_image_has_its_package(space: Workspace) -> None:
    labels = {image["name"]: image["label"] for image in space.document("graph")["images"]}
    assert labels == {"base": "//:base", "top": "//:top", "low": "//sub:low"}
    for word in ("//sub:low", "//:low", "low", "//sub:all", "//sub/..."):
        assert space.planner("query", word).stdout == "//:low\n", word
    assert space.planner("query", "//:top").stdout == "//:top\n"
    assert 'there is no package "//nope" with it' in space.planner("query", "//nope:low").stderr


def test_why_tells_the_calls_that_made_an_image(space: Workspace) -> None:
    space.write({"top/f": "2\n"})
    run = space.planner("why", "low", "--from", "HEAD")
    assert "  called at images.star:6 → tools/m.star:2\n" in run.stdout
    (cause,) = space.document("why", "top", "--from", "HEAD")["causes"]
    assert cause["stack"] == [{"file": "images.star", "line": 6}, {"file": "tools/m.star", "line": 2}]


def test_an_edit_of_a_loaded_file_is_seen(space: Workspace) -> None:
    assert space.rebuilds() == {}
    space.write({"tools/m.star": "def layer(name):\n    image(name, context = name, labels = {'l': 'x'})\n"})
    assert space.rebuilds()["top"]
    space.write({"sub/images.star": 'image("lower")\n'})
    assert "lower" in space.rebuilds()


def test_a_warm_plan_evaluates_nothing(space: Workspace) -> None:
    space.write({"base/f": "2\n"})
    assert "mode none" in space.planner("plan", "--since", "HEAD").stderr
    space.write({"base/f": "3\n"})
    warm = space.planner("plan", "--since", "HEAD")
    assert (warm.returncode, warm.stderr) == (0, READING)
    assert "base" in warm.stdout
    space.write({"images.star": STAR + "\n"})
    assert "mode none" in space.planner("plan", "--since", "HEAD").stderr


def test_replay_evaluates_what_changed(space: Workspace) -> None:
    for number in range(3):
        space.write({"top/f": f"edit {number}\n"})
        space.commit()
    space.write({"images.star": STAR.replace('"none")}', '"other")}')})
    space.commit()
    run = space.planner("replay", "HEAD", "--format", "json")
    rebuilt = [{one["name"] for one in commit["rebuilds"]} for commit in json.loads(run.stdout)["commits"]]
    assert rebuilt[1:] == [{"top", "low"}] * 3 + [{"base", "top", "low"}]
    assert run.stderr.count("mode none") == 2


def test_images_are_completed(space: Workspace) -> None:
    folder = str(space.root)
    assert space.planner("complete", "--", "-C", folder, "why", "l").stdout == "low\tsub/Dockerfile\n"
    assert (
        space.planner("complete", "--", "-C", folder, "--define", "A=b", "why", "b").stdout == "base\tbase/Dockerfile\n"
    )


def test_an_error_has_one_place_and_no_traceback(space: Workspace) -> None:
    space.write({"tools/m.star": "def layer(name):\n    image(name, contxt = name)\n"})
    run = space.planner("plan")
    assert run.returncode == 1
    assert run.stderr.removeprefix(READING) == (
        "images.star:4: mode none\n"
        'planner: images.star:6: //:top: unknown argument "contxt"\n'
        '    layer("top")\n'
        '  did you mean "context"?\n'
        "  at images.star:6, in <module>\n"
        "  at tools/m.star:2, in layer\n"
    )


def test_names_alone_count_where_packages_and_files_are_looked_for(space: Workspace) -> None:
    """What stands below is neither hashed nor a reason to evaluate again; a new name is one."""
    image = 'image("base", context = "base", labels = {"files": ",".join(glob(["*", "base/*"]))})\n'
    space.write(
        {"images.star": f'packages("*")\nprint("evaluated")\n{image}', ".gitignore": "/top/data\n", "top/data/x": "1\n"}
    )
    space.commit()
    assert "evaluated" in space.planner("plan", "--since", "HEAD").stderr
    space.write({"top/data/x": "2\n", "top/data/deep/y": "3\n", "tools/m.star": "", "base/f": "2\n"})
    run = space.planner("plan", "--since", "HEAD")
    assert ("evaluated" in run.stderr, "1 of 2 images rebuild" in run.stdout) == (False, True), run
    space.write({"data/images.star": 'image("more", context = "//base")\n'})
    assert set(space.rebuilds()) == {"base", "more"}
    (space.root / "data/images.star").unlink()
    assert set(space.rebuilds()) == {"base"}
    space.write({"base/new": "1\n"})
    before = space.keys()
    (space.root / "base/new").rename(space.root / "base/other")
    assert space.keys()["base"] != before["base"]
    space.write({"new/images.star": 'image("more", context = "//base")\n'})
    assert space.keys().keys() == {"base", "low", "more"}
