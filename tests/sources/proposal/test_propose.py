"""What a repository says about its builds becomes a graph file that reads back."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from planner.model.image import Image
from planner.sources import yaml_file
from planner.sources.discovery.family import discover
from planner.sources.proposal.propose import Entry, Proposal, propose
from planner.sources.proposal.write import graph_file
from tests.sources.discovery.memory import MemoryTree


def proposed(files: dict[str, str]) -> tuple[dict[str, Image], Proposal]:
    tree = MemoryTree(files)
    proposal = propose(discover(tree, tuple(files)), tuple(files), tree)
    family = yaml_file.read(graph_file(proposal).encode(), "images.yaml", {}, {})
    return {image.name: image for image in family.images}, proposal


def test_nothing_but_dockerfiles() -> None:
    images, _ = proposed(
        {"base/Dockerfile": "FROM x\n", "app/Dockerfile": "FROM acme/base:1\nCOPY app/x /\n", "app/x": ""}
    )
    assert images["base"].tags == ("docker.io/acme/base:1",)
    assert (images["app"].context, images["app"].dockerfile) == (".", "app/Dockerfile")


def test_compose() -> None:
    text = """
x-common: &common {args: {A: "${A:-1}"}}
services:
  web: {image: "acme/web:${TAG:-dev}", build: {<<: *common, context: ., dockerfile: docker/web.Dockerfile}}
  db: {build: db}
  other: {image: redis}
  far: {build: "https://x.example/r.git"}
  inline: {build: {dockerfile_inline: FROM x}}
"""
    files = {
        "deploy/compose.yaml": text,
        "deploy/docker/web.Dockerfile": "FROM x\n",
        "deploy/db/Dockerfile": "FROM y\n",
    }
    images, proposal = proposed(files)
    assert set(images) == {"web", "db"}
    assert (images["web"].context, images["web"].args, images["web"].tags) == (
        "deploy",
        (("A", "1"),),
        ("acme/web:dev",),
    )
    assert images["db"].context == "deploy/db"
    assert any("inside the Compose file" in text for text in proposal.unsure)


def test_one_dockerfile_built_twice() -> None:
    targets = {
        name: {"dockerfile": "Dockerfile", "target": name, "args": {"P": f"acme/{name}"}, "tags": [f"acme/x-{name}"]}
        for name in ("cpu", "gpu")
    }
    files = {"Dockerfile": "FROM a AS cpu\nFROM b AS gpu\n", "docker-bake.json": json.dumps({"target": targets})}
    images, _ = proposed(files)
    assert {name: image.target for name, image in images.items()} == {"cpu": "cpu", "gpu": "gpu"}
    assert images["gpu"].tags == ("acme/x-gpu",)


def test_makefiles_and_workflows() -> None:
    workflow = """
jobs:
  one:
    steps:
      - uses: docker/build-push-action@v6
        with: {context: ., file: docker/a.Dockerfile, tags: "acme/a:1,acme/a:${{ github.sha }}", build-args: "X=1"}
      - uses: docker/build-push-action@v6
      - run: |
          true
          docker build -t acme/b -f docker/b.Dockerfile .
