"""References, platforms and published names in Docker's normal form."""

from __future__ import annotations

import pytest

from planner.model.names import Platform, Published, Reference, index_of, owner_of

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "normal", "familiar"),
    [
        ("ubuntu", "docker.io/library/ubuntu:latest", "ubuntu"),
        ("ubuntu:22.04", "docker.io/library/ubuntu:22.04", "ubuntu:22.04"),
        ("acme/tool", "docker.io/acme/tool:latest", "acme/tool"),
        ("index.docker.io/ubuntu", "docker.io/library/ubuntu:latest", "ubuntu"),
        ("localhost/x", "localhost/x:latest", "localhost/x"),
        ("127.0.0.1:5000/x/y:1", "127.0.0.1:5000/x/y:1", "127.0.0.1:5000/x/y:1"),
        (f"ghcr.io/a/b@{DIGEST}", f"ghcr.io/a/b@{DIGEST}", f"ghcr.io/a/b@{DIGEST}"),
        (f"ghcr.io/a/b:1@{DIGEST}", f"ghcr.io/a/b:1@{DIGEST}", f"ghcr.io/a/b:1@{DIGEST}"),
    ],
)
def test_normal_and_familiar_form(text: str, normal: str, familiar: str) -> None:
    reference = Reference.parse(text)
    assert (str(reference), reference.familiar) == (normal, familiar)


@pytest.mark.parametrize("text", ["", "Upper", "a//b", "/a", "a:", "a@sha256:1", "a b", "a:!"])
def test_refuses_what_docker_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"reference|malformed"):
        Reference.parse(text)


@pytest.mark.parametrize(
    ("published", "reference", "answers"),
    [
        ("r.io/a", "r.io/a", True),
        ("r.io/a", "r.io/a:latest", True),
        ("r.io/a", f"r.io/a@{DIGEST}", True),
        ("r.io/a", "r.io/a:1", False),
        ("r.io/a:1", "r.io/a:1", True),
        ("r.io/a:1", "r.io/a:2", False),
        ("r.io/a:1", f"r.io/a:1@{DIGEST}", True),
        ("r.io/a:latest", "r.io/a", True),
        ("r.io/a:latest", "r.io/a:latest", True),
        ("r.io/a:latest", f"r.io/a@{DIGEST}", False),
        ("r.io/a:1", "r.io/a", False),
        ("r.io/a:*", "r.io/a:7", True),
        ("r.io/a:*", "r.io/a", True),
        ("r.io/a", "r.io/b", False),
    ],
)
def test_which_reference_a_name_answers(published: str, reference: str, answers: bool) -> None:
    assert Published.parse(published).answers(Reference.parse(reference)) is answers


def test_an_exact_tag_wins_over_any() -> None:
    index = index_of([(Published.parse("r.io/a:*"), "any"), (Published.parse("r.io/a:1"), "one")])
    assert owner_of(index, Reference.parse("r.io/a:1")) == "one"
    assert owner_of(index, Reference.parse("r.io/a:2")) == "any"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("amd64", "linux/amd64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/x86_64", "linux/amd64"),
    ],
)
def test_platforms(text: str, normal: str) -> None:
    assert str(Platform.parse(text)) == normal


@pytest.mark.parametrize("text", ["", "x", "linux", "local", "amd64/", "a/b/c/d"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(ValueError, match="is no platform; write it as linux/amd64"):
        Platform.parse(text)
