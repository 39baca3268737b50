"""Finds the engine that builds: a Docker Engine, a buildx builder by name, or a BuildKit at an address.

All of them are spoken to through buildx, which names what it sent before by its folder, never by its name alone (see
`planner.build.context`), so one way of calling serves them all.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from planner.build.builder_note import Note
from planner.build.drained import refuse_drained
from planner.build.processes import Questions
from planner.errors import BuilderAway, BuilderError, UsageError
from planner.model.build import Store
from planner.ports import BuildCancelled

ANSWER = 30.0
"""Seconds within which an engine must say that it is there."""
KNOCK = 2.0
"""Seconds after which a connection that does not come about is tried anew."""
OLDEST_ENGINE = 23
"""The first Docker Engine whose BuildKit knows named contexts of images."""
_QUIET = {
    "BUILDX_METADATA_PROVENANCE": "disabled",
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    "BUILDX_GIT_INFO": "false",
    "BUILDX_GIT_LABELS": "false",
}
"""What buildx would add on its own, or because the environment says so: nothing of it is in a key, and labels of git's

commit would make another image at each one.
"""
_ENDPOINTS = re.compile(r"^\s*Endpoint:\s*(\S*)\s*$", re.MULTILINE)
_NODE_PLATFORMS = re.compile(r"^\s*Platforms:\s*(.*)$", re.MULTILINE)
_STATES = re.compile(r"^\s*Status:\s*(\S+)", re.MULTILINE)
_NO_PLUGIN = re.compile(r"unknown (?:shorthand )?flag|is not a docker command|unknown command: docker buildx")
"""What docker says where it takes the words of a plugin that it lacks for its own."""
_FORMS = "docker, buildx:NAME, pool:NAME or buildkit:ADDRESS (unix://…, tcp://…)"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine that answered. `argv` is what calls its buildx, `store` where its results are kept.

    `address` is that of a buildkitd, empty for others. `native` are the platforms of its processor, `emulated` others.
    """

    spec: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    store: Store
    version: str = ""
    address: str = ""
    native: tuple[str, ...] = ()
    emulated: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.spec}{f' (BuildKit {self.version})' if self.version else ''}"


def find_engine(
    spec: str,
    environment: Mapping[str, str],
    folder: Path,
    notes: Path | None = None,
    questions: Questions | None = None,
) -> Engine:
    """The engine of a `--builder` text; "" finds one: BUILDKIT_HOST, else the builder that buildx would use.

    `folder` is private to the run, for buildx's own files; in `notes` stays what buildx wrote down of a BuildKit, for
    the next run. Raises BuilderError when none answers, UsageError, and BuildCancelled once `questions` are ended.
    """
    questions = questions or Questions()
    spec = spec or environment.get("PLANNER_BUILDER", "")
    if not spec and environment.get("BUILDKIT_HOST"):
        spec = f"buildkit:{environment['BUILDKIT_HOST']}"
    kind, _, name = spec.partition(":")
    if kind == "buildkit" and name:
        return _buildkit(spec, name, environment, folder, notes, questions)
    if kind == "pool" and name:
        from planner.build.remotes import driver_options, open_pool  # few have a pool, and it loads what reads YAML

        pool = open_pool("", environment)
        remote = pool.member(name)
        options = driver_options(pool, remote)
        return _buildkit(remote.spec, remote.address, environment, folder, notes, questions, options)
    if kind == "buildx" and name:
        return _buildx(spec, ("--builder", name), environment, questions)
    if spec == "docker":
        from planner.build.docker_engine import context_name

        return _buildx(spec, ("--builder", context_name(environment)), environment, questions)
    if spec:
        raise UsageError(f'--builder "{spec}": write {_FORMS}')
    return _buildx("", (), environment, questions)