"""
    files = {
        ".github/workflows/ci.yml": workflow,
        "c/Makefile": "all:\n\tdocker build -t acme/c .\n",
        "docker/a.Dockerfile": "FROM x\n",
        "docker/b.Dockerfile": "FROM x\n",
        "c/Dockerfile": "FROM x\n",
        "docker-bake.hcl": "",
    }
    images, proposal = proposed(files)
    assert {name: (image.context, image.tags) for name, image in images.items()} == {
        "a": (".", ("acme/a:1",)),
        "b": (".", ("acme/b",)),
        "c": ("c", ("acme/c",)),
    }
    assert images["a"].args == (("X", "1"),)
    (entry,) = [entry for entry in proposal.entries if entry.name == "b"]
    assert entry.notes == ("built at .github/workflows/ci.yml:10",)
    assert any("is a Bake file in HCL" in text for text in proposal.unsure)
    assert any("builds from git" in text for text in proposal.unsure)


def test_a_name_is_given_once() -> None:
    files = {
        "a/Dockerfile": "FROM scratch\n",
        "b/Dockerfile": "FROM scratch\n",
        "Makefile": "\tdocker build -t t a\n\tdocker build -t t b\n",
    }
    images, proposal = proposed(files)
    assert [image.tags for image in images.values()] == [("t",), ()]
    assert proposal.entries[1].unsure == ("t is given to a",)


def test_a_tag_that_a_build_leaves_open_is_any_tag_of_what_is_read_here() -> None:
    files = {
        "base/Dockerfile": "FROM scratch\n",
        "app/Dockerfile": "FROM acme/data-base:2.0\n",
        "Makefile": "build:\n\tdocker build -t acme/data-base:$(V) base\n\tdocker build -t acme/data-app:$(V) app\n",
    }
    images, proposal = proposed(files)
    assert images["base"].tags == ("acme/data-base:*",)
    assert not images["app"].tags
    assert not any("may make it" in text for entry in proposal.entries for text in entry.unsure)
    for other in ("docker build -t acme/data-base:old app", "docker build -t acme/data-base:$(W) $(DIR)"):
        images, _ = proposed({**files, "Makefile": files["Makefile"] + f"\t{other}\n"})
        assert "acme/data-base:*" not in {tag for image in images.values() for tag in image.tags}, other


def test_what_an_entry_may_make_is_told_there() -> None:
    _, proposal = proposed({"base/Dockerfile": "FROM scratch\n", "app/Dockerfile": "FROM acme/data-base:2.0\n"})
    base = next(entry for entry in proposal.entries if entry.name == "base")
    name = "docker.io/acme/data-base:2.0"
    assert base.unsure == (f"take < > off {name} if this makes it, or take that line out; read by app/Dockerfile",)
    assert base.tags == (f"<{name}>",)
    files = {"a/base/Dockerfile": "FROM scratch\n", "b/base/Dockerfile": "FROM scratch\n"}
    _, proposal = proposed({**files, "app/Dockerfile": "FROM acme/data-base:2.0\n"})
    assert not any("take < > off" in text for entry in proposal.entries for text in entry.unsure)


def test_a_base_that_builds_choose_is_left_for_a_person() -> None:
    files = {"base/Dockerfile": "FROM x\n", "app/Dockerfile": "ARG B=base\nFROM acme/$B\n"}
    assert proposed(files)[0]["app"].args == (("B", "<base>"),)
    files["Makefile"] = "\tdocker build --build-arg B=base app\n"
    assert proposed(files)[0]["app"].args == (("B", "base"),)


def test_a_hostile_path_is_left_out() -> None:
    images, proposal = proposed({"a\nb\udcff/Dockerfile": "FROM x\n", "c/Dockerfile": "FROM x\n"})
    assert set(images) == {"c"}
    assert "left out" in proposal.unsure[0]


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["$X", "${X}", "$$", "a: b", "#", "yes", "1.0", "'", "<x>"]),
)


@given(
    args=st.dictionaries(
        st.from_regex(r"[A-Z]{1,4}", fullmatch=True), TEXTS.filter(lambda text: "\0" not in text), max_size=3
    ),
    notes=st.lists(TEXTS, max_size=3),
)
def test_any_text_reads_back(args: dict[str, str], notes: list[str]) -> None:
    entry = Entry(
        name="a",
        context=".",
        dockerfile="Dockerfile",
        args=tuple(sorted(args.items())),
        notes=tuple(notes),
        unsure=tuple(notes),
    )
    text = graph_file(Proposal(entries=(entry,), unsure=tuple(notes)))
    (image,) = yaml_file.read(text.encode(), "images.yaml", {}, {}).images
    assert dict(image.args) == args
