"""What a build is given besides its files counts as buildx reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.digest.key import keys_of
from planner.local.disk_tree import DiskTree
from planner.model.image import Family, Image, ImageName, Pairs, Span
from planner.sources.load import load

APP = ImageName("app")


def key(root: Path, *, secrets: tuple[str, ...] = (), ssh: tuple[str, ...] = (), options: Pairs = ()) -> str:
    (root / "Dockerfile").write_text("FROM scratch\nRUN --mount=type=secret,id=npm --mount=type=ssh,id=id make\n")
    span = Span(file="images.yaml", line=1)
    given = {"secrets": secrets, "ssh": ssh, "options": options}
    image = Image(name=APP, span=span, context=".", dockerfile="Dockerfile", **given)
    tree = DiskTree(root)
    return keys_of(load(Family(file="images.yaml", images=(image,)), tree), tree).keys[APP]


@pytest.mark.parametrize(
    "text", ["npm", "id=npm", "ID=npm", "src=x,Id=npm", "id=other,id=npm", '"id=npm",env=N', "type=env,id=npm"]
)
def test_a_secret_is_known_by_its_id(tmp_path: Path, text: str) -> None:
    assert key(tmp_path, secrets=(text,)) != key(tmp_path)
    assert key(tmp_path, secrets=(text,)) == key(tmp_path, secrets=("npm",))


def test_a_key_is_known_by_what_stands_before_its_path(tmp_path: Path) -> None:
    assert key(tmp_path, ssh=("id=/home/me/key,/other",)) == key(tmp_path, ssh=("id",)) != key(tmp_path)
    assert key(tmp_path, ssh=("default=id",)) == key(tmp_path, secrets=("src=npm", "id=npm,id=other")) == key(tmp_path)


def test_the_order_of_options_counts_where_one_of_them_wins(tmp_path: Path) -> None:
    """Of two limits of one name the last one is in force, and of two addresses of a host the first one is found."""
    for name, one, two in (("ulimit", "nofile=1:1", "nofile=2:2"), ("add-host", "h:1.1.1.1", "h:2.2.2.2")):
        assert key(tmp_path, options=((name, one), (name, two))) != key(tmp_path, options=((name, two), (name, one)))
    others = (("add-host", "a:1.1.1.1"), ("add-host", "a.b:1.1.1.1"), ("allow", "x"), ("ulimit", "core=1:1"))
    assert key(tmp_path, options=others) == key(tmp_path, options=others[::-1])
