"""A family that nobody wrote down: edges where text proves them, doubts where it does not, nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.sources.discovery.family import Discovered, discover
from planner.sources.discovery.names import image_names
from planner.sources.load import load
from planner.sources.loaded import LoadedFamily
from tests.sources.discovery.memory import MemoryTree


def found(files: dict[str, str]) -> tuple[Discovered, LoadedFamily]:
    tree = MemoryTree(files)
    discovered = discover(tree, tuple(files))
    return discovered, load(discovered.family, tree, parsed=discovered.dockerfiles)


def edges(files: dict[str, str]) -> set[tuple[str, str]]:
    """The edges, by Dockerfile."""
    graph = found(files)[1].graph
    path = {name: node.image.dockerfile for name, node in graph.nodes.items()}
    return {(path[name], path[parent]) for name, node in graph.nodes.items() for parent in node.parents}


def doubts(files: dict[str, str]) -> set[tuple[str, str]]:
    graph = found(files)[1].graph
    return {(node.image.dockerfile, use.reference) for node in graph.nodes.values() for use in node.unresolved}


PIN = "@sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("parent", "reference"),
    [
        ("base/Dockerfile", "acme/base"),
        ("base/Dockerfile", "acme/base:latest"),
        ("base/Dockerfile", "acme/base:1.2"),
        ("base/Dockerfile", f"registry.example/acme/base{PIN}"),
        ("base/Dockerfile", f"acme/base:7{PIN}"),
        ("base/Dockerfile", "base"),
        ("images/base/Containerfile", "localhost:5000/base"),
        ("base/docker/Dockerfile", "acme/base"),
        ("docker/base.Dockerfile", "acme/base"),
        ("docker/base.dockerfile", "acme/base"),
        ("Dockerfile.base", "acme/base"),
        ("NodeBase/Dockerfile", "acme/node-base"),
        ("node_base/Dockerfile", "acme/node-base"),
        ("NodeBase/Dockerfile", "acme/nodebase"),
        ("web/base/Dockerfile", "acme/web/base"),
        ("web/base/Dockerfile", "acme/web-base"),
        ("web/base/Dockerfile", "acme/web:base"),
        ("web/base.Dockerfile", "acme/web:base"),
        ("web/Dockerfile.base", "acme/web:1.2-base"),
        ("build.cuda-12.Dockerfile", "acme/build:cuda-12"),
        ("docker/build_4.6.1.Dockerfile", "acme/build:4.6.1"),
        ("web/Dockerfile.prod", "acme/web"),
        ("Dockerfile-base", "acme/base"),
        ("web/Dockerfile-base", "acme/web-base"),
        ("web/Dockerfile_base", "acme/web:1.2-base"),
        ("Containerfile.base", "acme/base"),
    ],
)
def test_names_by_folder_and_file(parent: str, reference: str) -> None:
    files = {parent: "FROM scratch\n", "other/app/Dockerfile": f"FROM {reference}\n"}
    assert edges(files) == {("other/app/Dockerfile", parent)}
    assert not doubts(files)


def test_arguments_with_defaults() -> None:
    child = "ARG REGISTRY=quay.example\nARG OWNER=acme\nARG BASE=$REGISTRY/$OWNER/base\nFROM $BASE\n"
    files = {"base/Dockerfile": "FROM scratch\n", "app/Dockerfile": child}
    assert edges(files) == {("app/Dockerfile", "base/Dockerfile")}


def test_other_instructions_read_too() -> None:
    app = "FROM scratch\nCOPY --from=acme/tools /a /a\nRUN --mount=from=acme/data,target=/d true\n"
    files = {f"{name}/Dockerfile": "FROM scratch\n" for name in ("tools", "data")} | {"app/Dockerfile": app}
    assert edges(files) == {("app/Dockerfile", "tools/Dockerfile"), ("app/Dockerfile", "data/Dockerfile")}


def test_a_tag_chooses_the_variant() -> None:
    files = {
        "base/Dockerfile": "FROM scratch\n",
        "base/jammy.Dockerfile": "FROM scratch\n",
        "base/noble.Dockerfile": "FROM scratch\n",
        "a/Dockerfile": "FROM acme/base\n",
        "b/Dockerfile": "FROM acme/base:noble\n",
    }
    assert edges(files) == {("a/Dockerfile", "base/Dockerfile"), ("b/Dockerfile", "base/noble.Dockerfile")}


@pytest.mark.parametrize(
    "reference",
    [
        "python:3.11",
        "docker.io/library/python",
        "nvidia/python",
        "mcr.microsoft.com/devcontainers/python:3",
        "other.example/else",
        "scratch",
    ],
)
def test_what_is_public_is_external(reference: str) -> None:
    files = {"python/Dockerfile": "FROM scratch\n", "app/Dockerfile": f"FROM {reference}\n"}
    assert not edges(files)
    assert not doubts(files)


def test_an_image_may_start_from_an_older_one_of_its_name() -> None:
    assert not doubts({"prometheus/Dockerfile": "FROM prom/prometheus\n"})
    assert not doubts({"web/Dockerfile": "FROM nginx\n", "nginx/Dockerfile": "FROM nginx\n"})


def test_an_older_release_of_itself_does_not_hide_an_image_of_our_own() -> None:
    files = {
        "base/Dockerfile": "FROM acme/base:old\n",
        "tool/Dockerfile": "FROM scratch\n",
        "app/Dockerfile": "FROM acme/base\nCOPY --from=acme/tool /a /a\n",
    }
    assert edges(files) == {("app/Dockerfile", "base/Dockerfile"), ("app/Dockerfile", "tool/Dockerfile")}
    assert not doubts(files)


@pytest.mark.parametrize(
    ("files", "reference"),
    [
        ({"a/base/Dockerfile": "FROM scratch\n", "b/base/Dockerfile": "FROM scratch\n"}, "acme/base"),
        ({"web/base/Dockerfile": "FROM scratch\n", "web-base/Dockerfile": "FROM scratch\n"}, "acme/web-base"),
        ({"node/Dockerfile": "FROM scratch\n"}, "acme/node"),
        ({"postgis/Dockerfile": "FROM postgres:9.5\n"}, "acme/postgis:9.4"),
        ({"base/Dockerfile": "FROM acme/base:old\n"}, "acme/base"),
        ({"base/Dockerfile": "FROM scratch\n", "x/Dockerfile": "FROM acme/elsewhere\n"}, "acme/base"),
        ({"base/Dockerfile": 'FROM no closing "quote\n'}, "acme/base"),
        ({"base/Dockerfile": "FROM scratch\n"}, "base-full"),
        ({"base/Dockerfile": "FROM scratch\n"}, "binary_dir"),
        ({"base/Dockerfile": "FROM scratch\n"}, "tritonserver:local"),
    ],
)
def test_what_may_be_two_things_is_a_doubt(files: dict[str, str], reference: str) -> None:
    files = {**files, "app/Dockerfile": f"FROM {reference}\n"}
    assert ("app/Dockerfile", reference) in doubts(files)
    assert not edges(files)


@pytest.mark.parametrize(
    ("maker", "reference"),
    [
        ("base/Dockerfile", "acme/data-base:1.2"),
        ("base/Dockerfile", "acme/desktop:base"),
        ("Dockerfile.sdk", "server_sdk"),
        ("base/ubi9/Dockerfile", "acme/base-image:ubi9-latest"),
        ("template/java/Dockerfile", "acme/data-java-template:3"),
        ("web/src/Dockerfile", "acme/web:3.3"),
        ("AcmeWebServer/dockerfiles/1.2.3/Dockerfile", "acme/web-server:1.2.3-slim"),
        ("images/compilers/Dockerfile", f"acme/image-compilers:1-abc@sha256:{'0' * 64}"),
    ],
)
def test_what_a_shorter_name_may_make_is_a_doubt_while_nobody_reads_it(maker: str, reference: str) -> None:
    files = {maker: "FROM scratch\n", "app/Dockerfile": f"FROM {reference}\n"}
    assert doubts(files) == {("app/Dockerfile", reference)}
    assert not edges(files)
    files |= {f"other{at}/Dockerfile": "FROM scratch\n" for at in range(3)}
    assert doubts(files) == {("app/Dockerfile", reference)}


def test_a_folder_may_be_the_tag_that_a_reference_without_one_means() -> None:
    files = {"toolbox/latest/Dockerfile": "FROM scratch\n", "toolbox/1.0/Dockerfile": "FROM scratch\n"}
    files |= {"a/Dockerfile": "FROM acme/toolbox\n", "b/Dockerfile": f"FROM acme/toolbox{PIN}\n"}
    assert edges(files) == {("a/Dockerfile", "toolbox/latest/Dockerfile")}
    assert doubts(files) == {("b/Dockerfile", f"acme/toolbox{PIN}")}


def test_of_what_stands_far_below_a_name_that_of_the_tag_is_meant() -> None:
    files = {f"AcmeWeb/dockerfiles/{version}/Dockerfile": "FROM scratch\n" for version in ("1.2", "1.3", "2.0")}
    files["app/Dockerfile"] = "FROM acme/web:1.3.4-slim\n"
    (doubt,) = found(files)[0].family.doubts
    assert doubt.reason.endswith("reads AcmeWeb/dockerfiles/1.3/Dockerfile, which may make it")


def test_the_only_image_of_another_owner_is_no_second_name_of_ours() -> None:
    """Who keeps a copy of somebody's images keeps their names."""
    files = dict.fromkeys(("base/Dockerfile", "tool/Dockerfile"), "FROM scratch\n")
    files |= {
        "a/Dockerfile": "FROM acme/base\n",
        "b/Dockerfile": "FROM acme/tool\n",
        "c/Dockerfile": "FROM fork/base:1\n",
    }
    assert edges(files) == {("a/Dockerfile", "base/Dockerfile"), ("b/Dockerfile", "tool/Dockerfile")}
    assert doubts(files) == {("c/Dockerfile", "fork/base:1")}
    files["c/Dockerfile"] = "FROM base\n"
    assert ("c/Dockerfile", "base/Dockerfile") in edges(files)


