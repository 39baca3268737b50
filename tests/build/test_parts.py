"""The parts of a build that need no engine: argument lists, the store of layouts, contexts on disk."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.build.buildx import log_of
from planner.build.command import Paths, build_arguments
from planner.build.context import MTIME, Contexts
from planner.build.layout import Incomplete, Layout
from planner.errors import InputError
from planner.local.disk_tree import DiskTree
from planner.model.build import BuildRequest, FileEntry, FilesContext, ImageContext, Store, Stored, UrlContext
from planner.model.image import ImageName
from planner.schedule.requests import context_id

DIGEST = "sha256:" + "a" * 64
PATHS = Paths(
    dockerfile="/run/Dockerfile",
    contexts={"": "/run/context", "files": "/run/files"},
    metadata="/run/m",
    layout="/run/a,b",
    store="/store",
)


def request(**changed: object) -> BuildRequest:
    fields: dict[str, object] = {
        "image": ImageName("Team/app"),
        "platforms": ("linux/amd64", "linux/arm64"),
        "key": "x3-1",
        "dockerfile": b"",
        "dockerfile_path": "Dockerfile",
        "context": FilesContext(),
        **changed,
    }
    return BuildRequest(**fields)  # type: ignore[arg-type]


def test_arguments_name_everything_that_is_asked_for() -> None:
    asked = request(
        target="final",
        args=(("A", "x y"), ("B", "")),
        labels=(("l", "v"),),
        secrets=("token", "id=other,src=f"),
        ssh=("default",),
        network="host",
        contexts=(
            ("base", ImageContext(image=Stored(store=Store.LAYOUT, digest=DIGEST))),
            ("files", FilesContext()),
            ("pushed", ImageContext(image=Stored(store=Store.REGISTRY, digest=DIGEST, repository="r.example/p"))),
            ("local", ImageContext(image=Stored(store=Store.ENGINE, digest=DIGEST, repository="planner.local/l:k"))),
            ("url", UrlContext(url="https://example.org/x.git")),
        ),
    )
    words = build_arguments(asked, PATHS, Store.LAYOUT)
    assert words[0] == "build"
    assert words[-1] == "/run/context"
    for word in (
        "--platform=linux/amd64,linux/arm64",
        "--target=final",
        "--build-arg=A=x y",
        "--build-arg=B=",
        "--label=l=v",
        "--secret=id=token",
        "--secret=id=other,src=f",
        "--ssh=default",
        "--network=host",
        "--allow=network.host",
        f"--build-context=base=oci-layout:///store@{DIGEST}",
        "--build-context=files=/run/files",
        f"--build-context=pushed=docker-image://r.example/p@{DIGEST}",
        "--build-context=local=docker-image://planner.local/l:k",
        "--build-context=url=https://example.org/x.git",
        '--output=type=oci,tar=false,"dest=/run/a,b"',
    ):
        assert word in words


def test_a_store_whose_path_has_a_colon() -> None:
    asked = request(contexts=(("base", ImageContext(image=Stored(store=Store.LAYOUT, digest=DIGEST))),))
    words = build_arguments(asked, replace(PATHS, store="/a:b/store"), Store.LAYOUT)
    assert f"--build-context=base=oci-layout:///a:b/store:latest@{DIGEST}" in words


@given(st.lists(st.text("ab/", min_size=1, max_size=255), min_size=2, max_size=4, unique=True))
def test_every_image_has_a_log_of_its_own_that_a_disk_takes(names: list[str]) -> None:
    found = {log_of(Path(), ImageName(name)).name for name in names}
    assert len(found) == len(names)
    assert all(len(name) <= 255 for name in found)


def test_where_the_result_goes() -> None:
    assert "--output=type=image,name=planner.local/team/app:x3-1" in build_arguments(request(), PATHS, Store.ENGINE)
    pushed = request(repository="r.example/app", tags=("r.example/app:x3-1", "other.example/app:1"))
    output = build_arguments(pushed, PATHS, Store.REGISTRY)[-2]
    assert output == (
        '--output=type=image,"name=r.example/app,other.example/app",push=true,push-by-digest=true,name-canonical=true'
    )


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "store")
    made.prepare()
    return made


def put(layout: Layout, data: bytes) -> dict[str, object]:
    digest = hashlib.sha256(data).hexdigest()
    (layout.root / "blobs/sha256" / digest).write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def manifest(layout: Layout) -> tuple[str, str]:
    """A whole image: the digests of its manifest and of its layer."""
    layer = put(layout, b"layer")
    document = {"config": put(layout, b"{}"), "layers": [layer]}
    return str(put(layout, json.dumps(document).encode())["digest"]), str(layer["digest"])


def test_a_mark_that_a_full_disk_left_empty_is_written_with_room(layout: Layout) -> None:
    (layout.root / "oci-layout").write_text("")
    layout.prepare()
    assert json.loads((layout.root / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}


def test_holds_what_is_whole(layout: Layout) -> None:
    whole, layer = manifest(layout)
    index = put(layout, json.dumps({"manifests": [{"digest": whole}]}).encode())["digest"]
    assert layout.holds(whole)
    assert layout.holds(str(index))
    layout.blob(layer).write_bytes(b"short")
    assert layout.holds(whole)
    layout.blob(layer).write_bytes(b"another size")
    assert not layout.holds(whole)
    layout.blob(layer).unlink()
    assert not layout.holds(str(index))


@pytest.mark.parametrize(
    "document",
    [b"no json", b"[]", b"{}", b'{"config": 1, "layers": []}', b'{"config": {"digest": "x", "size": 1}}'],
)
def test_does_not_hold_what_is_no_image(layout: Layout, document: bytes) -> None:
    assert not layout.holds(str(put(layout, document)["digest"]))


def test_does_not_follow_names_that_are_no_digest(layout: Layout) -> None:
    assert not layout.holds("sha256:../../../etc/passwd")
    with pytest.raises(Incomplete):
        layout.blob("../x")


def test_an_index_of_itself_ends(layout: Layout) -> None:
    data = b'{"manifests": []}'
    digest = str(put(layout, data)["digest"])
    for _ in range(8):
        digest = str(put(layout, json.dumps({"manifests": [{"digest": digest}]}).encode())["digest"])
    assert not layout.holds(digest)


def context_of(tree: DiskTree, *paths: str) -> FilesContext:
    found = [(path, tree.entry(path)) for path in paths]
    return FilesContext(
        files=tuple(FileEntry(path=path, source=path, mode=one.mode, oid=one.oid) for path, one in found if one)
    )


def test_writes_exactly_the_files_with_gits_modes_and_one_time(tmp_path: Path) -> None:
    root = tmp_path / "work"
    (root / "a/b").mkdir(parents=True, mode=0o700)
    (root / "a/b/run").write_bytes(b"#!x\n")
    (root / "a/b/run").chmod(0o711)
    (root / "a/plain").write_text("p")
    (root / "a/plain").chmod(0o600)
    (root / "a/other").write_text("not asked for")
    (root / "link").symlink_to("../outside")
    (root / "to_folder").symlink_to("a")
    os.mkfifo(root / "a/pipe")
    tree = DiskTree(root)
    context = context_of(tree, "a/b/run", "a/plain", "link", "to_folder")
    contexts = Contexts(tmp_path / "contexts", tree)
    place = contexts.folder(context, context_id(context))
    assert contexts.folder(context, context_id(context)) == place
    found = {os.fspath(path.relative_to(place)): path.lstat() for path in place.rglob("*")}
    assert set(found) == {"a", "a/b", "a/b/run", "a/plain", "link", "to_folder"}
    assert {
        path: oct(status.st_mode & 0o777) for path, status in found.items() if path not in ("link", "to_folder")
    } == {
        "a": "0o755",
        "a/b": "0o755",
        "a/b/run": "0o755",
        "a/plain": "0o644",
    }
    assert {status.st_mtime for status in found.values()} == {MTIME}
    assert (place / "link").readlink() == Path("../outside")
    assert place.name == context_id(context)


def test_a_file_that_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    (root / "file").write_text("one")
    tree = DiskTree(root)
    context = context_of(tree, "file")
    (root / "file").write_text("two")
    with pytest.raises(InputError, match="file: changed since the plan was made"):
        Contexts(tmp_path / "contexts", tree).folder(context, context_id(context))
    assert not list((tmp_path / "contexts").glob("[0-9a-f]" * 32)), "no half context under its name"


entries = st.builds(
    FileEntry,
    path=st.text(min_size=1, max_size=4),
    source=st.just("s"),
    mode=st.sampled_from([0o100644, 0o100755, 0o120000]),
    oid=st.text("0123456789abcdef", min_size=40, max_size=40),
)


@given(st.lists(entries, max_size=4), st.lists(entries, max_size=4))
def test_a_contexts_name_is_its_content(one: list[FileEntry], other: list[FileEntry]) -> None:
    same = [(e.path, e.mode, e.oid) for e in one] == [(e.path, e.mode, e.oid) for e in other]
    named = context_id(FilesContext(files=tuple(one))) == context_id(FilesContext(files=tuple(other)))
    assert named == same
