"""FROM --platform: the image that is read on that platform counts, with its key, its configuration and its digest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from planner.digest import kept, restored
from planner.digest.key import Keys, keys_of
from planner.digest.trace import Trace
from planner.local.disk_tree import DiskTree
from planner.model.build import Store, Stored
from planner.model.image import Family, Image, ImageName, Span
from planner.model.lock import Lock, LockedImage, LockedPlatform
from planner.schedule.requests import request_of
from planner.sources.load import load
from planner.sources.outside import outside

PARENT, CHILD = ImageName("p"), ImageName("c")
AMD, ARM = "linux/amd64", "linux/arm64"
SPAN = Span(file="images.yaml", line=1)
BY_ARCHITECTURE = "FROM scratch\nARG TARGETARCH\nCOPY f-$TARGETARCH /f\nENV D=lib-$TARGETARCH\n"


def keys(
    root: Path, dockerfile: str, files: dict[str, str], lock: Lock | None = None, at: tuple[str, ...] = (AMD,)
) -> Keys:
    texts = {
        "p/Dockerfile": BY_ARCHITECTURE,
        "p/f-amd64": "",
        "p/f-arm64": "",
        "c/lib-amd64/a": "",
        "c/lib-arm64/a": "",
        "c/Dockerfile": dockerfile,
    }
    for path, text in {**texts, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    parent = Image(
        name=PARENT, span=SPAN, context="p", dockerfile="p/Dockerfile", tags=("acme/p",), platforms=(AMD, ARM)
    )
    child = Image(name=CHILD, span=SPAN, context="c", dockerfile="c/Dockerfile", platforms=at)
    family = Family(file="images.yaml", images=(parent, child), lock=lock or Lock())
    tree = DiskTree(root)
    return keys_of(load(family, tree, told=True), tree)


def counts(root: Path, dockerfile: str, path: str, **more: Any) -> bool:
    """Whether an edit of a file gives the child another key."""
    before, after = (keys(root, dockerfile, {path: text}, **more) for text in ("one", "two"))
    assert restored.read(kept.write(_traced(after))).loaded.graph == after.facts.loaded.graph
    return before.keys[CHILD] != after.keys[CHILD]


def _traced(made: Keys) -> Any:
    traces: dict[ImageName, Trace] = {name: {} for name in made.facts.traces}
    object.__setattr__(made.facts, "traces", traces)
    return made.facts


def test_the_parent_counts_on_the_platform_that_from_names(tmp_path: Path) -> None:
    for text in ("FROM --platform=linux/arm64/v8 acme/p\n", "ARG P=arm64\nFROM --platform=linux/$P acme/p AS x\n"):
        assert counts(tmp_path, text, "p/f-arm64")
        assert not counts(tmp_path, text, "p/f-amd64")
    for text in ("FROM acme/p\n", "FROM --platform=$TARGETPLATFORM acme/p\n", "FROM --platform=linux/amd64 acme/p\n"):
        assert counts(tmp_path, text, "p/f-amd64")
        assert not counts(tmp_path, text, "p/f-arm64")
    copied = "FROM scratch\nCOPY --from=acme/p /f /f\n"
    assert counts(tmp_path, copied, "p/f-amd64")
    assert not counts(tmp_path, copied, "p/f-arm64")


def test_of_several_platforms_each_counts(tmp_path: Path) -> None:
    both = "FROM --platform=linux/arm64 acme/p AS x\nFROM acme/p\nCOPY --from=x /f /g\n"
    machine = "FROM --platform=$BUILDPLATFORM acme/p\n"
    for text in (both, machine, "FROM --platform=linux acme/p\n"):
        assert counts(tmp_path, text, "p/f-arm64")
        assert counts(tmp_path, text, "p/f-amd64")
    given = keys(tmp_path, "FROM --platform=$TARGETPLATFORM acme/p\n", {}, at=(AMD, ARM))
    assert given.facts.loaded.graph.nodes[CHILD].uses[0].platform == ""
    assert len(given.facts.loaded.graph.nodes[CHILD].uses) == 1


def test_the_parents_environment_is_that_of_its_platform(tmp_path: Path) -> None:
    text = "FROM --platform=linux/arm64 acme/p\nCOPY $D /x/\n"
    assert counts(tmp_path, text, "c/lib-arm64/a")
    assert not counts(tmp_path, text, "c/lib-amd64/a")
    stored = {PARENT: Stored(store=Store.LAYOUT, digest="sha256:" + "1" * 64)}
    sent = request_of(keys(tmp_path, text, {}), CHILD, stored, registry="").context
    assert [entry.path for entry in sent.files] == ["lib-arm64/a"]
    machine = "FROM --platform=$BUILDPLATFORM acme/p\nCOPY $D /x/\n"
    assert counts(tmp_path, machine, "c/lib-arm64/a")
    assert counts(tmp_path, machine, "c/lib-amd64/a")


def locked(arm: str, index: str = "9") -> Lock:
    platforms = {
        AMD: LockedPlatform(digest="sha256:" + "1" * 64, env=(("D", "lib-amd64"),)),
        ARM: LockedPlatform(digest="sha256:" + arm * 64, env=(("D", "lib-arm64"),)),
    }
    image = LockedImage(digest="sha256:" + index * 64, platforms=platforms)
    return Lock(images={"docker.io/library/ubuntu:latest": image})


def test_the_locked_digest_is_that_of_the_platform(tmp_path: Path) -> None:
    def key(text: str, lock: Lock) -> str:
        return keys(tmp_path, text, {}, lock=lock).keys[CHILD]

    arm = "FROM --platform=linux/arm64 ubuntu\n"
    assert key(arm, locked("2")) != key(arm, locked("3"))
    assert key(arm, locked("2")) == key(arm, locked("2", "8"))
    amd = "FROM --platform=linux/amd64 ubuntu\n"
    assert key(amd, locked("2")) == key(amd, locked("3", "8"))
    machine = "FROM --platform=$BUILDPLATFORM ubuntu\n"
    assert key(machine, locked("2")) != key(machine, locked("3", "8"))
    both = "FROM --platform=linux/arm64 ubuntu AS x\nFROM ubuntu\nCOPY --from=x /a /a\n"
    assert key(both, locked("2")) != key(both, locked("3"))


def test_a_platform_that_the_lock_does_not_have_counts_by_the_index(tmp_path: Path) -> None:
    """The build is held to the index all the same."""
    text = "FROM --platform=linux/riscv64 ubuntu\n"
    one, other = (keys(tmp_path, text, {}, lock=locked("2", index)) for index in "89")
    assert one.keys[CHILD] != other.keys[CHILD]
    assert one.manifests[CHILD][0].warnings == (
        "docker.io/library/ubuntu:latest is not locked for linux/riscv64: planner lock",
    )


def test_the_locked_environment_is_that_of_the_platform(tmp_path: Path) -> None:
    text = "FROM --platform=linux/arm64 ubuntu\nCOPY $D /x/\n"
    assert counts(tmp_path, text, "c/lib-arm64/a", lock=locked("2"))
    assert not counts(tmp_path, text, "c/lib-amd64/a", lock=locked("2"))
    machine = "FROM --platform=$BUILDPLATFORM ubuntu\nCOPY $D /x/\n"
    assert counts(tmp_path, machine, "c/lib-arm64/a", lock=locked("2"))
    assert counts(tmp_path, machine, "c/lib-amd64/a", lock=locked("2"))


def test_the_platform_is_locked(tmp_path: Path) -> None:
    text = "FROM --platform=linux/arm64 one AS x\nFROM two\nFROM --platform=$BUILDPLATFORM three\nCOPY --from=x / /\n"
    found = outside(keys(tmp_path, f"{text}COPY --from=1 / /\n", {}).facts.loaded).images
    assert found == {
        "docker.io/library/one:latest": {ARM},
        "docker.io/library/two:latest": {AMD},
        "docker.io/library/three:latest": {AMD},
    }