def buildx_program(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What runs buildx here: on its own, or as a plugin of docker."""
    path = environment.get("PATH")
    for name in ("buildx", "docker-buildx"):
        if found := shutil.which(name, path=path):
            return (found,)
    if found := shutil.which("docker", path=path):
        return (found, "buildx")
    hint = "install Docker with its buildx plugin, or put buildx on PATH"
    raise BuilderError(f"there is no buildx here, so nothing can be built\n  {hint}")


def _buildkit(
    spec: str,
    address: str,
    environment: Mapping[str, str],
    folder: Path,
    notes: Path | None,
    questions: Questions,
    options: Sequence[str] = (),
) -> Engine:
    refuse_drained(environment, spec)
    program = buildx_program(environment)
    knock(spec, address)
    name = f"planner-{hashlib.sha256(address.encode()).hexdigest()[:12]}"
    inside = {**environment, "BUILDX_CONFIG": os.fspath(folder / "buildx")}
    note = None if notes is None else Note.of(notes, folder / "buildx", name, (*program, *options))
    inspect = [*program, "inspect", "--bootstrap", name]
    facts = "" if note is None else _noted(note, address, inspect, inside, spec, questions)
    if not facts:
        _ask([*program, "create", "--name", name, "--driver", "remote", *options, address], inside, spec, questions)
        facts = _ask(inspect, inside, spec, questions)
        if note is not None:
            note.keep()
    return replace(_engine(spec, (*program, "--builder", name), inside, facts), address=address)


def _noted(
    note: Note, address: str, inspect: list[str], environment: Mapping[str, str], spec: str, questions: Questions
) -> str:
    """What buildx says of a builder that it wrote down in an earlier run, "" where that is of no use any more."""
    if not note.restore(address):
        return ""
    with contextlib.suppress(BuilderError):
        facts = _ask(inspect, environment, spec, questions)
        if _ENDPOINTS.findall(facts) == [address] and _fact(facts, "BuildKit version"):
            return facts
    note.forget()
    return ""


def knock(spec: str, address: str, wait: float = ANSWER, ending: Callable[[], bool] = lambda: False) -> None:
    """Raise BuilderAway unless somebody listens at an address: buildx would try for a long time.

    Raises BuildCancelled soon after `ending` says that nobody waits for the answer any more.
    """
    enough = time.monotonic() + wait
    while True:
        try:
            _connect(spec, address)
        except TimeoutError as error:
            if ending():
                raise BuildCancelled from error
            if time.monotonic() >= enough:
                raise BuilderAway(_silent(spec, str(error))) from error
        except (OSError, ValueError) as error:
            raise BuilderAway(_silent(spec, str(error))) from error
        else:
            return


def _connect(spec: str, address: str) -> None:
    kind, _, place = address.partition("://")
    if kind == "unix":
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(KNOCK)
            knocking.connect(place)
    elif kind == "tcp":
        host, _, port = place.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK).close()
    else:
        raise UsageError(f'--builder "{spec}": write {_FORMS}')


def is_there(engine: Engine, questions: Questions) -> bool:
    """Whether an engine that answered before answers now. One that is not asked any more is not there.

    A process that is stopped takes connections, so that a knock says too little; buildx asks for 20 s.
    """
    try:
        if engine.address:
            knock(engine.spec, engine.address)
        facts = _ask([*engine.argv, "inspect"], engine.environment, engine.spec, questions)
    except (BuilderError, BuildCancelled):
        return False
    return not _fact(facts, "Error") and (bool(_version(facts)) or "running" in _STATES.findall(facts))


def _silent(said: str, why: str) -> str:
    return f"{said} does not answer: {why}\n  start it, or name another one: --builder {_FORMS}"


def _buildx(spec: str, choice: Sequence[str], environment: Mapping[str, str], questions: Questions) -> Engine:
    program = buildx_program(environment)
    facts = _ask([*program, *choice, "inspect", "--bootstrap"], environment, spec, questions)
    # A Docker Engine has one name, whatever it is called by: a note of whom it served stands under that.
    found = spec if spec and _fact(facts, "Driver") != "docker" else _found(facts)
    if error := _fact(facts, "Error"):
        raise BuilderError(_silent(found, error))
    return _engine(found, (*program, *choice), environment, facts)


def _found(facts: str) -> str:
    """The `--builder` text for the builder that buildx chose by itself."""
    docker = _fact(facts, "Driver") == "docker" or _fact(facts, "Name") == "default"
    return "docker" if docker else f"buildx:{_fact(facts, 'Name')}"


def _engine(spec: str, argv: tuple[str, ...], environment: Mapping[str, str], facts: str) -> Engine:
    version = _version(facts)
    docker = _fact(facts, "Driver") == "docker"
    native, emulated = platforms(_NODE_PLATFORMS.findall(facts))
    engine = Engine(
        spec=spec,
        argv=argv,
        environment={**environment, **_QUIET},
        store=Store.ENGINE if docker else Store.LAYOUT,
        version=version,
        native=native,
        emulated=emulated,
    )
    if docker:
        from planner.build.docker_engine import check_engine

        check_engine(OLDEST_ENGINE)
    return engine


def _version(facts: str) -> str:
    return _fact(facts, "BuildKit version") or _fact(facts, "Buildkit")


def platforms(nodes: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The platforms of `buildx inspect`, those of the nodes' processors apart from those that they emulate.

    BuildKit names its own first (`util/archutil`, v0.32.2), with their variants; an asterisk marks chosen ones. A
    builder of several nodes has all of theirs: buildx sends each platform to the node that has it.
    """
    native: dict[str, None] = {}
    all_of_them: dict[str, None] = {}
    for told in nodes:
        found = [name.strip().rstrip("*") for name in told.split(",") if name.strip()]
        own = _processor(found[0]) if found else ""
        native.update(dict.fromkeys(name for name in found if _processor(name) == own))
        all_of_them.update(dict.fromkeys(found))
    return tuple(native), tuple(name for name in all_of_them if name not in native)


def _processor(platform: str) -> str:
    """System and processor, without a variant; a processor of 64 bits runs its older kind too."""
    system, _, rest = platform.partition("/")
    processor = rest.partition("/")[0]
    return f"{system}/{'amd64' if processor == '386' else processor}"


def _fact(facts: str, name: str) -> str:
    """A fact of `buildx inspect`, which prints them as `NAME: VALUE`, some of them once for each node."""
    found = re.search(rf"^\s*{re.escape(name)}:\s*(.*)$", facts, re.MULTILINE)
    return found[1].strip() if found else ""


def _ask(argv: list[str], environment: Mapping[str, str], spec: str, questions: Questions) -> str:
    said = spec or "the builder that buildx would use"
    try:
        status, out, err = questions.ask(argv, environment, ANSWER)
    except subprocess.TimeoutExpired as error:
        raise BuilderError(f"{said} does not answer within {error.timeout:.0f} s") from error
    except OSError as error:
        raise BuilderError(f"{argv[0]}: cannot be run: {error.strerror}") from error
    if status:
        why = err.decode("utf-8", "replace").strip().removeprefix("ERROR: ")
        if argv[1] == "buildx" and _NO_PLUGIN.search(why):
            hint = "install it (the package docker-buildx-plugin), or put buildx on PATH"
            raise BuilderError(f"{argv[0]} has no buildx plugin, or a very old one, so nothing can be built\n  {hint}")
        raise BuilderError(_silent(said, why or f"status {status}"))
    return out.decode("utf-8", "replace")