def test_what_most_start_from_may_be_made_by_a_base_that_nobody_reads() -> None:
    files = {"base/Dockerfile": "FROM scratch\n"} | {
        f"{name}/Dockerfile": "FROM example.org/acme/runner\n" for name in ("java", "node", "tools")
    }
    assert doubts(files) == {(path, "example.org/acme/runner") for path in files if path != "base/Dockerfile"}


@pytest.mark.parametrize(
    ("files", "reference"),
    [
        ({"base/Dockerfile": "FROM scratch\n", "x/Dockerfile": "FROM acme/base\n"}, "other/data-base"),
        ({"one/proxy/Dockerfile": "FROM scratch\n"}, "acme/http-proxy"),
        ({"alpine/Dockerfile": "FROM scratch\n"}, "acme/tool:alpine"),
        ({"1.2/Dockerfile": "FROM scratch\n"}, "acme/tool:1.2"),
        ({"minimal/Dockerfile": "FROM scratch\n"}, "registry.access.redhat.com/ubi9/ubi-minimal"),
    ],
)
def test_a_name_that_only_sounds_like_one_of_here_is_external(files: dict[str, str], reference: str) -> None:
    files = {**files, "proxy/Dockerfile": f"FROM {reference}\n"}
    assert not {what for what in doubts(files) if what[1] == reference}
    assert ("proxy/Dockerfile", "base/Dockerfile") not in edges(files)


