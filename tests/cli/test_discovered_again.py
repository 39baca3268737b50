"""Without a graph file, what is kept never gives a stale answer: kept, not kept and without git say the same."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.cli import asides, family
from planner.local import found_by_name
from planner.local.git_tree import worktree
from planner.local.listing import paths
from planner.local.revisions import revision_tree
from planner.sources.discovery import family as discovery
from planner.sources.discovery.files import is_skipped
from tests.local.test_answer_cache import Said, Shell
from tests.workspace import Workspace

FILES = {
    "images/base/Dockerfile": "FROM alpine:3.20\nCOPY setup.sh /\n",
    "images/base/setup.sh": "true\n",
    "images/app/Dockerfile": "FROM acme/base\nCOPY src /src\n",
    "src/main.c": "int main;\n",
    "src/deep/er/x": "x\n",
    "notes.txt": "n\n",
}
QUESTIONS: tuple[tuple[str, ...], ...] = (
    ("plan", "--since", "HEAD"),
    ("plan", "--since", "HEAD~1"),
    ("plan",),
    ("key",),
    ("query", "affected(HEAD~1)"),
    ("affected", "src", "images/new/Dockerfile", "new"),
    ("plan", "--since", "HEAD", "--format", "json"),
)
"""The last one leaves facts of HEAD."""


class Found(Shell):
    """A workspace without a graph file."""

    def __init__(self, root: Path) -> None:
        self.space = Workspace(root)
        self.environment: dict[str, str] = {}
        self.hits = 0
        self.space.write(FILES)
        self.space.commit()
        self.space.write({"notes.txt": "second\n"})
        self.space.commit()

    def ask(self, *arguments: str) -> Said:
        asides.said_so_far.clear()
        return super().ask(*arguments)

    def everything(self) -> list[Said]:
        return [self.ask(*question) for question in QUESTIONS]

    def cold(self) -> list[Said]:
        """What is said to each question with nothing kept at all; what is kept is put back."""
        aside = self.cache.with_name("aside")
        if self.cache.exists():
            self.cache.rename(aside)
        said = []
        for question in QUESTIONS:
            said.append(self.ask(*question))
            shutil.rmtree(self.cache, ignore_errors=True)
        if aside.exists():
            aside.rename(self.cache)
        return said

    def without_git(self) -> Said | None:
        """The keys of the same files in no repository; None where git leaves out what is found by name without it."""
        root = self.space.root
        ignored = self.space.git("ls-files", "-z", "-o", "-i", "--exclude-standard").split("\0")[:-1]
        if found_by_name.told(ignored) != found_by_name.told(()):
            return None
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder, "family")
            shutil.copytree(root, plain, symlinks=True, ignore=shutil.ignore_patterns(".git"))
            self.space.root = plain
            try:
                return self.ask("key")
            finally:
                self.space.root = root


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Found]:
    yield Found(tmp_path / "family")


def clear(shell: Found, path: str) -> None:
    """Make room for a path: nothing stands at it, nor a file where one of its folders should."""
    place = shell.space.root
    for name in path.split("/"):
        place = place / name
        if place.is_symlink() or place.is_file():
            place.unlink()
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)


def write(path: str, text: str) -> Callable[[Found], None]:
    def edit(shell: Found) -> None:
        clear(shell, path)
        shell.space.write({path: text})

    return edit


def link(path: str, target: str) -> Callable[[Found], None]:
    def edit(shell: Found) -> None:
        clear(shell, path)
        (shell.space.root / path).symlink_to(target)

    return edit


def remove(path: str) -> Callable[[Found], None]:
    return lambda shell: clear(shell, path)


def move(path: str, to: str) -> Callable[[Found], None]:
    def edit(shell: Found) -> None:
        if (shell.space.root / path).exists() and not f"{to}/".startswith(f"{path}/"):
            clear(shell, to)
            if (shell.space.root / path).exists():
                (shell.space.root / path).rename(shell.space.root / to)

    return edit


def git(*arguments: str) -> Callable[[Found], None]:
    def edit(shell: Found) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            shell.space.git(*arguments)

    return edit


def commit(shell: Found) -> None:
    shell.space.git("add", "-A")
    shell.space.git("commit", "-q", "--allow-empty", "-m", "state")


def set_variable(name: str, value: str) -> Callable[[Found], None]:
    return lambda shell: shell.environment.update({name: value})


DOCKERFILES = st.sampled_from(
    [
        "images/base/Dockerfile",
        "images/app/Dockerfile",
        "images/new/Dockerfile",
        "images/web/1.2/alpine/Dockerfile",
        "new.Dockerfile",
        "Dockerfile.new",
        "vendor/x/Dockerfile",
        "images/base/Dockerfile.j2",
        "src/deep/Dockerfile",
        "other/base/Dockerfile",
    ]
)
TEXTS = st.sampled_from(
    [
        "FROM alpine:3.20\n",
        "FROM acme/base\nCOPY src /src\n",
        "FROM acme/new\nCOPY *.txt /\n",
        "FROM acme/web:1.2-alpine\nCOPY setup.sh* notes.txt /\n",
        "FROM scratch\nCOPY . /\n",
        "FROM scratch\nCOPY src/d*/er /\n",
        "no Dockerfile at all\n",
    ]
)
OTHERS = st.sampled_from(["src/main.c", "src/new.c", "notes.txt", "images/base/setup.sh", "images/app/src/x", "src"])
FOLDERS = st.sampled_from(["images/app", "images/base", "images/new", "images", "src", "other", "vendor", "new"])
DOORS = st.sampled_from(
    [
        ("images.yaml", "version: 1\nimages:\n  only: {context: images/base}\n"),
        ("compose.yaml", "services:\n  db: {image: postgres}\n"),
        ("compose.yaml", "services:\n  app: {build: images/base}\n"),
        ("docker-bake.json", '{"target": {"one": {"context": "images/base"}}}\n'),
        ("deep/docker-bake.hcl", 'target "one" {}\n'),
        ("images.lock", '{"version": 1, "images": {}}\n'),
        (".env", "COMPOSE_FILE=other.yaml\n"),
        (".env", "A=b\n"),
        ("other.yaml", "services:\n  app: {build: images/base}\n"),
        (".dockerignore", "src\n"),
        (".gitignore", "new\nother\n"),
        (".gitignore", "*.Dockerfile\nDockerfile.*\nsrc/new.c\n"),
        (".gitignore", "images\n"),
    ]
)
EDITS: st.SearchStrategy[Callable[[Found], None]] = st.one_of(
    st.builds(write, DOCKERFILES, TEXTS),
    st.builds(write, DOCKERFILES, TEXTS),
    st.builds(write, OTHERS, st.sampled_from(["a\n", "b\n"])),
    st.builds(lambda door: write(*door), DOORS),
    st.builds(remove, st.one_of(DOCKERFILES, OTHERS, FOLDERS, DOORS.map(lambda door: door[0]))),
    st.builds(move, st.one_of(FOLDERS, DOCKERFILES), st.one_of(FOLDERS, DOCKERFILES)),
    st.builds(link, st.one_of(DOCKERFILES, OTHERS), st.sampled_from(["../app/Dockerfile", "notes.txt", "images"])),
    st.just(commit),
    st.just(commit),
    st.just(git("add", "-A")),
    st.just(git("reset", "-q")),
    st.just(git("checkout", "-q", "HEAD", "--", ".")),
    st.just(git("reset", "-q", "--hard", "HEAD~1")),
    st.just(git("clean", "-q", "-f", "-d")),
    st.builds(lambda path: git("rm", "-q", "-r", "--cached", "--", path), st.one_of(DOCKERFILES, FOLDERS)),
    st.builds(lambda path: git("update-index", "--skip-worktree", path), DOCKERFILES),
    st.builds(lambda path: git("update-index", "--assume-unchanged", path), DOCKERFILES),
    st.builds(set_variable, st.sampled_from(["COMPOSE_FILE", "BUILDX_BAKE_FILE"]), st.sampled_from(["", "other.yaml"])),
    st.just(lambda shell: shell.environment.clear()),
)


def names_are_told_alike(root: Path) -> None:
    """Where two trees differ tells of what is found by name in both what all their names tell."""
    now = worktree(root)
    for revision in ("HEAD", "HEAD~1"):
        old = revision_tree(root, revision)
        alike = found_by_name.told(paths(now, is_skipped)) == found_by_name.told(paths(old, is_skipped))
        assert found_by_name.is_alike(now, old) == alike


def holds_after(edits: list[Callable[[Found], None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shell = Found(Path(folder, "family"))
        shell.everything()
        for edit in edits:
            edit(shell)
            commits = shell.space.git("rev-list", "--count", "HEAD").strip()
            if commits == "1":
                commit(shell)
            names_are_told_alike(shell.space.root)
            want = shell.cold()
            assert shell.everything() == want
            assert shell.everything() == want
            plain = shell.without_git()
            if plain is not None and 0 == want[3][0] == plain[0]:
                assert plain[1] == want[3][1]


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(EDITS, min_size=1, max_size=5))
def test_kept_not_kept_and_without_git_say_the_same(edits: list[Callable[[Found], None]]) -> None:
    holds_after(edits)


def edited(path: str) -> Callable[[Found], None]:
    return lambda shell: shell.space.write({path: "edited\n"})


def executable(shell: Found) -> None:
    (shell.space.root / "images/base/setup.sh").chmod(0o755)


def all_converted(shell: Found) -> None:
    shell.space.write({".gitattributes": "* text=auto eol=lf\n"})
    commit(shell)
    shell.ask(*QUESTIONS[0])
    edited("src/main.c")(shell)


def committed(shell: Found) -> None:
    edited("src/main.c")(shell)
    commit(shell)


@pytest.mark.parametrize(
    "edit",
    [
        edited("src/main.c"),
        edited("src/new.c"),
        edited("images/base/setup.sh"),
        edited("images/base/Dockerfile.j2"),
        edited("deep/unread.txt"),
        executable,
        remove("src/main.c"),
        committed,
        all_converted,
    ],
    ids=lambda edit: edit.__qualname__,
)
def test_the_first_plan_after_an_edit_reads_no_dockerfile(
    shell: Found, edit: Callable[[Found], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.space.write({"images/txt/Dockerfile": "FROM acme/base\nCOPY *.txt m* /\n", "images/txt/m": "m\n"})
    shell.space.write({"images/txt/a.txt": "a\n", "deep/docker-bake.hcl": "", "left.Dockerfile": "none\n"})
    commit(shell)
    shell.ask(*QUESTIONS[0])
    edit(shell)
    want = shell.cold()
    for name in ("discover", "look"):
        monkeypatch.setattr(discovery, name, mock.Mock(side_effect=AssertionError))
    for question, said in zip(QUESTIONS[:1] + QUESTIONS[2:4], want[:1] + want[2:4], strict=True):
        assert shell.ask(*question) == said
    assert "left.Dockerfile is left out" in want[0][2]
    assert "deep/docker-bake.hcl may say more" in want[0][2]


@pytest.mark.parametrize("is_committed", [False, True])
@pytest.mark.parametrize(
    "edit",
    [
        move("images/base/setup.sh", "setup.sh"),
        write("images/txt/b.txt", "b\n"),
        remove("images/txt/n"),
        remove("images/nx.txt"),
        remove("images/base/setup.sh"),
        write("images/new/Dockerfile", "FROM acme/base\n"),
        write("new.Dockerfile", "FROM acme/base\n"),
        move("images/app", "images/new"),
        remove("images/app/Dockerfile"),
        link("images/app/Dockerfile", "../base/Dockerfile"),
        write("images/app/Dockerfile/x", "x\n"),
        move("vendor", "other"),
        write("other/docker-bake.hcl", ""),
        write("images.yaml", "version: 1\nimages: {only: {context: images/base}}\n"),
        write("compose.yaml", "services:\n  app: {build: images/base}\n"),
        write(".env", "COMPOSE_FILE=other.yaml\n"),
        write("images.lock", '{"version": 1}\n'),
    ],
)
def test_what_defines_the_family_is_seen(shell: Found, edit: Callable[[Found], None], is_committed: bool) -> None:
    shell.space.write({"images/txt/Dockerfile": "FROM acme/base\nCOPY *.txt n* /\n", "images/txt/n": "n\n"})
    shell.space.write({"a.txt": "a\n", "images/nx.txt": "x\n", "vendor/x/Dockerfile": "FROM scratch\n"})
    commit(shell)
    shell.everything()
    edit(shell)
    if is_committed:
        commit(shell)
    want = shell.cold()
    assert shell.everything() == want


def test_a_doubt_is_thought_of_once(shell: Found) -> None:
    write("images/app/Dockerfile", "FROM acme/base\nCOPY made /made\n")(shell)
    plan = QUESTIONS[0]
    first = shell.ask(*plan)
    assert first[0] == 1
    assert "made: in no folder" in first[2]
    with mock.patch.object(family, "load_family", side_effect=AssertionError("the family is read again")):
        assert shell.ask(*plan) == first
    shell.space.write({".gitignore": "made\n"})
    assert shell.ask(*plan) == first
    shell.space.write({"made/it": "1\n"})
    assert shell.ask(*plan)[0] == 0


def test_a_doubt_is_not_kept_behind_what_stops_sooner(shell: Found) -> None:
    write("images/app/Dockerfile", "FROM acme/base\nCOPY made /made\n")(shell)
    shell.space.write({"policy.yaml": "nonsense"})
    shell.ask(*QUESTIONS[0], "--policy", "policy.yaml")
    assert not list(shell.cache.glob("answer-*"))
