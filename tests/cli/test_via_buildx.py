"""Nothing is remembered of what buildx read: it reads files that no trace knows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.workspace import Workspace

BUILDX = """#!/bin/sh
case "$*" in
*--list=*) echo '[{"name": "base"}]' ;;
*) echo "{\\"target\\": {\\"base\\": {\\"context\\": \\".\\", \\"args\\": {\\"V\\": \\"$(cat .env)\\"}}}}" ;;
esac
"""
WORDS = ("-f", "docker-bake.hcl", "--via-buildx")


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    program = tmp_path / "bin/buildx"
    program.parent.mkdir()
    program.write_text(BUILDX)
    program.chmod(0o755)
    space = Workspace(tmp_path / "family")
    space.write({"docker-bake.hcl": 'target "base" {}\n', "Dockerfile": "FROM scratch\nARG V\nLABEL v=$V\n"})
    space.write({".gitignore": ".env\n", ".env": "1"})
    space.commit()
    return space


@pytest.mark.parametrize("command", [("key",), ("plan", "--since", "HEAD", "--format", "json"), ("query", "//...")])
@pytest.mark.parametrize("tracked", [True, False])
def test_a_file_that_buildx_alone_reads(
    space: Workspace, tmp_path: Path, command: tuple[str, ...], tracked: bool
) -> None:
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    if tracked:
        space.write({".gitignore": ""})
        space.commit()
    keys = set()
    for value in ("1", "2", "3"):
        space.write({".env": value})
        run = space.planner(*WORDS, *command, PATH=path)
        assert run.returncode == 0, run.stderr
        found = space.planner(*WORDS, "key", PATH=path).stdout
        if (place := space.root / ".git/planner").exists():
            assert not list(place.glob("facts-*"))
        keys.add(found)
    assert len(keys) == 3


def test_a_revision_whose_variables_buildx_cannot_see(space: Workspace, tmp_path: Path) -> None:
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    words = ("-f", "docker-bake.hcl", "-f", "compose.yaml", "--via-buildx", "plan", "--since", "HEAD")
    space.write({".gitignore": "", "compose.yaml": "services: {}\n"})
    space.commit()
    assert space.planner(*words, PATH=path).stdout.startswith("reuse")
    space.write({".env": "2"})
    run = space.planner(*words, PATH=path)
    assert run.stdout.startswith("build")
    assert "buildx reads .env from disk alone" in run.stderr
