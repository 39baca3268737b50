"""Every command, with each of its options and arguments given words that nobody should give: never a traceback.

The options are read from argparse itself, so that a new one is tried by itself. A command runs in a child of this
process, which has all modules loaded already: that takes a tenth of the time of a program of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.cli.main import COMMANDS, HIDDEN, main, parser_of
from tests.policy.policies import SOUND
from tests.workspace import IDENTITY, Workspace

LIMIT = 30.0
"""Seconds for a command, of which each takes a tenth of one: more are a hang."""
MEMORY = 2 << 30
STATUSES = (0, 1, 2, 3)
ENDLESS = ("watch", "token-server", "relay", "build", "flaky", "doctor", "gc")
"""Commands that serve, watch, ask a registry again or look for an engine: they get what is refused before that."""
ACTIONS = {
    "cache": ("plan", "budget"),
    "token-server": ("serve", "init", "rotate"),
    "signing-key": ("init", "show", "renew"),
    "relay": ("ask", "serve", "pull"),
    "policy": ("check", "lint", "generate"),
    "pool": ("list", "check", "drain"),
    "ci": ("github",),
    "export": ("argo", "kubernetes"),
}
NEEDED = {
    "inputs": ("base",),
    "why": ("base",),
    "why-not": ("base",),
    "flaky": ("base",),
    "diff": ("HEAD",),
    "replay": ("HEAD",),
    "affected": ("base/f",),
    "query": ("base",),
    "login": ("r.example",),
    "completion": ("bash",),
    "token-server": ("--keys", "keys.json"),
}
"""What a command asks for before it looks at anything else."""
EMPTY = ("", "--")
"""Words that no option takes, whatever it is for."""
NUMBERS = ("nan", "-1", "9" * 5000)
WORDS = ("nan", "a=b", "\udcff\x1b[2J")
FILES = ("missing", "folder", "binary", "cut.json", "deep.json", "number.json")
NAMED = ("FILE", "DIR", "PATH", "IMAGE|REQUEST", "PROVIDER=FILE")
"""What help calls arguments that name files."""


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    space = Workspace(tmp_path_factory.mktemp("sweep") / "space")
    space.write(
        {
            "images.yaml": "version: 1\nregistry: r.example/a\nimages: {base: {context: base}, app: {context: app}}\n",
            "base/Dockerfile": "FROM scratch\nCOPY f /\n",
            "base/f": "1\n",
            "app/Dockerfile": "FROM r.example/a/base\n",
            "policy.yaml": SOUND,
            "pool.yaml": 'version: 1\nbuilders: {one: {address: "tcp://127.0.0.1:1"}}\n',
            "bad/cut.json": '{"version": 1, "images": [{"na',
            "bad/deep.json": "[" * 100_000,
            "bad/number.json": f'{{"version": 1, "images": {"9" * 5000}, "x": NaN}}',
            "bad/folder/f": "",
        }
    )
    (space.root / "bad/binary").write_bytes(bytes(range(256)) * 9)
    space.commit()
    for command in COMMANDS:
        importlib.import_module(f"planner.cli.{command.replace('-', '_')}")
    return space


@pytest.mark.parametrize("command", [*COMMANDS, *HIDDEN])
def test_no_word_ends_in_a_traceback(space: Workspace, command: str) -> None:
    wrong = [
        f"{list(map(_short, words))}: {status}\n{told[-800:]}"
        for words in _command_lines(command, space.root / "bad")
        for status, told in [_run(space, words)]
        if status not in STATUSES or "Traceback" in told or (status in (1, 2) and not told.strip())
    ]
    assert not wrong, "\n".join(wrong)


def _short(word: str) -> str:
    return word if len(word) < 50 else f"{word[:20]}…"


def _command_lines(command: str, bad: Path) -> Iterator[list[str]]:
    parser = parser_of([command])
    actions = (parser.called or parser)._actions
    needed = NEEDED.get(command, ())
    for action in ACTIONS.get(command, ("",)):
        start = [command, *([action] if action else [])]
        for one in actions:
            tried = [*EMPTY, *_words(one, command, bad)]
            if not one.option_strings:
                yield from ([*start, *_needed_besides(needed), "--", word] for word in tried)
            elif not isinstance(one, argparse._HelpAction) and one.nargs != 0:
                option = one.option_strings[-1]
                yield from ([*start, *needed, f"{option}={word}"] for word in tried)


def _words(action: argparse.Action, command: str, bad: Path) -> tuple[str, ...]:
    if action.choices:
        return ()
    if action.type is not None:
        return NUMBERS
    if command in ENDLESS:
        return ()
    return (*WORDS, *(os.fspath(bad / name) for name in FILES)) if action.metavar in NAMED else WORDS


def _needed_besides(needed: tuple[str, ...]) -> tuple[str, ...]:
    return needed if needed and needed[0].startswith("-") else ()


def _run(space: Workspace, words: list[str]) -> tuple[int, str]:
    """The exit status, and what was said: 99 for an exception, -9 for a hang."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        _become(space, words, write)
    os.close(write)
    said = _heard(read)
    if said is None:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said or "a hang"


def _heard(stream: int) -> str | None:
    """All that is written, None where that takes too long."""
    ends, said = time.monotonic() + LIMIT, b""
    with open(stream, "rb", buffering=0) as source:
        while select.select([source], [], [], max(ends - time.monotonic(), 0))[0]:
            more = source.read(1 << 16)
            if not more:
                return said.decode("utf-8", "replace")
            said += more
    return None


def _become(space: Workspace, words: list[str], errors: int) -> None:
    """Run a command in this process, which ends with it."""
    status = 99
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        null = os.open(os.devnull, os.O_RDWR)
        for handle, number in ((null, 0), (errors, 1), (errors, 2)):
            os.dup2(handle, number)
        os.environ.update(IDENTITY)
        os.environ.update(DOCKER_CONFIG=os.fspath(space.root / "docker"), PLANNER_BUILDERS=os.fspath(space.root / "b"))
        os.chdir(space.root)
        sys.stdin, sys.stdout = io.TextIOWrapper(io.FileIO(0)), io.TextIOWrapper(io.FileIO(1, "w"))
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), write_through=True)
        sys.argv = ["planner", *words]
        try:
            status = main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 98
        except BaseException:
            traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
        os._exit(status)
