"""The real command where there is no graph file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.workspace import Workspace

FILES = {
    "images/base/Dockerfile": "FROM ubuntu:24.04\nCOPY setup.sh /\n",
    "images/base/setup.sh": "true\n",
    "images/app/Dockerfile": "FROM acme/base\nCOPY images/app/run.sh /\n",
    "images/app/run.sh": "true\n",
    "notes.txt": "n\n",
}
NOTICE = "planner: no images.yaml: 2 Dockerfiles found by name; planner init writes down what was guessed\n"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(FILES)
    workspace.commit()
    return workspace


def parents(space: Workspace) -> dict[str, list[str]]:
    return {image["name"]: image["parents"] for image in space.document("graph")["images"]}


def test_the_graph_and_the_notice(space: Workspace) -> None:
    assert parents(space) == {"base": [], "app": ["base"]}
    assert space.planner("graph").stderr == NOTICE
    guesses = space.planner("graph", "--guesses").stdout
    assert "app: context .: the nearest folder that has images/app/run.sh\n" in guesses
    assert "base: known as docker.io/acme/base: its folder or file read like acme/base\n" in guesses


def test_bake_files_in_folders_are_told_of(space: Workspace) -> None:
    bake = 'target "base" { context = "images/base" }\n'
    space.write({"docker/docker-bake.hcl": bake, "vendor/docker-bake.hcl": bake, "x/y/docker-bake.json": "{}\n"})
    told = NOTICE.removesuffix("\n") + "\n  docker/docker-bake.hcl may say more: -f docker/docker-bake.hcl\n"
    told += "  x/y/docker-bake.json may say more: -f x/y/docker-bake.json\n"
    assert space.planner("graph").stderr == told
    run = space.planner("-f", "docker/docker-bake.hcl", "graph")
    assert (run.stderr, run.stdout) == ("", "base  [base; from docker.io/library/ubuntu:24.04]\n")
    space.write({f"{number}/docker-bake.hcl": bake for number in range(5)})
    assert "and 4 Bake files more" in space.planner("graph").stderr


def test_options_of_graph_files_are_refused_without_one(space: Workspace) -> None:
    for words in (("--set", "x.tags=y"), ("--env-file", "none"), ("--profile", "p"), ("--via-buildx",)):
        run = space.planner(*words, "plan", "--since", "HEAD")
        assert (run.returncode, "there is no graph file of any kind" in run.stderr) == (2, True), run


def test_a_graph_file_wins_and_a_named_one_must_be_there(space: Workspace) -> None:
    run = space.planner("-f", "images.yaml", "graph")
    assert (run.returncode, run.stdout) == (1, "")
    assert "there is no graph file" in run.stderr
    space.write({"images.yaml": "version: 1\nimages: {x: {context: images/base}}\n"})
    run = space.planner("graph")
    assert (run.stderr, run.stdout) == ("", "x  [base; from docker.io/library/ubuntu:24.04]\n")
    assert "nothing is guessed" in space.planner("graph", "--guesses").stderr


def test_nothing_to_find(tmp_path: Path) -> None:
    run = Workspace(tmp_path / "empty").planner("graph")
    assert run.returncode == 1
    assert "no graph file, and no Dockerfile" in run.stderr


def test_a_pipeline_wants_a_graph_file_first(space: Workspace) -> None:
    run = space.planner("ci", "github")
    assert (run.returncode, "planner init writes a graph file: give that registry" in run.stderr) == (1, True), run


def test_plans_between_states(space: Workspace) -> None:
    assert space.rebuilds() == {}
    space.write({"notes.txt": "m\n"})
    assert space.rebuilds() == {}
    space.write({"images/base/setup.sh": "false\n"})
    assert set(space.rebuilds()) == {"base", "app"}
    space.commit()
    assert space.rebuilds() == {}
    assert set(space.rebuilds("HEAD~1")) == {"base", "app"}
    assert space.planner("why", "app", "--from", "HEAD~1").stderr == NOTICE
    for _ in range(2):
        assert space.planner("why", "app").stderr.endswith(f"so HEAD is compared with\n{NOTICE}")
    assert (
        "app ← base: images/base/setup.sh changed"
        in space.planner("why", "app", "--from", "HEAD~1", "--to", "HEAD").stdout
    )


def test_a_replay_says_of_each_commit_what_a_plan_says(space: Workspace) -> None:
    space.write({"notes.txt": "m\n"})
    space.commit()
    space.write({"images/base/setup.sh": "false\n"})
    space.commit()
    space.write({"images/lab/Dockerfile": "FROM acme/app\n"})
    space.commit()
    run = space.planner("replay", "HEAD", "--format", "json")
    found = [[image["name"] for image in one["rebuilds"]] for one in json.loads(run.stdout)["commits"]]
    assert found == [["base", "app"], [], ["base", "app"], ["lab"]]
    assert run.stderr == NOTICE


def test_the_same_keys_in_every_kind_of_tree(space: Workspace, tmp_path: Path) -> None:
    plain = Workspace(tmp_path / "plain", init=False)
    plain.write(FILES)
    assert plain.keys() == space.keys()
    assert space.document("diff", "INDEX", "HEAD")["images"] != []
    assert {image["action"] for image in space.document("diff", "INDEX", "HEAD")["images"]} == {"reuse"}


def test_untracked_counts_and_ignored_does_not(space: Workspace) -> None:
    space.write({".gitignore": "out/\n*.dockerfile\n", "out/a/Dockerfile": "FROM x\n", "b.dockerfile": "FROM x\n"})
    assert set(parents(space)) == {"base", "app"}
    space.write({"new/one/Dockerfile": "FROM acme/app\n"})
    assert parents(space)["one"] == ["app"]


def test_a_remembered_answer_sees_what_appears(space: Workspace) -> None:
    space.write({"new/deep/x": "x\n"})
    for _ in range(2):
        run = space.planner("plan", "--since", "HEAD")
        assert run.returncode == 0
        assert run.stderr.startswith(NOTICE)
        assert "0 of 2 images rebuild" in run.stdout
    space.write({"new/deep/Dockerfile": "FROM acme/app\n"})
    assert "1 of 3 images rebuild" in space.planner("plan", "--since", "HEAD").stdout
    (space.root / ".git/info/exclude").write_text("new\n")
    assert "0 of 2 images rebuild" in space.planner("plan", "--since", "HEAD").stdout


def test_a_doubt_is_shown_by_graph_and_stops_a_plan(space: Workspace) -> None:
    space.write({"other/base/Dockerfile": "FROM scratch\n"})
    image = next(one for one in space.document("graph")["images"] if one["name"] == "app")
    assert image["parents"] == []
    assert image["unresolved"] == [
        {
            "reference": "acme/base",
            "file": "images/app/Dockerfile",
            "line": 1,
            "reason": "images/base/Dockerfile, other/base/Dockerfile may all answer it",
        }
    ]
    run = space.planner("plan", "--since", "HEAD")
    assert run.returncode == 1
    assert "images/app/Dockerfile:1" in run.stderr
    assert "planner init proposes one" in run.stderr


def test_a_doubt_about_what_onbuild_reads_is_one_of_the_images_that_run_it(space: Workspace) -> None:
    space.write(
        {"images/base/Dockerfile": "FROM ubuntu:24.04\nCOPY setup.sh /\nONBUILD COPY --from=acme/tools /x /x\n"}
    )
    space.write({"a/tools/Dockerfile": "FROM ubuntu:24.04\n", "b/tools/Dockerfile": "FROM ubuntu:24.04\n"})
    run = space.planner("plan")
    assert (run.returncode, "a/tools/Dockerfile, b/tools/Dockerfile may all answer it" in run.stderr) == (1, True)
    assert space.planner("plan", "base").returncode == 0
    (space.root / "b/tools/Dockerfile").unlink()
    assert parents(space)["app"] == ["base", "tools"]


def test_a_malformed_published_name_stops_a_plan_but_no_graph(space: Workspace) -> None:
    bad = 'x:"1" # note'
    lines = f"  a: {{context: images/base, tags: ['{bad}']}}\n  b: {{dockerfile: B, args: {{P: '{bad}'}}}}\n"
    space.write({"images.yaml": f"version: 1\nimages:\n{lines}", "B": "ARG P\nFROM $P\n"})
    assert parents(space) == {"a": [], "b": ["a"]}
    run = space.planner("plan", "--since", "HEAD")
    assert run.returncode == 1
    assert "images.yaml:3" in run.stderr
    assert "has a malformed tag" in run.stderr


def test_images_declared_alike_cannot_tell_their_parent(space: Workspace) -> None:
    both = "  c: {dockerfile: C}\n  d: {dockerfile: C}\n"
    space.write({"C": "ARG P=r.example/a\nFROM $P\n"})
    text = "version: 1\nimages:\n  a: {context: images/base, tags: [r.example/a]}\n"
    space.write({"images.yaml": text + both})
    images = {image["name"]: image for image in space.document("graph")["images"]}
    assert images["c"]["parents"] == images["d"]["parents"] == []
    assert "c, d are declared alike" in images["c"]["unresolved"][0]["reason"]
    space.write({"images.yaml": text + both.replace("C}", "C, args: {P: r.example/a}}")})
    assert parents(space) == {"a": [], "c": ["a"], "d": ["a"]}


def test_a_remembered_answer_sees_a_dockerfile_come_back(space: Workspace) -> None:
    place = space.root / "images/app/Dockerfile"
    place.unlink()
    assert "app" not in space.planner("plan", "--since", "HEAD").stdout
    place.write_text("FROM acme/base\n")
    assert "build  app" in space.planner("plan", "--since", "HEAD").stdout


@pytest.mark.parametrize("tracked", [True, False])
def test_a_remembered_answer_sees_a_link_become_a_file(space: Workspace, tracked: bool) -> None:
    place = space.root / "images/new/Dockerfile"
    place.parent.mkdir()
    if tracked:
        place.write_text("FROM acme/base\n")
        space.commit()
        place.unlink()
    place.symlink_to("../app/Dockerfile")
    assert "new" not in space.planner("plan", "--since", "HEAD").stdout
    place.unlink()
    place.write_text("FROM acme/base\nRUN true\n")
    assert "build  new" in space.planner("plan", "--since", "HEAD").stdout
    place.unlink()
    place.mkdir()
    assert "new" not in space.planner("plan", "--since", "HEAD").stdout


def test_a_remembered_answer_sees_a_file_become_a_folder(space: Workspace) -> None:
    place = space.root / "images/new"
    place.write_text("n\n")
    assert "new" not in space.planner("plan", "--since", "HEAD").stdout
    place.unlink()
    space.write({"images/new/Dockerfile": "FROM scratch\nCOPY notes.txt /\n"})
    assert "build  new" in space.planner("plan", "--since", "HEAD").stdout
