"""A git repository in a temporary folder, and the planner's real command run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

IDENTITY = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Workspace:
    """Files, commits and plans."""

    def __init__(self, root: Path, *, init: bool = True) -> None:
        self.root = root
        if init:
            root.mkdir(parents=True, exist_ok=True)
            self.git("init", "-q", "-b", "main", ".")

    def git(self, *arguments: str) -> str:
        run = subprocess.run(
            ["git", *arguments], cwd=self.root, env={**os.environ, **IDENTITY}, capture_output=True, check=True
        )
        return run.stdout.decode()

    def write(self, files: dict[str, str]) -> None:
        for path, text in files.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "state")

    def planner(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "planner.cli.start", "-C", os.fspath(self.root), *arguments],
            env={**os.environ, **IDENTITY, "NO_COLOR": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def document(self, *arguments: str) -> Any:
        run = self.planner(*arguments, "--format", "json")
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    def rebuilds(self, since: str = "HEAD") -> dict[str, set[str]]:
        """What would rebuild, and the codes of its reasons."""
        document = self.document("plan", "--since", since)
        return {
            image["name"]: {reason["code"] for reason in image["reasons"]}
            for image in document["images"]
            if image["action"] == "build"
        }

    def keys(self) -> dict[str, str]:
        keys: dict[str, str] = self.document("key")["keys"]
        return keys
