"""A remembered answer is never a stale one: warm, cold and damaged caches say the same, whatever is edited between."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.cli import start
from planner.local import answer_cache, cache_file
from tests.plan.edits import FILES
from tests.workspace import IDENTITY, Workspace

Said = tuple[int, str, str]
PLAN = ("plan", "--since", "HEAD")
QUESTIONS: tuple[tuple[str, ...], ...] = (PLAN, ("key",), ("matrix", "--since", "HEAD~1"))


class Shell:
    """A workspace with an environment, asked in this process as the console script would be."""

    def __init__(self, root: Path) -> None:
        self.space = Workspace(root)
        self.environment: dict[str, str] = {}
        self.hits = 0
        self.space.write(FILES)
        (root / "link.md").symlink_to("docs/target.md")
        self.space.commit()
        self.space.write({"docs/index.md": "second\n"})
        self.space.commit()

    @property
    def cache(self) -> Path:
        return self.space.root / ".git" / "planner"

    def ask(self, *arguments: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        environment = {**IDENTITY, "NO_COLOR": "1", **self.environment}
        with (
            mock.patch.dict(os.environ, environment),
            mock.patch.object(sys, "argv", ["planner", "-C", os.fspath(self.space.root), *arguments]),
            mock.patch.object(answer_cache, "is_at", self._counted(answer_cache.is_at)),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            status = start.main()
        return status, out.getvalue(), err.getvalue()

    def _counted(self, real: Callable[..., bool]) -> Callable[..., bool]:
        def counted(*given: object) -> bool:
            found = real(*given)
            self.hits += found
            return found

        return counted

    def everything(self) -> list[Said]:
        return [self.ask(*question) for question in QUESTIONS]

    def without_cache(self) -> list[Said]:
        """What a planner says that has never been here; the cache is put back."""
        aside = self.cache.with_name("aside")
        if self.cache.exists():
            self.cache.rename(aside)
        said = self.everything()
        shutil.rmtree(self.cache, ignore_errors=True)
        if aside.exists():
            aside.rename(self.cache)
        return said


def flag(shell: Shell, path: str, option: str) -> None:
    with contextlib.suppress(subprocess.CalledProcessError):
        shell.space.git("update-index", option, path)


def remove(shell: Shell, path: str) -> None:
    (shell.space.root / path).unlink(missing_ok=True)


def chmod(shell: Shell, path: str, mode: int) -> None:
    if (shell.space.root / path).exists():
        (shell.space.root / path).chmod(mode)


def link(shell: Shell, target: str) -> None:
    remove(shell, "link.md")
    (shell.space.root / "link.md").symlink_to(target)


def commit(shell: Shell) -> None:
    shell.space.git("add", "-A")
    shell.space.git("commit", "-q", "--allow-empty", "-m", "state")


PATHS = st.sampled_from(
    [
        "src/a.c",
        "src/b.c",
        "docs/index.md",
        "scripts/setup.sh",
        "ignored/lost.txt",
        "ignored/kept.txt",
        "new/x",
        "LICENSE",
    ]
)
TRACKED = st.sampled_from(["src/a.c", "docs/index.md", "scripts/setup.sh", "base.Dockerfile", "images.yaml"])
TEXTS = st.sampled_from(["int a;\n", "int b;\n", "docs\n", ""])
GRAPHS = st.sampled_from(
    [
        FILES["images.yaml"],
        FILES["images.yaml"].replace('UNUSED: "1"', 'UNUSED: "${OTHER:-1}"'),
        FILES["images.yaml"].replace('LEVEL: "1"', 'LEVEL: "2"'),
        FILES["images.yaml"].replace("version: 1", "version: 1\nkeys: {algorithm: sha256}"),
    ]
)
DOCKERFILES = st.sampled_from(
    [
        FILES["tool.Dockerfile"],
        FILES["tool.Dockerfile"].replace("VERSION=3", "VERSION=4"),
        FILES["tool.Dockerfile"].replace("src/*.c", "src/*"),
        FILES["tool.Dockerfile"] + "ADD https://example.org/x /x\n",
    ]
)
EDITS = st.one_of(
    st.builds(lambda path, text: lambda shell: shell.space.write({path: text}), PATHS, TEXTS),
    st.builds(lambda path: lambda shell: remove(shell, path), PATHS),
    st.builds(lambda path, mode: lambda shell: chmod(shell, path, mode), TRACKED, st.sampled_from([0o644, 0o755])),
    st.builds(lambda text: lambda shell: shell.space.write({"images.yaml": text}), GRAPHS),
    st.builds(lambda text: lambda shell: shell.space.write({"tool.Dockerfile": text}), DOCKERFILES),
    st.builds(lambda text: lambda shell: shell.space.write({".dockerignore": text}), st.sampled_from(["src\n", ""])),
    st.builds(
        lambda text: lambda shell: shell.space.write({".gitignore": text}), st.sampled_from(["new\n", "ignored\n", ""])
    ),
    st.builds(
        lambda text: lambda shell: shell.space.write({".gitattributes": text}), st.sampled_from(["*.c eol=crlf\n", ""])
    ),
    st.builds(lambda target: lambda shell: link(shell, target), st.sampled_from(["docs/index.md", "docs/target.md"])),
    st.builds(
        lambda name, value: lambda shell: shell.environment.update({name: value}),
        st.sampled_from(["LEVEL", "OTHER", "ELSE"]),
        st.sampled_from(["", "1", "2"]),
    ),
    st.just(lambda shell: shell.environment.clear()),
    st.just(lambda shell: shell.space.git("add", "-A")),
    st.just(lambda shell: shell.space.git("reset", "-q")),
    st.just(commit),
    st.just(lambda shell: shell.space.write({".planner/state": "x\n"})),
    st.builds(
        lambda path, option: lambda shell: flag(shell, path, option),
        TRACKED,
        st.sampled_from(["--assume-unchanged", "--no-assume-unchanged", "--skip-worktree", "--no-skip-worktree"]),
    ),
)


def damage(shell: Shell, how: Callable[[bytes], bytes]) -> None:
    for path in shell.cache.iterdir() if shell.cache.exists() else ():
        path.write_bytes(how(path.read_bytes()))


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 1 for byte in data[middle : middle + 1]) + data[middle + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "flipped": flipped,
    "half": lambda data: data[: len(data) // 2],
    "head": lambda data: data.partition(b"\n")[0],
    "empty": lambda data: b"",
    "noise": lambda data: b"\xff" * 100,
    "longer": lambda data: data + b"1:x",
}
NO_DAMAGE: Callable[[bytes], bytes] = bytes


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(EDITS, st.sampled_from([NO_DAMAGE, NO_DAMAGE, *DAMAGES.values()])), min_size=1, max_size=5))
def test_warm_cold_and_damaged_say_the_same(
    edits: list[tuple[Callable[[Shell], None], Callable[[bytes], bytes]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shell = Shell(Path(folder, "family"))
        shell.everything()
        for edit, harm in edits:
            edit(shell)
            want = shell.without_cache()
            damage(shell, harm)
            assert shell.everything() == want
            assert shell.everything() == want


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    yield Shell(tmp_path / "family")


def test_asking_again_is_answered_from_the_cache(shell: Shell) -> None:
    first = shell.everything()
    assert shell.hits == 0
    assert shell.everything() == first
    assert shell.hits == len(QUESTIONS)


def test_with_edited_files_too(shell: Shell) -> None:
    shell.space.write({"src/a.c": "int other;\n", "new/x": "x\n", "images.yaml": FILES["images.yaml"] + "\n"})
    first = shell.everything()
    assert shell.everything() == first
    assert shell.hits == len(QUESTIONS)


@pytest.mark.parametrize("how", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_cache_is_no_cache(shell: Shell, how: Callable[[bytes], bytes]) -> None:
    shell.space.write({"src/a.c": "int other;\n"})
    first = shell.everything()
    damage(shell, how)
    assert shell.everything() == first
    assert shell.hits == 0
    assert shell.everything() == first


def test_answers_swapped_between_questions_are_not_given(shell: Shell) -> None:
    first = shell.everything()
    one, other, *_ = sorted(shell.cache.glob("answer-*"))
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    assert shell.everything() == first


def test_a_file_that_comes_and_goes_where_an_answer_looked(shell: Shell) -> None:
    """Names below a folder that git does not keep are no news to git status: only their bytes tell."""
    shell.space.write({"new/x": "x\n"})
    before = shell.ask("key")
    shell.space.write({"new/y": "y\n"})
    assert shell.ask("key") != before
    remove(shell, "new/y")
    assert shell.ask("key") == before


def test_what_was_looked_at_in_vain_is_not_looked_at_again(shell: Shell) -> None:
    """A large folder that git ignores, when something else was edited since the last answer."""
    shell.space.write({".git/info/exclude": "/src/data\n", "src/data/deep/x": "x\n", "src/data/y": "y\n"})
    shell.ask(*PLAN)
    shell.space.write({"docs/index.md": "third\n"})
    with mock.patch.object(os, "scandir", side_effect=os.scandir) as listed:
        warm = shell.ask(*PLAN)
    folders = [os.fspath(call.args[0]) for call in listed.call_args_list if "/src/data" in os.fspath(call.args[0])]
    assert len(folders) == len(set(folders)) == 2
    shutil.rmtree(shell.cache)
    assert shell.ask(*PLAN) == warm


def test_a_skipped_file_counts_where_it_is_there(shell: Shell) -> None:
    before = shell.ask("key")
    shell.space.git("update-index", "--skip-worktree", "src/a.c")
    assert shell.ask("key") == before
    shell.space.write({"src/a.c": "int hidden;\n"})
    assert shell.ask("key") != before
    remove(shell, "src/a.c")
    assert shell.ask("key") == before


def test_an_own_state_folder_is_no_change(shell: Shell) -> None:
    shell.space.write({".planner/state": "x\n", "src/.planner/state": "x\n"})
    status, out, _ = shell.ask(*PLAN, "--exit-code")
    assert (status, out) == (
        0,
        "reuse  base\nreuse  docs\nreuse  side\nreuse  tool\nreuse  app\n\n0 of 5 images rebuild against HEAD\n",
    )


def test_an_answer_that_a_saved_plan_decided_is_not_given_again(shell: Shell, tmp_path: Path) -> None:
    """Where both are taken together at all."""
    shell.space.write({"src/a.c": "int other;\n"})
    saved = tmp_path / "plan.json"
    shell.ask(*PLAN, "--out", os.fspath(saved))
    words = ("matrix", "--plan", os.fspath(saved), "--since", "HEAD", "--format", "json")
    first = shell.ask(*words)
    saved.write_text(saved.read_text().replace('"build"', '"reuse"'))
    assert shell.ask(*words) != first or first[0] == 2
    assert shell.hits == 0


def test_a_mode_that_git_alone_keeps(shell: Shell) -> None:
    shell.space.git("config", "core.fileMode", "false")
    shell.space.write({"src/a.c": "int other;\n"})
    before = shell.ask("key")
    chmod(shell, "src/a.c", 0o755)
    assert shell.ask("key") == before
    shell.space.git("update-index", "--chmod=+x", "src/a.c")
    after = shell.ask("key")
    assert after != before
    assert shell.ask("key") == after
    assert shell.hits


def test_an_unsure_image_is_planned_again_from_the_cache(shell: Shell) -> None:
    shell.space.write({"docs.Dockerfile": "FROM alpine:3.20\nADD https://example.org/x /x\n"})
    commit(shell)
    first = shell.ask(*PLAN)
    assert "1 of 5 images rebuilds" in first[1]
    assert shell.ask(*PLAN) == first
    assert shell.hits == 1


def test_a_linked_worktree_has_a_cache_of_its_own(shell: Shell, tmp_path: Path) -> None:
    first = shell.ask(*PLAN)
    shell.space.git("worktree", "add", "-q", "--detach", os.fspath(tmp_path / "linked"))
    linked = Workspace(tmp_path / "linked", init=False)
    assert linked.planner(*PLAN).stdout == first[1]
    linked.write({"src/a.c": "int other;\n"})
    assert "0 of 4" not in linked.planner(*PLAN).stdout
    assert shell.ask(*PLAN) == first


@pytest.mark.parametrize("how", ["split", "sha256", "version4", "skip-hash"])
def test_other_kinds_of_index(tmp_path: Path, how: str) -> None:
    root = tmp_path / "family"
    if how == "sha256":
        root.mkdir()
        Workspace(root, init=False).git("init", "-q", "-b", "main", "--object-format=sha256", ".")
    shell = Shell(root)
    options = {"split": ["--split-index"], "version4": ["--index-version", "4"]}
    if how in options:
        shell.space.git("update-index", *options[how])
    if how == "skip-hash":
        shell.space.git("config", "index.skipHash", "true")
        shell.space.write({"LICENSE": "paid\n"})
        commit(shell)
    before = shell.ask("key")
    assert shell.ask("key") == before
    shell.space.git("update-index", "--assume-unchanged", "src/a.c")
    shell.space.write({"src/a.c": "int hidden;\n"})
    assert shell.ask("key") != before


def test_a_cache_that_cannot_be_written_is_silent(shell: Shell) -> None:
    """A file in the folder's place stops every user, root too."""
    shell.cache.write_text("")
    first = shell.everything()
    assert shell.everything() == first
    floats = "planner: warning: docker.io/library/ubuntu:22.04 floats, since there is no images.lock: planner lock\n"
    assert {said[2] for said in first} <= {"", floats}
    assert shell.hits == 0


