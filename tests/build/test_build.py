"""Real builds: what is planned is built, what is built is right, and what is recorded is there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from tests.build.family import Family
from tests.engine.engine import Engine


def test_builds_what_the_plan_names_and_then_nothing(family: Family) -> None:
    space = family()
    assert set(space.outcomes().values()) == {"built"}
    assert space.planner("plan", "--exit-code").returncode == 0
    assert set(space.outcomes().values()) == {"reused"}
    space.write({"tool.txt": "edited\n"})
    run = space.planner("plan", "--exit-code")
    assert run.returncode == 3
    assert "file changed: tool.txt changed" in run.stdout
    assert space.outcomes() == {"base": "reused", "tool": "built", "app": "built", "side": "reused"}
    assert space.git("status", "--porcelain") == " M tool.txt\n", "the state folder stays out of git"


def test_a_child_has_its_fresh_parent_inside_although_it_pins_another_digest(family: Family) -> None:
    space = family()
    space.build()
    space.write({"base.txt": "two\n"})
    built = space.build()
    tool, base = space.image(built["tool"]["digest"]), space.image(built["base"]["digest"])
    assert tool.layers[: len(base.layers)] == base.layers
    assert tool.files["base.txt"] == base.files["base.txt"]
    run = space.planner("build", "tool", "--dry-run", **space.engine.environment)
    assert "nothing" not in run.stderr
    assert "1111" in (space.root / "tool.Dockerfile").read_text(), "the Dockerfile stays as it is"


def test_an_edit_of_the_same_size_at_the_same_time_is_never_missed(family: Family) -> None:
    """BuildKit alone takes a file with equal path, size and time for the same file; see docs/engine.md."""
    space = family()
    seen = set()
    for text in ("aaaa\n", "bbbb\n", "cccc\n"):
        space.write({"base.txt": text})
        os.utime(space.root / "base.txt", (1, 1))
        seen.add(space.image(space.build()["base"]["digest"]).files["base.txt"])
    assert len(seen) == 3


def test_an_edit_of_a_dockerfile_of_the_same_size_is_never_missed(family: Family) -> None:
    space = family()
    digests = set()
    for word in ("one1", "two2"):
        space.write({"side.Dockerfile": f"FROM ubuntu:22.04\nRUN echo {word} > /side\n"})
        os.utime(space.root / "side.Dockerfile", (1, 1))
        digests.add(space.image(space.build("side")["side"]["digest"]).files["side"])
    assert len(digests) == 2


def test_what_is_ignored_or_not_selected_is_not_in_the_context(family: Family) -> None:
    space = family(
        __dockerignore="secret\n",
        app__Dockerfile="FROM ubuntu:22.04\nRUN --mount=target=/ctx find /ctx -type f | sort > /listed\nCOPY . /all\n",
    )
    space.write({"secret": "s", "seen": "s"})
    files = space.image(space.build("app")["app"]["digest"]).files
    assert "all/seen" in files
    assert "all/secret" not in files
    assert not [path for path in files if path.startswith(("all/.git", "all/.planner"))]


def test_a_link_out_of_the_context_ends_inside_as_buildkits_does(family: Family) -> None:
    """It is looked for at the context's root; an image for which nothing is there hides no other answer."""
    space = family(app__Dockerfile="FROM scratch\nCOPY app/link /x\n", side__Dockerfile="FROM scratch\nCOPY lost /x\n")
    (space.root / "app/link").symlink_to("../../../tool.txt")
    (space.root / "lost").symlink_to("../outside")
    contents: list[object] = []
    for text in ("one\n", "two\n"):
        space.write({"tool.txt": text})
        built = space.build("-k", status=1)
        assert space.image(built["app"]["digest"]).files["x"] not in contents
        assert (built["base"]["outcome"], built["side"]["outcome"]) == ("reused" if contents else "built", "failed")
        assert built[""]["error"].count("leads out of the context through a symlink") == 2
        contents.append(space.image(built["app"]["digest"]).files["x"])

    again = {image["name"]: image for image in space.document("plan")["images"]}
    assert [again[name]["action"] for name in ("base", "tool", "app", "side")] == ["reuse", "reuse", "reuse", "build"]
    (reason,) = (one for one in again["side"]["reasons"] if one["code"] == "unsure")
    assert "lost is not in the context" in reason["detail"]


