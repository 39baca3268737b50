"""The Bake file of `planner bake`, built by the real buildx, makes the images that `planner build` makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.build.family import FILES, BuildSpace, Family
from tests.build.images import BuiltImage, read_image
from tests.engine.engine import Engine


def bake(space: BuildSpace, *arguments: str, status: int = 0) -> dict[str, Any]:
    """The targets of a Bake file, by name."""
    run = space.planner("bake", *arguments)
    assert run.returncode == status, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)["target"]
    return found


def built(space: BuildSpace, engine: Engine, *arguments: str) -> dict[str, BuiltImage]:
    """What buildx makes of a Bake file, by target."""
    place = space.root / ".planner" / "bake.json"
    place.parent.mkdir(exist_ok=True)
    targets = bake(space, *arguments)
    assert space.planner("bake", *arguments, "-o", str(place)).returncode == 0
    printed = engine.run("buildx", "bake", "-f", str(place), "--print", cwd=space.root)
    assert json.loads(printed.stdout)["target"].keys() == targets.keys(), printed.stderr
    output = "type=oci,tar=false,rewrite-timestamp=true,dest=.planner/out"
    sets = [f"--set={name}.output={output}/{name}" for name in targets]
    run = engine.run("buildx", "bake", "-f", str(place), "--allow=fs=*", *sets, cwd=space.root)
    assert run.returncode == 0, run.stderr
    return {name: read_image(space.root / ".planner" / "out" / name) for name in targets}


def test_the_same_images_as_planner_build(family: Family, engine: Engine) -> None:
    space = family()
    baked = built(space, engine, "--materialise", str(space.root / ".planner" / "bake"))
    assert baked.keys() == {"base", "tool", "app", "side"}
    ours = space.build()
    for name, image in baked.items():
        mine = space.image(ours[name]["digest"])
        assert (image.layers, image.meaning, image.files) == (mine.layers, mine.meaning, mine.files), name


def test_the_repositorys_own_contexts_make_the_same_files(family: Family, engine: Engine) -> None:
    space = family()
    baked = built(space, engine)
    ours = space.build()
    for name, image in baked.items():
        mine = space.image(ours[name]["digest"])
        assert (image.meaning["config"], image.files) == (mine.meaning["config"], mine.files), name


def test_just_what_rebuilds_with_digests_of_what_is_reused(family: Family, engine: Engine) -> None:
    space = family()
    ours = space.build()
    space.write({"app/main.sh": "echo changed\n"})
    targets = bake(space)
    assert list(targets) == ["app"]
    layout = space.root / ".planner" / "store"
    assert targets["app"]["contexts"] == {
        "registry.example/fam/tool": f"oci-layout://{layout}@{ours['tool']['digest']}"
    }
    assert (
        built(space, engine)["app"].files["app/main.sh"][2]
        != space.image(ours["app"]["digest"]).files["app/main.sh"][2]
    )


def test_a_named_context_that_is_the_workspace_is_not_the_build_context(family: Family, engine: Engine) -> None:
    space = family(images__yaml="version: 1\nimages:\n  app: {context: app, contexts: {root: .}}\n")
    space.write({"app/Dockerfile": "FROM scratch\nCOPY --from=root which /\nCOPY which /here\n", "app/which": "app"})
    space.write({"which": "root"})
    for more in ((), ("--materialise", str(space.root / ".planner" / "bake"))):
        files = built(space, engine, *more)["app"].files
        assert files["which"] != files["here"]


def test_a_stage_with_the_name_of_its_image_keeps_its_instructions(family: Family, engine: Engine) -> None:
    space = family(images__yaml="version: 1\nimages:\n  base: {context: base, tags: [base]}\n  app: {context: app}\n")
    space.write({"base/Dockerfile": "FROM scratch\nCOPY f /\n", "base/f": "base"})
    space.write({"app/Dockerfile": "FROM base AS base\nENV MINE=1\nCOPY g /\n", "app/g": "app"})
    run = space.planner("bake")
    assert run.returncode == 1
    assert "app/Dockerfile: a stage has the name of an image" in run.stderr
    baked = built(space, engine, "--materialise", str(space.root / ".planner" / "bake"))
    assert baked["app"].files.keys() == {"f", "g"}


def published(family: Family, address: str) -> BuildSpace:
    """The family under another registry."""
    moved = {path: text.replace("registry.example/fam", address) for path, text in FILES.items()}
    return family(**{path.replace(".", "__"): text for path, text in moved.items() if text != FILES[path]})


def test_nothing_to_rebuild_is_a_file_that_buildx_takes(family: Family, engine: Engine) -> None:
    space = family()
    space.build()
    place = space.root / ".planner" / "bake.json"
    assert space.planner("bake", "-o", str(place)).returncode == 0
    for words in (("--print",), ("--allow=fs=*",)):
        run = engine.run("buildx", "bake", "-f", str(place), *words, cwd=space.root)
        assert run.returncode == 0, run.stderr


def test_levels_need_what_is_below_them(family: Family, engine: Engine) -> None:
    space = published(family, f"{engine.registry.address}/levels")
    assert list(bake(space, "--level", "0")) == ["base"]
    run = space.planner("bake", "--level", "1")
    assert run.returncode == 1
    assert "build them first, or leave out --level" in run.stderr
    space.build("base")
    assert list(bake(space, "--level", "1")) == ["tool", "side"]


def test_published_parents_are_named_by_digest(family: Family, engine: Engine) -> None:
    address = f"{engine.registry.address}/bakeout"
    space = published(family, address)
    ours = space.build("--push")
    space.write({"app/main.sh": "echo changed\n"})
    (target,) = bake(space, "--push", "--cache-to", "type=gha,scope={image}-{kind}").values()
    assert target["contexts"] == {f"{address}/tool": f"docker-image://{address}/tool@{ours['tool']['digest']}"}
    key = space.planner("key", "app").stdout.split()[-1]
    assert target["tags"] == [f"{address}/app:{key}", f"{address}/app:latest"]
    assert target["output"] == ["type=image,push=true"]
    assert target["cache-to"] == ["type=gha,scope=app-derived"]


def test_a_saved_plan_is_baked_and_refused_when_its_inputs_changed(family: Family, tmp_path: Path) -> None:
    space = family()
    plan = str(tmp_path / "plan.json")
    assert space.planner("plan", "--out", plan).returncode == 0
    assert list(bake(space, "--plan", plan)) == ["base", "tool", "side", "app"]
    space.write({"base.txt": "two\n"})
    assert space.planner("bake", "--plan", plan).returncode == 1
    assert space.planner("bake", "--plan", plan, "--since", "HEAD").returncode == 2


def test_what_is_baked_reads_back_as_the_same_family(family: Family) -> None:
    space = family()
    (space.root / "bake.json").write_text(space.planner("bake").stdout)
    assert space.planner("-f", "bake.json", "key").stdout.split() == space.planner("key").stdout.split()


def test_buildx_reads_in_our_place(family: Family, engine: Engine) -> None:
    space = family()
    space.write(
        {"docker-bake.hcl": 'target "base" {\n  dockerfile = "base.Dockerfile"\n  tags = ["r/${lower("X")}:1"]\n}\n'}
    )
    words = ("-f", "docker-bake.hcl", "--set", "base.args.A=1")
    ours = space.planner(*words, "key")
    theirs = space.planner(*words, "--via-buildx", "key", **engine.environment)
    assert (theirs.returncode, theirs.stdout) == (0, ours.stdout), theirs.stderr
    space.write({"docker-bake.hcl": "target {}\n"})
    wrong = space.planner("-f", "docker-bake.hcl", "--via-buildx", "key", **engine.environment)
    assert wrong.returncode == 1
    assert "buildx cannot read the Bake files: docker-bake.hcl:1" in wrong.stderr
