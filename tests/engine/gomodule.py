"""Builds the programs that a Go module's `tool` lines name, once, into a cache folder keyed by what decides them.

Standard library only: it runs before anything is installed. A folder under its final name is a finished build, so
asking for one costs a hash of a few files and starts nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engine import toolchain

CHECKOUT = Path(__file__).resolve().parents[2]
FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly")
ENVIRONMENT = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}
DIES_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--") if shutil.which("setpriv") else ()
HEARTBEAT = 20.0  # seconds between two lines of progress; Go itself prints nothing


def cache_folder() -> Path:
    """Where built programs are kept: several clones may share one."""
    return Path(os.environ.get("PLANNER_ENGINE_CACHE") or CHECKOUT / ".cache" / "engine").absolute()


@dataclass(frozen=True, kw_only=True)
class GoModule:
    """A folder with go.mod and go.sum, and the variables that take a version when its programs are linked."""

    folder: Path
    versions: tuple[tuple[str, str], ...] = ()  # (variable, module whose version it takes)
    constants: tuple[tuple[str, str], ...] = ()  # (variable, value)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def text(self) -> str:
        return (self.folder / "go.mod").read_text()

    def go_version(self) -> tuple[int, ...]:
        line = re.search(r"^go (\S+)$", self.text, re.MULTILINE)
        if line is None:
            raise SystemExit(f"{self.folder}/go.mod: no `go` line")
        return toolchain.version(line[1])

    def tools(self) -> tuple[str, ...]:
        block = re.search(r"^tool \(\n(.*?)^\)", self.text, re.MULTILINE | re.DOTALL)
        return tuple(block[1].split()) if block else tuple(re.findall(r"^tool (\S+)$", self.text, re.MULTILINE))

    def programs(self) -> tuple[str, ...]:
        return tuple(tool.rsplit("/", 1)[1] for tool in self.tools())

    def linker_flags(self) -> str:
        parts = ["-s", "-w"]
        for variable, module in self.versions:
            line = re.search(rf"^\s{re.escape(module)} (v\S+)", self.text, re.MULTILINE)
            if line is None:
                raise SystemExit(f"{self.folder}/go.mod: {module} is not required")
            parts += ["-X", f"{variable}={_release(line[1])}"]
        for variable, value in self.constants:
            parts += ["-X", f"{variable}={value}"]
        return " ".join(parts)

    def bin_folder(self) -> Path:
        recipe = (self.linker_flags(), FLAGS, sorted(ENVIRONMENT.items()), platform.machine())
        digest = hashlib.sha256(repr(recipe).encode())
        for file in sorted(self.folder.rglob("*")):
            if file.is_file():
                digest.update(file.read_bytes())
        return cache_folder() / "bin" / f"{self.name}-{digest.hexdigest()[:16]}"

    def build(self) -> Path:
        """The folder of finished programs; builds them where that is still to be done."""
        done = self.bin_folder()
        if done.is_dir():
            return done
        with _only_one_build(done.parent):
            if not done.is_dir():  # another build may have made it while this one waited
                self._build_all(done)
        return done

    def _build_all(self, done: Path) -> None:
        for stale in done.parent.glob("unfinished-*"):
            shutil.rmtree(stale, ignore_errors=True)
        go = toolchain.find_or_install(self.go_version(), cache_folder())
        tools = self.tools()
        print(f"building {', '.join(self.programs())} from Go modules, once: about 4 minutes on two cores", flush=True)
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=done.parent))
        start = time.monotonic()
        for number, tool in enumerate(tools, 1):
            self._build_one(go, tool, unfinished, f"  {number}/{len(tools)} {self.programs()[number - 1]}")
        unfinished.chmod(0o755)
        unfinished.rename(done)
        print(f"built {self.name} in {time.monotonic() - start:.0f} s, kept in {done}", flush=True)

    def _build_one(self, go: Path, tool: str, folder: Path, label: str) -> None:
        log = folder.parent / f"{self.name}.log"
        argv = [os.fspath(go), "build", "-v", *FLAGS, "-ldflags", self.linker_flags()]
        argv += ["-o", os.fspath(folder / tool.rsplit("/", 1)[1]), tool]
        environment = {**os.environ, **ENVIRONMENT}
        if "HOME" not in environment:  # Go has no place for modules and compiled packages then
            environment |= {"GOPATH": f"{cache_folder()}/gopath", "GOCACHE": f"{cache_folder()}/gocache"}
        start = beat = time.monotonic()
        with open(log, "wb") as output:
            running = subprocess.Popen(
                [*DIES_WITH_US, *argv], cwd=self.folder, env=environment, stdout=output, stderr=output
            )
        try:
            while running.poll() is None:
                time.sleep(0.1)
                if time.monotonic() - beat >= HEARTBEAT:
                    beat = time.monotonic()
                    print(f"{label}: {beat - start:.0f} s, {_counts(log)}", flush=True)
        finally:
            if running.poll() is None:
                running.terminate()
                running.wait()
        if running.returncode:
            raise SystemExit(f"{label}: `{' '.join(argv)}` failed\n{log.read_text(errors='replace')[-3000:]}")
        print(f"{label}: done, {time.monotonic() - start:.0f} s", flush=True)


def built(name: str, module: Path, sources: Path) -> Path:
    """A program of our own, built once for its sources and the pinned modules of another folder's go.mod."""
    files = sorted(sources.glob("*.go"))
    return _program(name, module, files, tuple(map(os.fspath, files)))


def package(name: str, path: str) -> Path:
    """A program of one of the engine's modules that is none of its tools, built once."""
    return _program(name, CHECKOUT / ".ci" / "engine", (), (path,))


def _program(name: str, module: Path, files: Sequence[Path], what: tuple[str, ...]) -> Path:
    digest = hashlib.sha256(" ".join((platform.machine(), *what)).encode())
    for file in (module / "go.mod", module / "go.sum", *files):
        digest.update(file.read_bytes())
    done = cache_folder() / "bin" / f"{name}-{digest.hexdigest()[:16]}"
    if not done.exists():
        go = toolchain.find_or_install((1, 26), cache_folder())
        done.parent.mkdir(parents=True, exist_ok=True)
        part = done.with_name(f"{done.name}.{os.getpid()}")
        argv = [os.fspath(go), "build", *FLAGS, "-ldflags", "-s -w", "-o", os.fspath(part), *what]
        subprocess.run(argv, cwd=module, env={**os.environ, **ENVIRONMENT}, check=True)
        part.rename(done)
    return done


def _release(version: str) -> str:
    """What a program calls itself: repositories without Go's versions (`v29.7.2+incompatible`) write no `v`."""
    return version.removeprefix("v").removesuffix("+incompatible") if version.endswith("+incompatible") else version


def _counts(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    fetched = sum(line.startswith("go: downloading") for line in lines)
    return f"{fetched} modules fetched, {len(lines) - fetched} packages compiled"


@contextmanager
def _only_one_build(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another build in {folder}", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