def test_a_git_dir_that_cannot_be_written_is_silent(shell: Shell) -> None:
    git_dir = shell.space.root / ".git"
    with read_only(git_dir):
        first = shell.everything()
        assert shell.everything() == first
        assert not shell.cache.exists()


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that nobody can write: by its mode, or by a mount where root would write all the same."""
    if os.geteuid():
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def command(shell: Shell, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(shell.space.root), *arguments]


def test_several_at_once(shell: Shell) -> None:
    """While files are edited back and forth, everyone who asks gets the answer of a state that was there."""
    shell.environment = {}
    wanted = {}
    for text in ("int one;\n", "int two;\n"):
        shell.space.write({"src/a.c": text})
        wanted[text] = shell.without_cache()[1][1]
    for turn in range(3):
        for text, want in wanted.items():
            shell.space.write({"src/a.c": text})
            running = [
                subprocess.Popen(
                    command(shell, "key"),
                    env={**os.environ, **IDENTITY, "NO_COLOR": "1"},
                    stdout=subprocess.PIPE,
                    text=True,
                )
                for _ in range(3)
            ]
            assert {process.communicate()[0] for process in running} == {want}, turn
    assert not list(shell.cache.glob("*.draft"))


def test_nothing_is_remembered_of_other_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Graph files are read by installed libraries, and another release may read them in another way."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    monkeypatch.syspath_prepend(str(packages))
    before = cache_file._looked_at()
    assert cache_file._looked_at() == before
    os.utime(packages, (1, 1))
    assert cache_file._looked_at() != before