def test_modes_and_links_are_gits(family: Family) -> None:
    space = family(app__Dockerfile="FROM scratch\nCOPY app /app\n")
    (space.root / "app/run.sh").write_text("run\n")
    (space.root / "app/run.sh").chmod(0o700)
    (space.root / "app/main.sh").chmod(0o600)
    (space.root / "app/link").symlink_to("main.sh")
    files = space.image(space.build("app")["app"]["digest"]).files
    assert files["app/run.sh"][:2] == ("file", 0o755)
    assert files["app/main.sh"][:2] == ("file", 0o644)
    assert files["app/link"] == ("link", 0, "main.sh")


def test_everything_an_image_declares_reaches_the_build(family: Family, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hidden")
    space = family(
        images__yaml="""\
version: 1
registry: registry.example/fam
images:
  base: {dockerfile: base.Dockerfile}
  app:
    dockerfile: app.Dockerfile
    target: middle
    args: {WORD: "a b,c"}
    labels: {kind: "x=y"}
    contexts: {extra: more, other: "target:base"}
    secrets: ["id=token,src=../token"]
    network: none
""",
        app__Dockerfile="""\
FROM ubuntu:22.04 AS middle
ARG WORD
COPY --from=extra data /data
COPY --from=other /made.txt /made
RUN --mount=type=secret,id=token echo "$WORD $(cat /run/secrets/token | wc -c)" > /said
FROM middle
RUN false
""",
    )
    space.write({"more/data": "extra\n", "more/unused": "no\n"})
    built = space.build("app", "--allow", f"fs.read={tmp_path}/token")
    image = space.image(built["app"]["digest"])
    assert {"data", "made", "said"} <= set(image.files)
    assert image.config["config"]["Labels"] == {"kind": "x=y"}
    assert "hidden" not in json.dumps(image.config)


def test_two_platforms_make_an_index(family: Family) -> None:
    space = family(
        images__yaml="""\
version: 1
images:
  app: {dockerfile: app.Dockerfile, platforms: [linux/amd64, linux/arm64]}
""",
        app__Dockerfile="FROM scratch\nARG TARGETARCH\nCOPY app /app-${TARGETARCH}\n",
    )
    digest = space.build()["app"]["digest"]
    document = json.loads((space.root / ".planner/store/blobs/sha256" / digest.removeprefix("sha256:")).read_bytes())
    assert [entry["platform"]["architecture"] for entry in document["manifests"]] == ["amd64", "arm64"]


def test_an_image_that_is_gone_from_the_store_is_built_again(family: Family) -> None:
    space = family()
    built = space.build()
    store = space.root / ".planner/store/blobs/sha256"
    manifest = json.loads((store / built["app"]["digest"].removeprefix("sha256:")).read_bytes())
    (store / manifest["layers"][-1]["digest"].removeprefix("sha256:")).unlink()
    run = space.planner("plan")
    assert "its image is gone" in run.stdout
    assert space.outcomes() == {"base": "reused", "tool": "reused", "app": "built", "side": "reused"}


def test_a_lost_parent_does_not_rebuild_its_children(family: Family) -> None:
    space = family()
    built = space.build()
    (space.root / ".planner/store/blobs/sha256" / built["base"]["digest"].removeprefix("sha256:")).unlink()
    assert space.outcomes("tool") == {"tool": "reused"}
    assert space.outcomes() == {"base": "built", "tool": "reused", "app": "reused", "side": "reused"}


def test_a_named_builder_of_buildx_builds_too(family: Family, engine: Engine) -> None:
    space = family()
    found = space.build("base", "--builder", f"buildx:{engine.environment['BUILDX_BUILDER']}")
    assert found["base"]["outcome"] == "built"
    assert f"with buildx:{engine.environment['BUILDX_BUILDER']}" in found[""]["error"]


def test_the_state_folder_may_stand_elsewhere_under_any_name(family: Family, tmp_path: Path) -> None:
    space = family()
    state = tmp_path / 'odd, "name" here'
    assert space.outcomes("--state", os.fspath(state)) != {}
    assert (state / "records.sqlite").exists()
    assert not (space.root / ".planner").exists()
    assert set(space.outcomes("--state", os.fspath(state)).values()) == {"reused"}


def test_the_same_files_make_the_same_layers_in_another_folder(family: Family, tmp_path: Path) -> None:
    space = family()
    first = space.image(space.build("app")["app"]["digest"])
    shutil.copytree(space.root, tmp_path / "copy", symlinks=True, ignore=shutil.ignore_patterns(".planner"))
    space.root = tmp_path / "copy"
    again = space.build("app")
    assert space.image(again["app"]["digest"]).layers == first.layers
    assert all(step["cached"] for step in again["app"]["steps"] if "] FROM " not in step["name"])


def test_what_the_environment_says_to_buildx_is_not_in_the_image(family: Family) -> None:
    space = family()
    plain = space.build("base")["base"]["digest"]
    shutil.rmtree(space.root / ".planner")
    said = {"BUILDX_GIT_LABELS": "full", "BUILDX_GIT_INFO": "true", "SOURCE_DATE_EPOCH": "1"}
    assert space.build("base", **said)["base"]["digest"] == plain


def test_a_file_that_buildkit_leaves_out_of_its_cache_key_is_never_old(family: Family) -> None:
    """`--exclude` with a wildcard; see docs/engine.md."""
    space = family(app__Dockerfile="FROM ubuntu:22.04\nCOPY --exclude=* tool.* /x/\n")
    seen = set()
    for text in ("one\n", "two, longer\n"):
        space.write({"tool.txt": text})
        seen.add(space.image(space.build("app")["app"]["digest"]).files["x/tool.txt"])
    assert len(seen) == 2


def test_a_named_context_that_is_the_workspace_is_not_the_build_context(family: Family) -> None:
    space = family(images__yaml="version: 1\nimages:\n  app: {context: app, contexts: {root: .}}\n")
    space.write({"app/Dockerfile": "FROM scratch\nCOPY --from=root which /\nCOPY which /here\n", "app/which": "app"})
    for text in ("root", "edited"):
        space.write({"which": text})
        built = space.build()["app"]
        assert built["outcome"] == "built"
        files = space.image(built["digest"]).files
        assert [files[path][2] for path in ("which", "here")] == [_sha256(text), _sha256("app")]


def test_a_stage_with_the_name_of_its_image_keeps_its_instructions(family: Family) -> None:
    space = family(images__yaml="version: 1\nimages:\n  base: {context: base, tags: [base]}\n  app: {context: app}\n")
    space.write({"base/Dockerfile": "FROM scratch\nCOPY f /\n", "base/f": "base"})
    space.write({"app/Dockerfile": "FROM base AS base\nENV MINE=1\nCOPY g /\n", "app/g": "app"})
    image = space.image(space.build()["app"]["digest"])
    assert image.files.keys() == {"f", "g"}
    assert "MINE=1" in image.config["config"]["Env"]
    text = "FROM scratch AS base\nCOPY g /\nFROM scratch\nCOPY --from=base:latest f /\nCOPY --from=base g /\n"
    space.write({"app/Dockerfile": text})
    assert space.image(space.build()["app"]["digest"]).files.keys() == {"f", "g"}


def test_a_stage_with_the_name_of_its_locked_image_keeps_its_instructions(family: Family, engine: Engine) -> None:
    digest = engine.seed(("ubuntu:latest",))["ubuntu:latest"]
    facts = {"digest": digest, "platforms": {"linux/amd64": {"digest": digest, "env": ["PATH=/bin"]}}}
    space = family(
        images__yaml="version: 1\nimages:\n  app: {context: app}\n",
        images__lock=json.dumps({"version": 1, "images": {"docker.io/library/ubuntu:latest": facts}}),
    )
    space.write({"app/Dockerfile": "FROM ubuntu AS ubuntu\nRUN echo work >/done\nENV MINE=1\n"})
    image = space.image(space.build()["app"]["digest"])
    assert "done" in image.files
    assert "MINE=1" in image.config["config"]["Env"]


def test_a_parent_of_another_platform_is_read_and_counts(family: Family) -> None:
    parent = "p: {context: p, tags: [acme/p], platforms: [linux/amd64, linux/arm64]}"
    space = family(images__yaml=f"version: 1\nimages:\n  {parent}\n  app: {{context: app}}\n")
    space.write({"p/Dockerfile": "FROM scratch\nARG TARGETARCH\nCOPY f-$TARGETARCH /f\n"})
    space.write({"app/Dockerfile": "FROM --platform=linux/arm64 acme/p AS b\nFROM scratch\nCOPY --from=b /f /f\n"})
    space.write({"p/f-amd64": "amd", "p/f-arm64": "arm"})
    assert space.image(space.build()["app"]["digest"]).files["f"][2] == _sha256("arm")
    space.write({"p/f-arm64": "edited"})
    space.build("p")
    built = space.build()["app"]
    assert built["outcome"] == "built"
    assert space.image(built["digest"]).files["f"][2] == _sha256("edited")
    space.write({"p/f-amd64": "edited"})
    space.build("p")
    assert space.outcomes() == {"p": "reused", "app": "reused"}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
