"""What `affected` says is never less than what an edit changes, and more only where its docstring says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planner.digest.key import Keys, keys_of
from planner.errors import PlannerError
from planner.model.lock import Lock, LockedImage, LockedPlatform
from planner.plan.affected import Role, affected, normal
from planner.sources import lock_file, yaml_file
from planner.sources.load import load
from tests.memory import Files, MemoryTree, with_path

GRAPH = """\
version: 1
registry: r.example
images:
  a: {dockerfile: a.Dockerfile}
  b: {context: d, dockerfile: Dockerfile, contexts: {more: m}}
  c: {dockerfile: c.Dockerfile}
"""
SOURCES = [".", "d", "d/e", "*.txt", "d/*.txt", "*/x.txt", "*/*/x.txt", "[dm]", "l", "l/x.txt", "l/*.txt"]
SOURCES += ["m", "x.txt", "none", "d/none", "e", "none/*", "*/none", "l*"]
FLAGS = ("", "", "", "--exclude=*.txt ", "--exclude=e --exclude=!e/y.md ", "--parents ", "--exclude=d/e/x.txt ")
FOLDERS = ("", "d/", "d/e/", "m/", "l/", "e/", "ll/")
NAMES = ("x.txt", "y.md", "e", "l", "z")
TARGETS = ("d", "d/e", "m", "l", "ll", "x.txt", "../m", "e", "nowhere", "/d")

paths = st.one_of(
    st.builds("{}{}".format, st.sampled_from(FOLDERS), st.sampled_from(NAMES)),
    st.sampled_from(["d", "m", "l", "ll", "none", "none/x.txt"]),
)
contents = st.one_of(st.sampled_from(["1", "2"]), st.sampled_from(TARGETS).map("->{}".format))
ignored = st.lists(
    st.sampled_from(["*.txt", "**/*.md", "d", "d/e", "!d/e/x.txt", "m/*", "!**/x.txt", "l", "*", "!m", "e"]), max_size=3
).map("\n".join)
copies = st.lists(
    st.one_of(
        st.builds("COPY {}{} /to/".format, st.sampled_from(FLAGS), st.sampled_from(SOURCES)),
        st.builds("RUN --mount=type=bind,source={},target=/m x".format, st.sampled_from(SOURCES)),
    ),
    max_size=3,
).map("\n".join)


def locked(trigger: str) -> str:
    """A lock of the one external, whose children run an instruction."""
    facts = LockedPlatform(digest=f"sha256:{'1' * 64}", env=(("A", "b"),), onbuild=(trigger,))
    image = LockedImage(digest=facts.digest, platforms={"linux/amd64": facts})
    return lock_file.write(Lock(images={"docker.io/library/x:latest": image}))


special = st.one_of(
    st.tuples(st.sampled_from(["a.Dockerfile", "d/Dockerfile", "c.Dockerfile"]), copies.map("FROM x\n{}".format)),
    st.tuples(
        st.sampled_from([".dockerignore", "d/.dockerignore", "m/.dockerignore", "a.Dockerfile.dockerignore"]), ignored
    ),
    st.just(("images.yaml", GRAPH.replace("contexts", "args: {X: y}, contexts"))),
    st.sampled_from(["COPY d /d", "ENV X=y"]).map(lambda trigger: ("images.lock", locked(trigger))),
)


@st.composite
def families(draw: st.DrawFn) -> Files:
    files: dict[str, str] = {}
    for path, text in draw(st.lists(st.tuples(paths, contents), max_size=10)):
        files = with_path(files, path, text)
    for path in draw(st.sets(st.sampled_from([".dockerignore", "d/.dockerignore", "a.Dockerfile.dockerignore"]))):
        files = with_path(files, path, draw(ignored))
    for path, base, more in (
        ("a.Dockerfile", "x", ""),
        ("d/Dockerfile", "r.example/a", "COPY --from=more . /m\n"),
        ("c.Dockerfile", "r.example/b", ""),
    ):
        more = more if draw(st.booleans()) else ""
        files = with_path(files, path, f"FROM {base}\n{draw(copies)}\n{more}")
    return with_path(files, "images.yaml", GRAPH)


def keys(files: Files) -> Keys | None:
    """The keys, None where the family cannot be read."""
    tree = MemoryTree(files)
    try:
        family = yaml_file.read(files["images.yaml"].encode(), "images.yaml", {}, {})
        lock = lock_file.read(files[lock_file.NAME].encode()) if lock_file.NAME in files else Lock()
        return keys_of(load(replace(family, lock=lock), tree, told=True), tree)
    except PlannerError:
        return None


def changed(before: Keys, after: Keys) -> set[str]:
    return {name for name in after.keys if before.keys.get(name) != after.keys[name]}


@settings(max_examples=250, deadline=None)
@given(families(), st.one_of(st.tuples(paths, st.one_of(st.none(), contents)), special))
def test_nothing_is_left_out(files: Files, edit: tuple[str, str | None]) -> None:
    path, text = edit
    before = keys(files)
    assume(before is not None)
    assert before is not None
    after = keys(with_path(files, path, text))
    assume(after is not None)
    assert after is not None
    assert changed(before, after) <= {one.name for one in affected(before.made_by, [path])}


@settings(max_examples=80, deadline=None)
@given(families(), paths)
def test_a_folder_stands_for_all_that_it_may_hold(files: Files, path: str) -> None:
    before = keys(files)
    assume(before is not None and "/" in path)
    assert before is not None
    for text in ("new", None, "->m"):
        after = keys(with_path(files, path, text))
        if after is not None:
            folder = path.rpartition("/")[0] + "/"
            assert changed(before, after) <= {one.name for one in affected(before.made_by, [folder])}


RICH = {
    f"{root}rich/{name}": "rich"
    for root in ("", "d/", "m/")
    for name in ("x.txt", "y.md", "none", "e/x.txt", "e/none", "d/e/x.txt", "d/none", "l/x.txt", "none/none")
}
"""A folder in each context that holds whatever a selection may ask a link for."""


@settings(max_examples=80, deadline=None)
@given(families(), paths)
def test_what_is_named_can_change(files: Files, path: str) -> None:
    """Some edit of the path changes the key of every image that is said to read it as a file: no width but links'."""
    files = {**files, **RICH}
    assume(not {"d", "m", "d/rich", "m/rich", "rich"} & files.keys())
    before = keys(files)
    assume(before is not None and not any(name.startswith(f"{path}/") for name in files))
    assert before is not None
    named = {
        one.name
        for one in affected(before.made_by, [path], direct=True)
        if {touch.role for touch in one.touches} == {Role.FILES}
    }
    for text in ("new", None, "->/rich", "->/rich/e", "->/rich/d", "->/rich/x.txt"):
        after = keys(with_path(files, path, text)) if named else None
        if after is not None:
            named -= changed(before, after)
    assert not named


