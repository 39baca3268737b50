"""Files that git ignores: each that a context holds counts at once, and none that its ignore file leaves out costs."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from planner.cli import asides, family
from planner.local import remembered_ids
from planner.local.disk_files import DiskFiles
from planner.local.disk_tree import DiskTree
from tests.local import test_remembered_ids as edits
from tests.local.test_answer_cache import Said, Shell
from tests.local.test_remembered_ids import SOON
from tests.workspace import Workspace

RULES = (
    "",
    "node_modules\n",
    "**/node_modules\nbuild\n",
    "*\n!src\n!package.json\n",
    "node_modules\n!node_modules/keep\n",
    "**/node_modules\n!**/keep\n",
    "node_modules/*\n!node_modules/a\n*.log\n",
)
FILES = {
    "images.yaml": """\
version: 1
registry: r.example
images:
  whole: {dockerfile: docker/whole.Dockerfile}
  mount: {dockerfile: docker/mount.Dockerfile}
  names: {dockerfile: docker/names.Dockerfile}
  some: {dockerfile: docker/some.Dockerfile}
  inner: {context: src, dockerfile: ../docker/whole.Dockerfile}
  child: {dockerfile: docker/child.Dockerfile}
""",
    "docker/whole.Dockerfile": "FROM alpine:3.20\nCOPY . /\n",
    "docker/mount.Dockerfile": "FROM alpine:3.20\nRUN --mount=type=bind,target=/here make\n",
    "docker/names.Dockerfile": "FROM alpine:3.20\nCOPY *.json */lib* /\n",
    "docker/some.Dockerfile": "FROM alpine:3.20\nCOPY --exclude=*.log src node_module[s] /some/\n",
    "docker/child.Dockerfile": "FROM r.example/names\nCOPY --parents src/*/keep /\n",
    ".gitignore": "node_modules\nbuild\n*.log\n",
    ".dockerignore": RULES[1],
    "package.json": "{}\n",
    "src/main": "1\n",
    "src/lib/keep": "1\n",
    "src/node_modules/keep": "1\n",
    "node_modules/a": "1\n",
    "node_modules/keep": "1\n",
    "node_modules/deep/er/keep": "1\n",
    "build/lib/out": "1\n",
    "x.log": "1\n",
}
PATHS = st.sampled_from(
    [
        *(path for path in FILES if "Docker" not in path and path[0] != "."),
        "node_modules/new/b",
        "new.json",
        "src/y.log",
    ]
)
FOLDERS = ("node_modules", "src", "src/node_modules", "build", "build/lib", "moved")
TEXTS = st.sampled_from(["1\n", "2\n", "three\n"])
QUESTIONS: tuple[tuple[str, ...], ...] = (("plan", "--since", "HEAD"), ("plan",), ("key",))


class Ignoring(Shell):
    """A workspace with files that git ignores."""

    def __init__(self, root: Path) -> None:
        self.space = Workspace(root)
        self.environment: dict[str, str] = {}
        self.hits = 0
        self.space.write(FILES)
        self.space.commit()

    def ask(self, *arguments: str) -> Said:
        asides.said_so_far.clear()
        remembered_ids._open.clear()  # Each is a process of its own.
        return super().ask(*arguments)

    def everything(self) -> list[Said]:
        return [self.ask(*question) for question in QUESTIONS]

    def elsewhere(self) -> Said:
        """The keys of the same files where there is no git."""
        root = self.space.root
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder, "family")
            shutil.copytree(root, plain, symlinks=True, ignore=shutil.ignore_patterns(".git"))
            self.space.root = plain
            try:
                return self.ask("key")
            finally:
                self.space.root = root


def commit(root: Path) -> None:
    space = Workspace(root, init=False)
    space.git("add", "-A")
    space.git("commit", "-q", "--allow-empty", "-m", "state")


def ruled(rules: str) -> Callable[[Path], None]:
    return edits.write(".dockerignore", rules)


def emptied(root: Path) -> None:
    """A folder that git keeps, of which only ignored files are left."""
    with contextlib.suppress(OSError):
        (root / "src/lib/keep").unlink()
        (root / "src/main").unlink()


EDITS = st.one_of(
    st.builds(edits.write, PATHS, TEXTS),
    st.builds(edits.disguise, PATHS, TEXTS),
    st.builds(edits.replaced, PATHS, TEXTS),
    st.builds(edits.link, PATHS, st.sampled_from(["a", "../package.json"])),
    st.builds(edits.remove, st.one_of(PATHS, st.sampled_from(FOLDERS))),
    st.builds(edits.move, st.sampled_from(FOLDERS), st.sampled_from(FOLDERS)),
    st.builds(edits.chmod, PATHS, st.sampled_from([0o644, 0o755])),
    st.builds(ruled, st.sampled_from(RULES)),
    st.just(emptied),
    st.just(commit),
    st.just(edits.wait),
)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Ignoring]:
    with mock.patch.multiple(remembered_ids, FEW=0, MARGIN=SOON):
        yield Ignoring(tmp_path / "family")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(RULES), st.lists(EDITS, min_size=1, max_size=4))
@example("", [edits.move("src", "moved")])  # an untracked folder that holds an ignored one
def test_what_is_remembered_says_what_a_first_plan_says(rules: str, changes: list[Callable[[Path], None]]) -> None:
    with tempfile.TemporaryDirectory() as root, mock.patch.multiple(remembered_ids, FEW=0, MARGIN=SOON):
        shell = Ignoring(Path(root, "family"))
        for change in (ruled(rules), commit, edits.wait, *changes):
            change(shell.space.root)
            said = shell.everything()
            assert said == shell.without_cache()
            assert said[2] == shell.elsewhere()


def hashed(shell: Ignoring) -> Callable[..., int]:
    """How many files one question hashes, and how many folders it lists."""

    def count(*question: str) -> int:
        with (
            mock.patch.object(DiskFiles, "_hash", autospec=True, side_effect=DiskFiles._hash) as read,
            mock.patch.object(DiskTree, "_held", autospec=True, side_effect=DiskTree._held) as listed,
        ):
            status, _, err = shell.ask(*question)
        assert status == 0, err
        return len({call.args[1] for call in read.call_args_list}) + sum(
            call.args[1].count("/") > 0 for call in listed.call_args_list
        )

    return count


def install(shell: Ignoring, packages: int) -> None:
    for number in range(packages):
        shell.space.write({f"node_modules/p{number}/lib/{name}.js": f"{number}\n" for name in "abc"})
    time.sleep(2 * SOON / 1e9)


@pytest.mark.parametrize("rules", RULES[1:4])
@pytest.mark.parametrize("question", QUESTIONS[:2])
def test_nothing_is_looked_at_that_the_ignore_file_leaves_out(
    shell: Ignoring, rules: str, question: tuple[str, ...]
) -> None:
    shell.space.write({".dockerignore": rules})
    shutil.rmtree(shell.space.root / "build")
    commit(shell.space.root)
    count = hashed(shell)
    install(shell, 20)
    first, again = count(*question), count(*question)
    shell.space.write({"src/main": "edited\n"})
    assert max(first, again, count(*question)) < 20, "files of packages are hashed, or their folders listed"


@pytest.mark.parametrize("question", QUESTIONS[:2])
def test_what_is_in_a_context_is_hashed_once(shell: Ignoring, question: tuple[str, ...]) -> None:
    shell.space.write({".dockerignore": "build\n"})
    commit(shell.space.root)
    install(shell, 20)
    with mock.patch.object(DiskFiles, "_hash", autospec=True, side_effect=DiskFiles._hash) as read:
        shell.ask(*question)
        assert read.call_count >= 60
        read.reset_mock()
        shell.ask(*question)
        shell.space.write({"src/main": "edited\n", "node_modules/p3/lib/a.js": "edited\n"})
        shell.ask(*question)
    assert {call.args[1] for call in read.call_args_list} <= {"src/main", "node_modules/p3/lib/a.js"}


@pytest.mark.parametrize("rules", ["", *RULES[1:4]])
def test_what_head_has_is_kept_beside_ignored_and_edited_files(shell: Ignoring, rules: str) -> None:
    shell.space.write({".dockerignore": rules})
    commit(shell.space.root)
    install(shell, 1)
    shell.space.write({"src/main": "edited\n"})
    first = shell.ask("plan")
    assert list(shell.cache.glob("facts-*"))
    with mock.patch.object(family, "load_family", side_effect=AssertionError("the family is read again")):
        assert shell.ask("plan") == first
