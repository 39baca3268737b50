"""`docker build` lines, read without running anything."""

from __future__ import annotations

import pytest

from planner.sources.proposal.builds import Build
from planner.sources.proposal.command_lines import builds


def read(text: str, folder: str = ".") -> list[Build | str]:
    return [one if isinstance(one, Build) else one[1] for one in builds(text, "Makefile", folder)]


@pytest.mark.parametrize(
    ("text", "context", "dockerfile", "tags"),
    [
        ("docker build .", ".", "Dockerfile", ()),
        ("\t@docker build -t acme/a a", "a", "a/Dockerfile", ("acme/a",)),
        (
            "docker buildx build --push --tag=acme/a:1 -f docker/a.Dockerfile .",
            ".",
            "docker/a.Dockerfile",
            ("acme/a:1",),
        ),
        ("docker image build -tacme/a a && docker push x", "a", "a/Dockerfile", ("acme/a",)),
        ("cd x; docker build --no-cache a > log", "a", "a/Dockerfile", ()),
        ("podman build \\\n  --label 'a b' \\\n  a", "a", "a/Dockerfile", ()),
        ("docker build $(FLAGS) -t acme/a:$(TAG) a", "a", "a/Dockerfile", ()),
        ('docker build -t "${REGISTRY}/a" -t acme/a a $(MORE)', "a", "a/Dockerfile", ("acme/a",)),
        ("docker build --platform linux/amd64,linux/arm64 --cache-to type=inline a # why", "a", "a/Dockerfile", ()),
    ],
)
def test_what_is_written_out(text: str, context: str, dockerfile: str, tags: tuple[str, ...]) -> None:
    (build,) = read(text)
    assert isinstance(build, Build)
    assert (build.context, build.dockerfile, build.tags) == (context, dockerfile, tags)


def test_the_folder_it_runs_in() -> None:
    (build,) = read("docker build -f x.Dockerfile ..", "a/b")
    assert isinstance(build, Build)
    assert (build.context, build.dockerfile) == ("a", "a/b/x.Dockerfile")


def test_arguments_and_what_they_leave_open() -> None:
    (build,) = read("docker build --build-arg A=1 --build-arg=B=$(shell rm -rf /) --build-arg C --target t .")
    assert isinstance(build, Build)
    assert (build.args, build.target, build.open) == ((("A", "1"),), "t", ("B=$(shell rm -rf /)",))


@pytest.mark.parametrize(
    "text",
    ["docker build", "docker build -", "docker build https://x.example/r.git", "docker build /etc", "docker build a b"],
)
def test_what_reads_nothing_of_the_workspace(text: str) -> None:
    assert read(text) == ["names no context of the workspace"]


def test_what_cannot_be_read_is_told() -> None:
    assert read("docker build -t 'a .") == ["cannot be split into words: No closing quotation"]
    assert read("# docker build .\necho docker builder\n") == []
    (build,) = read("docker build $(DIR)")
    assert isinstance(build, Build)
    assert (build.dockerfile, build.open) == ("", ("$(DIR)",))