FILES = {
    "images.yaml": """\
version: 1
registry: r.example
images:
  base: {dockerfile: docker/base.Dockerfile}
  tool: {dockerfile: docker/tool.Dockerfile}
  app: {context: app}
  docs: {dockerfile: docker/docs.Dockerfile}
""",
    "docker/base.Dockerfile": "FROM alpine\nCOPY scripts/*.sh /\n",
    "docker/tool.Dockerfile": "FROM r.example/base\nCOPY --parents --exclude=**/*.md src/*/lib /\nCOPY gone /\n",
    "docker/docs.Dockerfile": "FROM alpine\nCOPY docs /docs\n",
    "docker/docs.Dockerfile.dockerignore": "docs/private\n!docs/private/shown.md\n**/*.tmp\n",
    "app/Dockerfile": "FROM r.example/tool\nCOPY . /app\n",
    ".dockerignore": "scripts/test*\n",
    "scripts/a.sh": "a",
    "src/one/lib/x.c": "x",
    "docs/index.md": "i",
    "app/main.py": "m",
}

CASES: list[tuple[str, str, str]] = [
    ("a file that a glob copies", "scripts/a.sh", "base:files tool app"),
    ("a file of a glob that is not there yet", "scripts/new.sh", "base:files tool app"),
    ("a file beside the glob", "scripts/new.txt", ""),
    ("a glob's file that is ignored", "scripts/test1.sh", ""),
    ("a folder that a glob reaches into", "scripts", "base:files tool app"),
    ("a new file below --parents", "src/two/lib/new.c", "tool:files app"),
    ("a new file below --parents that --exclude leaves out", "src/one/lib/new.md", ""),
    ("such a file in a new folder, which is made without it", "src/two/lib/new.md", "tool:files app"),
    ("a new file that --parents does not match", "src/two/other.c", ""),
    ("a source that is missing", "gone", "tool:files app"),
    ("a new file in a copied folder", "docs/new/page.md", "docs:files"),
    ("a file that is ignored", "docs/private/x.md", ""),
    ("a file that is brought back", "docs/private/shown.md", "docs:files"),
    ("a folder of which some is brought back", "docs/private/", "docs:files"),
    ("a file that a double star ignores", "docs/deep/er/x.tmp", ""),
    ("a new file in a context that is copied whole", "app/new", "app:files"),
    ("a file outside of every context", "notes.txt", ""),
    ("a Dockerfile", "docker/tool.Dockerfile", "tool:dockerfile app"),
    ("a Dockerfile in its own context", "app/Dockerfile", "app:dockerfile,files"),
    (
        "a folder of Dockerfiles",
        "docker/",
        "base:dockerfile,ignore-file tool:dockerfile,ignore-file app docs:dockerfile,ignore-file",
    ),
    ("the ignore file of a Dockerfile", "docker/docs.Dockerfile.dockerignore", "docs:ignore-file"),
    ("an ignore file that is not there yet", "docker/base.Dockerfile.dockerignore", "base:ignore-file tool app"),
    ("the ignore file of a context", ".dockerignore", "base:ignore-file tool:ignore-file app"),
    ("an ignore file in a context that is copied whole", "app/.dockerignore", "app:ignore-file,files"),
    ("the graph file", "images.yaml", "base:graph-file tool:graph-file app:graph-file docs:graph-file"),
    ("the lock", "images.lock", "base:lock docs:lock tool app"),
    ("git's own folder", "app/.git/config", ""),
    ("the planner's own folder", ".planner/records.sqlite", ""),
]


