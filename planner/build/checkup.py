"""Looks at what builds: buildx, its builder and BuildKit, the Docker Engine. Starts nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from planner.build.docker_engine import context_name
from planner.build.engine import OLDEST_ENGINE, buildx_program, find_engine
from planner.build.pool import parse
from planner.build.processes import Questions
from planner.errors import BuilderError, PlannerError
from planner.model.finding import Finding, Severity

ANSWER = 8.0
"""Seconds within which each program must answer."""


def builder(spec: str, environment: Mapping[str, str]) -> Iterator[Finding]:
    """The builders that `planner build` would use."""
    try:
        program = buildx_program(environment)
    except BuilderError as error:
        what, _, advice = str(error).partition("\n  ")
        yield Finding(check="buildx", severity=Severity.ERROR, what=what, advice=advice)
        return
    version = _said([*program, "version"], environment)
    if version is None:
        what, advice = f"{' '.join(program)} does not answer", "install Docker's buildx plugin"
        yield Finding(check="buildx", severity=Severity.ERROR, what=what, advice=advice)
        return
    yield Finding(check="buildx", severity=Severity.OK, what=version.strip() or "answers")
    spec = spec or environment.get("PLANNER_BUILDER", "")
    if not spec and environment.get("BUILDKIT_HOST"):
        spec = f"buildkit:{environment['BUILDKIT_HOST']}"
    for one, _ in parse(spec):
        far = one.startswith(("buildkit:", "pool:"))
        yield _address(one, environment) if far else _inspected(one, program, environment)


def _address(spec: str, environment: Mapping[str, str]) -> Finding:
    """Asks the BuildKit itself: the socket of one that is stopped takes connections."""
    try:
        with tempfile.TemporaryDirectory(prefix="planner-") as folder:
            engine = find_engine(spec, environment, Path(folder), questions=Questions(longest=ANSWER))
    except PlannerError as error:
        what, _, advice = str(error).partition("\n  ")
        return Finding(check="BuildKit", severity=Severity.ERROR, what=what, advice=advice)
    version = f": BuildKit {engine.version}" if engine.version else ""
    return Finding(check="BuildKit", severity=Severity.OK, what=f"{spec} answers{version}")


def _inspected(spec: str, program: Sequence[str], environment: Mapping[str, str]) -> Finding:
    name = context_name(environment) if spec == "docker" else spec.removeprefix("buildx:")
    facts = _said([*program, *(("--builder", name) if name else ()), "inspect"], environment)
    said = spec or "the builder that buildx would use"
    if facts is None:
        advice = "start Docker, or name another builder: --builder, or BUILDKIT_HOST"
        return Finding(check="BuildKit", severity=Severity.ERROR, what=f"{said} does not answer", advice=advice)
    if error := re.search(r"^\s*Error:\s*(.+)$", facts, re.MULTILINE):
        advice = "start Docker, or name another builder: --builder, or BUILDKIT_HOST"
        return Finding(check="BuildKit", severity=Severity.ERROR, what=f"{said}: {error[1].strip()}", advice=advice)
    if version := re.search(r"^\s*(?:BuildKit version|Buildkit):\s*(\S+)", facts, re.MULTILINE):
        return Finding(check="BuildKit", severity=Severity.OK, what=f"{said}: BuildKit {version[1]}")
    what = f"{said} is not running; the first build starts it"
    return Finding(
        check="BuildKit", severity=Severity.HINT, what=what, advice=f"{' '.join(program)} inspect --bootstrap"
    )


def engine(environment: Mapping[str, str]) -> Iterator[Finding]:
    """The Docker Engine, which a build needs only where its builder is Docker's own."""
    program = shutil.which("docker", path=environment.get("PATH"))
    if program is None:
        what = "there is no docker here; another BuildKit will do"
        yield Finding(check="Docker Engine", severity=Severity.HINT, what=what)
        return
    version = _said([program, "version", "--format", "{{.Server.Version}}"], environment)
    if not version or not version.strip():
        advice = "start it, or build with another BuildKit: --builder"
        yield Finding(check="Docker Engine", severity=Severity.WARNING, what="does not answer", advice=advice)
        return
    major = version.strip().partition(".")[0]
    if major.isdecimal() and int(major) < OLDEST_ENGINE:
        what = f"{version.strip()} is too old: its BuildKit knows no named contexts"
        yield Finding(
            check="Docker Engine", severity=Severity.WARNING, what=what, advice="upgrade it, or use --builder"
        )
        return
    yield Finding(check="Docker Engine", severity=Severity.OK, what=version.strip())


def _said(argv: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """What a program says, None where it fails or takes too long."""
    try:
        run = subprocess.run(
            argv, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if run.returncode else run.stdout.decode("utf-8", "replace")
