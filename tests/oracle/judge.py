"""Runs the judge: BuildKit's own frontend and copy code, see `.ci/judge`. Answers come in any order."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.model.image import EPOCH, YEAR_2000
from tests.engine import toolchain
from tests.engine.engine import Engine
from tests.engine.gomodule import CHECKOUT, ENVIRONMENT, FLAGS, cache_folder
from tests.oracle import bases
from tests.oracle.case import CONTEXT, Case

MODULE = CHECKOUT / ".ci" / "engine"
SOURCES = CHECKOUT / ".ci" / "judge"


@dataclass(frozen=True)
class Built:
    """An image that was really built: its configuration and the contents of its layers are without times.

    `uncached` are the steps that ran.
    """

    digest: str
    config: str
    layers: tuple[str, ...]
    contents: tuple[str, ...]
    uncached: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """`value` is equal for equal images; empty where the frontend refuses (`error`) or a file is missing (`broken`).

    `open` says that something is fetched from the network which may be another thing every time: equal values do not
    mean equal images then.
    """

    value: str = ""
    error: str = ""
    broken: str = ""
    files: str = ""
    open: bool = False
    lines: tuple[str, ...] = ()
    built: Built | None = None

    @property
    def works(self) -> bool:
        return bool(self.value)


def program() -> Path:
    """The judge, built once for its sources and the engine's pinned modules."""
    digest = hashlib.sha256(platform.machine().encode())
    sources = sorted(SOURCES.glob("*.go"))
    for file in (MODULE / "go.mod", MODULE / "go.sum", *sources):
        digest.update(file.read_bytes())
    done = cache_folder() / "bin" / f"judge-{digest.hexdigest()[:16]}"
    if not done.exists():
        go = toolchain.find_or_install((1, 26), cache_folder())
        done.parent.mkdir(parents=True, exist_ok=True)
        part = done.with_name(f"{done.name}.{os.getpid()}")
        argv = [os.fspath(go), "build", *FLAGS, "-ldflags", "-s -w", "-o", os.fspath(part), *map(os.fspath, sources)]
        subprocess.run(argv, cwd=MODULE, env={**os.environ, **ENVIRONMENT}, check=True)
        part.rename(done)
    return done


class Judge:
    """One running judge."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.waiting: dict[int, Future[Verdict]] = {}
        self.count = 0
        self.lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def ask(
        self, case: Case, root: Path, *, verbose: bool = False, sent: tuple[Path, dict[str, str]] | None = None
    ) -> Future[Verdict]:
        """The verdict on a case that is written at `root`; `sent` names other contexts to take its files from."""
        context, named = sent or (root / CONTEXT, case.named)
        return self._ask(case, root, context, named, {"exact": sent is not None, "verbose": verbose})

    def build(
        self,
        case: Case,
        root: Path,
        store: Path,
        parents: dict[str, str],
        *,
        context: Path,
        named: dict[str, str],
        exact: bool = False,
    ) -> Future[Verdict]:
        """Really build a case that is written at `root` and keep the image in `store`.

        `parents` are images of the store by the names that the Dockerfile may call them. A verdict without `built` has
        the error. Unless it is `exact`, folders of which the ignore file leaves no file are not there.
        """
        return self._ask(case, root, context, named, {"store": os.fspath(store), "parents": parents, "exact": exact})

    def _ask(
        self, case: Case, root: Path, context: Path, named: dict[str, str], more: dict[str, Any]
    ) -> Future[Verdict]:
        folder, _, name = case.dockerfile.rpartition("/")
        future: Future[Verdict] = Future()
        with self.lock:
            self.count += 1
            self.waiting[self.count] = future
            request: dict[str, Any] = {
                "id": self.count,
                "dockerfile": os.fspath(root / folder),
                "filename": name,
                "context": os.fspath(context),
                "named": {name: _place(root, value) for name, value in named.items()},
                "args": {EPOCH: YEAR_2000, **case.args},  # As the planner asks for every build.
                "labels": case.labels,
                "target": case.target,
                "platform": case.platform,
                "network": case.network,
                **more,
            }
            assert self.process.stdin is not None
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        return future

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            document = json.loads(line)
            known = {name: document[name] for name in ("value", "error", "broken", "files", "open") if name in document}
            verdict = Verdict(**known, lines=tuple(document.get("lines", ())), built=_built(document))
            self.waiting.pop(document["id"]).set_result(verdict)
        for future in self.waiting.values():
            future.set_exception(RuntimeError("the judge ended"))


def _built(document: dict[str, Any]) -> Built | None:
    if "error" in document or "digest" not in document:
        return None
    return Built(
        digest=document["digest"],
        config=document["config"],
        layers=tuple(document.get("layers", ())),
        contents=tuple(document.get("contents", ())),
        uncached=tuple(document.get("uncached", ())),
    )


def _place(root: Path, value: str) -> str:
    return value if "://" in value else os.fspath(root / value)


@contextmanager
def running_judge(engine: Engine, parallel: int = 2) -> Iterator[Judge]:
    """Start a judge beside an engine, and end it."""
    bases.push(engine)
    process = subprocess.Popen(
        [os.fspath(program()), f"-addr={engine.address}", f"-parallel={parallel}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Judge(process)
    finally:
        assert process.stdin is not None
        with suppress(OSError):  # It may have ended.
            process.stdin.close()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
