"""A file that a person names is no reason to wait for ever, nor to read for ever: pipes, devices, folders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.policy.policies import SOUND
from tests.trust.sealing import section
from tests.workspace import IDENTITY, Workspace

FILES = {"images.yaml": "version: 1\nregistry: r.example/x\nimages:\n  base: {}\n", "Dockerfile": "FROM scratch\n"}
COMMANDS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "graph file": (("-f", "odd", "graph"), {}),
    "saved plan": (("build", "--plan", "odd"), {}),
    "policy": (("policy", "check", "--policy", "odd"), {}),
    "policy of a plan": (("plan", "--against", "127.0.0.1:9/x", "--policy", "odd"), {}),
    "request": (("relay", "pull", "odd"), {}),
    "pool": (("pool", "list", "--pool", "odd"), {}),
    "labels": (("replay", "HEAD", "--labels", "odd"), {}),
    "list of what stays": (("gc", "--keep", "odd"), {}),
    "standing pipeline": (("ci", "github", "--check", "--out", "odd"), {}),
    "signing key": (("signing-key", "show"), {"PLANNER_SIGNING_KEY_FILE": "odd"}),
    "token server's keys": (("token-server", "rotate", "--keys", "odd"), {}),
}


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_no_command_waits_for_what_is_no_file(tmp_path: Path, kind: str) -> None:
    space = Workspace(tmp_path)
    space.write(FILES)
    space.commit()
    place = tmp_path / "odd"
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place, 0o600)
    else:
        place.symlink_to("/dev/zero")
    started = {
        name: subprocess.Popen(
            [sys.executable, "-m", "planner.cli.start", *words],
            cwd=tmp_path, env={**os.environ, **IDENTITY, **more}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True,
        )
        for name, (words, more) in COMMANDS.items()
    }  # fmt: skip
    for name, process in started.items():
        try:
            _, said = process.communicate(timeout=100)
        except subprocess.TimeoutExpired:
            for other in started.values():
                other.kill()
            pytest.fail(f"{name}: waits")
        assert process.returncode in (1, 2), name
        assert "Traceback" not in said, name
        assert "odd: " in said, name


@pytest.mark.parametrize("words", ["policy check", "plan --against 127.0.0.1:9/x", "cache plan"])
def test_a_policy_may_come_through_a_pipe(tmp_path: Path, words: str) -> None:
    space = Workspace(tmp_path)
    space.write({**FILES, "mine.yaml": f"{SOUND}{section()}"})
    argv = f'"{sys.executable}" -m planner.cli.start {words} --policy '
    environment = {**os.environ, **IDENTITY}
    came, named = (
        subprocess.run(
            ["bash", "-c", f"{argv} {file}"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        for file in ("<(sleep 0.2; cat mine.yaml)", "mine.yaml")
    )
    assert (came.returncode, came.stdout) == (named.returncode, named.stdout)
    assert "pipe" not in came.stderr


@pytest.mark.parametrize(
    "words", ["plan --against 127.0.0.1:9/x", "build --dry-run", "gc --scopes", "promote --to r.example/y"]
)
def test_a_policy_that_is_no_file_is_not_taken_for_none(tmp_path: Path, words: str) -> None:
    space = Workspace(tmp_path)
    space.write(FILES)
    (tmp_path / "policy.yaml").symlink_to("policies/nowhere.yaml")
    run = space.planner(*words.split(), CI="true")
    assert run.returncode == 1
    assert "policy.yaml: cannot be read: No such file or directory" in run.stderr