def test_a_name_that_is_an_argument_is_the_choice_of_builds() -> None:
    app = "ARG OWNER=acme\nARG BASE=base\nFROM $OWNER/$BASE:latest\n"
    files = {"base/Dockerfile": "FROM scratch\n", "app/Dockerfile": app}
    assert doubts(files) == {("app/Dockerfile", "acme/base:latest")}


def test_placeholders_mean_the_nearest() -> None:
    child = "ARG BASE=<jupyter>\nFROM $BASE\n"
    files = {
        "web/jupyter/Dockerfile": "FROM scratch\n",
        "servers/jupyter/Dockerfile": "ARG BASE=<ubuntu>\nFROM $BASE\n",
        "servers/torch/Dockerfile": child,
    }
    assert edges(files) == {("servers/torch/Dockerfile", "servers/jupyter/Dockerfile")}
    assert doubts(files) == {("servers/jupyter/Dockerfile", "<ubuntu>")}
    files["torch/Dockerfile"] = child
    assert ("torch/Dockerfile", "<jupyter>") in doubts(files)


def test_files_that_are_no_dockerfiles_are_left_out() -> None:
    files = {
        "a/Dockerfile": "FROM scratch\n",
        "b/Dockerfile": "no Dockerfile\n",
        "c/Dockerfile.j2": "FROM {{ x }}\n",
        "c/Dockerfile.dockerignore": "x\n",
        "c/Dockerfile.rego": "package docker\n",
        "c/Dockerfile-notes.md": "x\n",
        "c/Dockerfile-": "x\n",
        "c/Dockerfiles": "x\n",
        "node_modules/d/Dockerfile": "FROM scratch\n",
    }
    discovered, loaded = found(files)
    assert list(loaded.graph.order) == ["a"]
    assert [path for path, _ in discovered.unread] == ["b/Dockerfile"]


