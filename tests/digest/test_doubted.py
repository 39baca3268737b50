"""Values that are made of what only a base knows which is not locked."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.digest.key import Keys, keys_of
from planner.local.disk_tree import DiskTree
from planner.model.image import Family, Image, ImageName, Span
from planner.sources.load import load
from tests.digest.test_found_by_oracle import answer

APP = ImageName("app")
COMMIT = "a" * 40


@pytest.mark.parametrize(
    ("source", "is_unsure"),
    [
        ("${PATH:+https://f.example/x}", True),
        ("$U", True),
        ('"h${PATH:+ttps://f.example/x}"', True),
        ("git@${HOST}:r.git", True),
        ("https://f.example/$PATH", True),
        (f"https://git.example/$PATH.git#{COMMIT}", False),
        ("./$PATH", False),
        ("lib${PATH:+2}", True),  # lib@host:path is fetched too
        ("lib/${PATH:+2}", False),
        ("$KNOWN", False),
    ],
)
def test_an_add_of_which_only_the_base_knows_may_fetch(tmp_path: Path, source: str, is_unsure: bool) -> None:
    head = "FROM ubuntu:22.04\nENV U=${PATH:+https://f.example/x} KNOWN=lib2\n"
    unsure = answer(tmp_path, f"{head}ADD {source} /x/", {"ctx/lib2/a": ""}).unsure
    assert bool(unsure) is is_unsure, unsure
    assert not answer(tmp_path, f"{head}COPY {source} /x/", {"ctx/lib2/a": ""}).unsure


def family(root: Path, base: str, app: str) -> Keys:
    for path, text in {"base/Dockerfile": base, "app/Dockerfile": app}.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    span = Span(file="images.yaml", line=1)
    images = [
        Image(name=name, span=span, context=name, dockerfile=f"{name}/Dockerfile", tags=(f"acme/{name}",))
        for name in (ImageName("base"), APP)
    ]
    tree = DiskTree(root)
    return keys_of(load(Family(file="images.yaml", images=tuple(images)), tree, told=True), tree)


def test_a_child_inherits_what_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "app/lib2").mkdir(parents=True)
    (tmp_path / "app/lib").mkdir()
    (tmp_path / "app/lib/a").touch()
    base, app = "FROM ubuntu:22.04\nENV N=${PATH:+2} M=2\n", "FROM acme/base\n"
    for line, counts in (("COPY lib$N /x/", True), ("ENV N=\nCOPY lib$N /x/", False), ("COPY lib${M#2} /x/", False)):
        keys = []
        for text in ("one", "two"):
            (tmp_path / "app/lib2/a").write_text(text)
            keys.append(family(tmp_path, base, f"{app}{line}\n").keys[APP])
        assert (keys[0] != keys[1]) is counts, line


def test_what_is_not_known_is_told(tmp_path: Path) -> None:
    found = answer(tmp_path, "FROM ubuntu:22.04\nENV D=lib${PATH:+2}\nCOPY $D /x/", {"ctx/lib/a": ""})
    assert found.keys is not None
    (manifest,) = found.keys.manifests[ImageName("image")]
    assert manifest.warnings == ("ctx/Dockerfile:3: the whole context counts, because D is known only while building",)


def test_a_variable_that_must_be_set_may_be_set_by_a_base(tmp_path: Path) -> None:
    """`${x:?}` stops a build where x has no value, which nobody knows of a base that is not locked."""
    files = {"ctx/a": ""}
    head = "FROM ubuntu:22.04\nENV U=$HOME B="
    for line in (
        "COPY a ${HOME:?}/$B",
        "WORKDIR ${HOME?no home}/$B",
        "RUN <<E\n$B\nE\nCOPY <<E /$B\n${HOME:?}\nE",
        "ENV C=${U:?}$B",
    ):
        keys = [answer(tmp_path, f"{head}{value}\n{line}", files) for value in ("1", "2")]
        assert not any(one.refused for one in keys), line
        assert len({one.key for one in keys}) == 2, line
    for base in ("FROM scratch\nENV U=$HOME\n", "FROM ubuntu:22.04\nENV HOME=\n"):
        assert "HOME: has no value" in answer(tmp_path, f"{base}COPY a ${{HOME:?}}/", files).refused
    assert "HOME: has no value" in answer(tmp_path, "FROM ubuntu:22.04\nCOPY a ${HOME:?}/", files, locked=True).refused
