"""Asks the real `docker buildx bake --print` what Bake files say: the reader of `--via-buildx`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from planner.build.engine import buildx_program
from planner.errors import BuilderError, PlannerError

ANSWER = 120.0
"""Seconds within which buildx must have printed."""
MAX_PRINTED = 64 << 20
_GROUP = re.compile(r'^\s*group\b|"group"\s*:', re.MULTILINE)


class BuildxReader:
    """Reads Bake files with buildx, started in the workspace: its `.env` and the files of secrets must be there."""

    def __init__(self, workspace: Path, environment: Mapping[str, str]) -> None:
        self.workspace = workspace
        self.environment = environment

    def __call__(
        self, files: Sequence[tuple[str, bytes]], sets: Sequence[str], variables: Mapping[str, str]
    ) -> dict[str, Any]:
        """What buildx prints for all groups, else for all targets whose name begins with no `_`.

        Raises BuilderError where there is no buildx, PlannerError with what it says where it refuses.
        """
        program = buildx_program(self.environment)
        with tempfile.TemporaryDirectory(prefix="planner-bake-") as folder:
            words = [*program, "bake"]
            for number, (file, data) in enumerate(files):
                place = Path(folder, str(number), Path(file).name)
                place.parent.mkdir()
                place.write_bytes(data)
                words += ["-f", os.fspath(place)]
            words += [word for name, value in variables.items() for word in ("--var", f"{name}={value}")]
            listed = self._ask([*words, "--list=type=targets,format=json"], folder, files)
            written = any(_GROUP.search(data.decode("utf-8", "replace")) for _, data in files)
            composed = any(file.lower().endswith((".yaml", ".yml")) for file, _ in files)
            groups = [str(one["name"]) for one in listed if one.get("group")] if written or composed else []
            names = groups or [str(one["name"]) for one in listed if not one.get("group")]
            words += [word for text in sets for word in ("--set", text)]
            found: dict[str, Any] = self._ask([*words, "--print", *names], folder, files)
            return found

    def _ask(self, words: Sequence[str], folder: str, files: Sequence[tuple[str, bytes]]) -> Any:
        try:
            run = subprocess.run(
                words,
                cwd=self.workspace,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=ANSWER,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BuilderError(f"buildx did not read the Bake files within {ANSWER:.0f} s") from error
        except OSError as error:
            raise BuilderError(f"{words[0]}: cannot be run: {error.strerror}") from error
        if run.returncode:
            said = run.stderr.decode("utf-8", "replace")
            for number, (file, _) in enumerate(files):
                said = said.replace(f"{folder}/{number}/{Path(file).name}", file)
            last = next((line for line in reversed(said.splitlines()) if line.startswith("ERROR")), said.strip())
            raise PlannerError(f"buildx cannot read the Bake files: {last.removeprefix('ERROR: ')[:2000]}")
        if len(run.stdout) > MAX_PRINTED:
            raise PlannerError(f"buildx prints more than {MAX_PRINTED} bytes for these Bake files")
        try:
            return json.loads(run.stdout)
        except (ValueError, RecursionError) as error:
            raise BuilderError("buildx prints no JSON for these Bake files") from error
