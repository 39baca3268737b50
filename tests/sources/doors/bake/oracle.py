"""Asks the real `buildx bake --print` and the planner's own reader the same, and compares what they say."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from planner.errors import PlannerError
from planner.sources.doors.bake.files import read_files
from planner.sources.doors.bake.named import NAMES
from planner.sources.doors.bake.printed import document
from planner.sources.doors.bake.resolving import Resolver
from planner.sources.doors.bake.trouble import Wrong
from tests.engine.engine import NotInstalled
from tests.engine.install import ENGINE

KEPT = ("PATH", "HOME")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One question: files, and what the command line and the environment add."""

    name: str
    files: Mapping[str, str]
    targets: Sequence[str] = ()
    sets: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    chosen: Sequence[str] = ()
    fails: bool = False


def buildx() -> Path:
    """The real program. It needs no daemon to print."""
    programs = ENGINE.bin_folder()
    if not programs.is_dir():
        raise NotInstalled("buildx")
    return programs / "buildx"


def theirs(case: Case, folder: Path) -> dict[str, Any] | str:
    """What buildx prints, or its error."""
    argv = [os.fspath(buildx()), "bake", "--print"]
    argv += [word for file in case.chosen for word in ("-f", file)]
    argv += [word for text in case.sets for word in ("--set", text)]
    argv += [word for name, value in case.variables.items() for word in ("--var", f"{name}={value}")]
    environment = {name: os.environ[name] for name in KEPT if name in os.environ} | dict(case.environment)
    environment["BUILDX_CONFIG"] = os.fspath(folder / ".buildx")
    run = subprocess.run(
        [*argv, *case.targets], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    if run.returncode:
        return next((line for line in reversed(run.stderr.splitlines()) if line.startswith("ERROR")), run.stderr)
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def ours(case: Case) -> dict[str, Any] | str:
    """What the planner's reader makes of the same, or its error."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ} | dict(case.environment)
    chosen = case.chosen or [name for name in NAMES if name in case.files]
    try:
        files = [(name, case.files[name].encode()) for name in chosen]
        config = read_files(files, environment, case.variables)
        resolved = Resolver(config, case.sets, environment).resolved(list(case.targets) or ["default"])
    except PlannerError as error:
        return str(error)
    except Wrong as error:
        return str(error.mistake)
    return document(resolved)


def difference(case: Case) -> str:
    """Where both do not say the same; "" where they do, or where both refuse."""
    with tempfile.TemporaryDirectory(prefix="bake-") as name:
        folder = Path(name)
        for path, text in case.files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode("utf-8", "surrogateescape"))
        real = theirs(case, folder)
    mine = ours(case)
    if isinstance(real, str) or isinstance(mine, str):
        if isinstance(real, str) and isinstance(mine, str):
            return "" if case.fails else f"both refuse: {real}\n  and {mine}"
        return f"buildx: {real}\n  planner: {mine}"
    if case.fails:
        return f"neither refuses: {real}"
    return different(ordered(real, case), ordered(mine, case), "")


def ordered(found: dict[str, Any], case: Case) -> dict[str, Any]:
    """A document without the order that Go's maps give it, which is another one each time.

    The groups that a matrix makes come in that order, and overrides are applied in it (`Target.AddOverrides` of
    buildx), so that of the outputs that `push` and `load` add either may be the first.
    """
    groups = {name: {**group, "targets": sorted(group["targets"])} for name, group in found.get("group", {}).items()}
    ordered = {**found, "group": groups}
    if any(".push=" in text for text in case.sets) and any(".load=" in text for text in case.sets):
        targets = found.get("target", {}).items()
        ordered["target"] = {name: {**target, "output": _sorted(target.get("output", []))} for name, target in targets}
    return ordered


def _sorted(outputs: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(outputs, key=lambda output: sorted(output.items()))


def different(real: Any, mine: Any, path: str) -> str:
    """The first place where two documents differ."""
    if isinstance(real, dict) and isinstance(mine, dict):
        for name in sorted({*real, *mine}):
            if name not in real or name not in mine:
                return f"{path}.{name}: buildx {real.get(name, 'nothing')!r}, planner {mine.get(name, 'nothing')!r}"
            if found := different(real[name], mine[name], f"{path}.{name}"):
                return found
        return ""
    return "" if real == mine else f"{path}: buildx {real!r}, planner {mine!r}"