def told(files: Files, *paths: str, direct: bool = False) -> str:
    made = keys(files)
    assert made is not None
    found = affected(made.made_by, paths, direct=direct)
    return " ".join(
        one.name + (":" + ",".join(dict.fromkeys(touch.role for touch in one.touches)) if one.touches else "")
        for one in found
    )


@pytest.mark.parametrize(("path", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_cases(path: str, expected: str) -> None:
    assert set(told(FILES, path).split()) == set(expected.split())


def test_the_last_and_the_first_file_of_a_context_of_which_nothing_is_read() -> None:
    """Without a file in its context an image is always built."""
    graph = FILES["images.yaml"] + "  bare: {context: place, dockerfile: ../docker/bare.Dockerfile}\n"
    files = {**FILES, "images.yaml": graph, "docker/bare.Dockerfile": "FROM scratch\n"}
    for path in ("place/new", "place/"):
        assert told(files, path) == "bare:files", path
    assert told({**files, "place/one": "1"}, "place/one") == "bare:files"
    assert told({**files, "place/one": "1", "place/two": "2"}, "place/one") == ""


def test_the_whole_workspace() -> None:
    assert [word.partition(":")[0] for word in told(FILES, "").split()] == ["base", "docs", "tool", "app"]


def test_direct_leaves_out_what_follows() -> None:
    assert told(FILES, "scripts/a.sh", direct=True) == "base:files"


def test_names_the_instruction_and_its_line() -> None:
    made = keys(FILES)
    assert made is not None
    base, tool, app = affected(made.made_by, ["scripts/a.sh", "gone"])
    assert (base.touches[0].path, str(base.touches[0].where)) == ("scripts/a.sh", "docker/base.Dockerfile:2")
    assert (tool.touches[0].instruction, str(tool.touches[0].where)) == ("COPY gone /", "docker/tool.Dockerfile:3")
    assert (base.parents, tool.parents, app.parents) == ((), ("base",), ("tool",))


def test_links() -> None:
    files = {
        **FILES,
        "app/Dockerfile": "FROM scratch\nCOPY l/x /\nCOPY h/y* /\nCOPY g*/y /\n",
        "app/l": "->m",
        "app/m": "->n",
        "app/n/x": "x",
        "app/g1": "->h",
        "app/h": "->n",
        "app/n/y": "y",
    }
    for path in ("app/l", "app/m", "app/n/x", "app/h", "app/n/y", "app/n"):
        assert told(files, path, direct=True) == "app:files", path
    # No wildcard leads through a link.
    for path in ("app/n/z", "app/k", "n/x", "app/g1", "app/g2"):
        assert told(files, path) == "", path


def test_a_dockerfile_that_is_a_link() -> None:
    files = {**FILES, "app/Dockerfile": "->../common/Dockerfile", "common/Dockerfile": "FROM scratch\n"}
    assert told(files, "common/Dockerfile") == "app:dockerfile"
    assert told(files, "app/Dockerfile") == "app:dockerfile"
    lower = {path: text for path, text in FILES.items() if path != "app/Dockerfile"}
    lower["app/dockerfile"] = "FROM scratch\n"
    assert told(lower, "app/dockerfile") == "app:dockerfile"
    assert told(lower, "app/Dockerfile") == "app:dockerfile"
    assert told({**lower, "app/Dockerfile": "FROM scratch\n"}, "app/dockerfile") == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [("a/./b//c", "a/b/c"), ("a/", "a/"), (".", ""), ("./", ""), ("../x", None), ("/x", None), ("a/../..", None)],
)
def test_normal_paths(given: str, expected: str | None) -> None:
    assert normal(given) == expected