def test_names_are_short_and_tell_apart() -> None:
    paths = ["Dockerfile", "Dockerfile.dev", "a/x/Dockerfile", "b/x/Dockerfile", "c/docker/Dockerfile", "y/Dockerfile"]
    paths += ["y/Dockerfile.gpu", "docker/z.Dockerfile", "é/Dockerfile", "ü/Dockerfile"]
    names = image_names(paths)
    assert list(names.values()).count("image") <= 1
    assert {path: names[path] for path in paths[:8]} == {
        "Dockerfile": "root",
        "Dockerfile.dev": "dev",
        "a/x/Dockerfile": "a/x",
        "b/x/Dockerfile": "b/x",
        "c/docker/Dockerfile": "c",
        "y/Dockerfile": "y",
        "y/Dockerfile.gpu": "y-gpu",
        "docker/z.Dockerfile": "z",
    }


WORDS = st.sampled_from(["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"])
STYLES = {
    "folder": lambda name: f"images/{name}/Dockerfile",
    "prefix": lambda name: f"docker/{name}.Dockerfile",
    "suffix": lambda name: f"Dockerfile.{name}",
    "own": lambda name: f"{name}/docker/Dockerfile",
}


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(WORDS, min_size=2, unique=True),
    styles=st.lists(st.sampled_from(sorted(STYLES)), min_size=8, max_size=8),
    owner=st.sampled_from(["acme", "registry.example/team/acme", "localhost:5000"]),
    tag=st.sampled_from(["", ":latest", ":1.2", PIN]),
    chance=st.randoms(use_true_random=False),
)
def test_a_family_that_follows_a_convention_has_exactly_its_edges(
    names: list[str], styles: list[str], owner: str, tag: str, chance: random.Random
) -> None:
    paths = {name: STYLES[style](name) for name, style in zip(names, styles, strict=False)}
    files: dict[str, str] = {}
    want = set()
    for at, name in enumerate(names):
        parents = chance.sample(names[:at], min(at, chance.randint(0, 2)))
        head = f"FROM {owner}/{parents[0]}{tag}" if parents else "FROM ubuntu:24.04"
        copies = [f"COPY --from={owner}/{parent}{tag} /a /a" for parent in parents[1:]]
        files[paths[name]] = "\n".join([head, *copies, "COPY --from=redis:7 /r /r"]) + "\n"
        want |= {(paths[name], paths[parent]) for parent in parents}
    assert edges(files) == want
    assert not doubts(files)
    shuffled = list(files.items())
    chance.shuffle(shuffled)
    tree = MemoryTree(files)
    assert discover(tree, tuple(dict(shuffled))) == discover(tree, tuple(files))
