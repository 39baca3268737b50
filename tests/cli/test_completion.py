"""Completion: what is offered, and that bash, zsh and fish themselves put it on the command line."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.cli.complete import candidates
from planner.cli.main import COMMANDS
from tests.engine.install import install_packages
from tests.surroundings import IN_CI
from tests.workspace import Workspace

GRAPH = """\
version: 1
registry: r.example
variables: {V: "1"}
images: {base: {}, tool-chain: {}, app: {}, "v${V}": {name: "v${V}"}}
"""


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write({"images.yaml": GRAPH, "Dockerfile": "FROM x\n"})
    return workspace


def words(*typed: str) -> list[str]:
    return [word for word, _ in candidates(typed)]


def test_commands() -> None:
    assert words("") == list(COMMANDS)
    assert "complete" not in words("")
    assert words("pl") == ["plan"]
    assert words("-C", "/nowhere", "--var", "x=y", "inp") == ["inputs"]
    assert words("zzz") == []


def test_options_and_their_values() -> None:
    assert words("--v") == ["--version", "--var", "--via-buildx"]
    assert words("plan", "--exi") == ["--exit-code"]
    assert words("plan", "--format", "") == ["text", "json", "markdown"]
    assert words("plan", "--format", "m") == ["markdown"]
    assert words("plan", "--format=j") == ["--format=json"]
    assert words("plan", "--format", "=") == ["text", "json", "markdown"], "as bash splits --format="
    assert words("plan", "--format", "=", "j") == ["json"], "as bash splits --format=j"
    assert words("query", "base", "--output", "g") == ["graph"]
    assert words("plan", "--since", "") == [], "a revision may be anything"
    assert words("plan", "--out", "") == [], "the shell offers files"
    assert words("completion", "") == ["bash", "zsh", "fish"]
    assert words("schema", "ima") == ["images"]


def test_every_option_of_every_command_is_offered() -> None:
    for command in COMMANDS:
        offered = words(command, "-")
        help_ = subprocess.run(
            [sys.executable, "-m", "planner.cli.main", command, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for option in offered:
            assert option in help_
        assert "--help" in offered


def test_images(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = os.fspath(space.root)
    assert words("-C", folder, "plan", "") == ["base", "tool-chain", "app", "v1"]
    assert words("-C", folder, "--var", "V=2", "plan", "v") == ["v2"]
    assert words("-f", f"{folder}/images.yaml", "inputs", "to") == ["tool-chain"]
    assert words("-C", f"'{folder}'", "key", "base", "ap") == ["app"], "quotes are still in a shell's words"
    assert words("-C", folder, "query", "allr") == ["allrdeps("]
    monkeypatch.chdir(space.root)
    assert words("build", "--keep-going", "b") == ["base"]
    assert words("affected", "b") == [], "paths are the shell's business"


def test_what_is_wrong_offers_nothing(space: Workspace) -> None:
    folder = os.fspath(space.root)
    space.write({"images.yaml": "version: 1\nimages: {a: {x: y}}\n"})
    assert words("-C", folder, "plan", "") == []
    assert words("-C", "/nowhere", "plan", "") == []
    assert words("plan", "--zzz", "--since") == ["--since"]
    assert words("'") == []
    run = space.planner("complete", "--", "plan", "")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_answer_holds_what_a_word_is_for(space: Workspace) -> None:
    run = space.planner("complete", "--", "matr")
    assert run.stdout == f"matrix\t{COMMANDS['matrix']}\n"
    assert "    complete " not in space.planner("--help").stdout


def shell(name: str) -> str:
    """A shell's path. Installed where that is missing and can be; CI never goes on without it."""
    if shutil.which(name) is None:
        if os.geteuid() == 0 and shutil.which("apt-get"):
            install_packages([name])
        elif not IN_CI:
            pytest.skip(f"{name} is not here, and only root can install it")
    found = shutil.which(name)
    assert found is not None
    return found


START = {
    "bash": (["--norc", "--noprofile", "-i"], "source <(planner completion bash)"),
    "zsh": (["-f", "-i"], "autoload -U compinit; compinit -u -d {dump}; source <(planner completion zsh)"),
    "fish": (["--no-config", "-i"], "planner completion fish | source"),
}
TYPED: list[tuple[str, list[str]]] = [
    ("planner -C {folder} inputs to\t", ["-C", "{folder}", "inputs", "tool-chain"]),
    ("planner matr\t", ["matrix"]),
    ("planner plan --exi\t", ["plan", "--exit-code"]),
    ("planner plan --format ma\t", ["plan", "--format", "markdown"]),
    ("planner plan --out {folder}/Docker\t", ["plan", "--out", "{folder}/Dockerfile"]),
]


@pytest.mark.parametrize("name", list(START))
def test_in_the_shell_itself(space: Workspace, tmp_path: Path, name: str) -> None:
    """Types commands with TABs on a terminal. The planner there notes its words, and answers only the completion."""
    program = shell(name)
    noted = tmp_path / "noted"
    wrapper = tmp_path / "bin" / "planner"
    wrapper.parent.mkdir()
    wrapper.write_text(
        "#!/bin/sh\n"
        f'case $1 in complet*) exec {sys.executable} -m planner.cli.main "$@";; esac\n'
        f'(printf "%s\\n" "$@"; echo .) >> {noted}\n'
    )
    wrapper.chmod(0o755)
    arguments, setup = START[name]
    environment = {
        "PATH": f"{wrapper.parent}:{os.environ['PATH']}",
        "HOME": os.fspath(tmp_path),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.fspath(Path(__file__).parents[2]),
    }
    with Terminal([program, *arguments], environment, space.root) as terminal:
        terminal.type(setup.format(dump=tmp_path / "dump") + "; echo re''ady\n")
        terminal.wait("ready")
        for number, (text, _) in enumerate(TYPED, 1):
            terminal.type(text.format(folder=space.root) + "\n")
            terminal.wait_for(lambda count=number: noted.exists() and noted.read_text().count(".\n") >= count)
    expected = [[word.format(folder=space.root) for word in called] for _, called in TYPED]
    assert [entry.splitlines() for entry in noted.read_text().split(".\n")[:-1]] == expected


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, argv: list[str], environment: dict[str, str], folder: Path) -> None:
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(argv[0], argv, environment)  # noqa: S606
        self.seen = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.handle)
        os.waitpid(self.pid, 0)

    def type(self, text: str) -> None:
        os.write(self.handle, text.encode())

    def read(self) -> None:
        if select.select([self.handle], [], [], 0.1)[0]:
            try:
                self.seen += os.read(self.handle, 65536)
            except OSError:
                time.sleep(0.1)

    def wait(self, text: str) -> None:
        self.wait_for(lambda: text.encode() in self.seen)

    def wait_for(self, reached: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < end, self.seen.decode("utf-8", "replace")
            self.read()
