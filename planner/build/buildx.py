"""Builds images: writes the context, runs buildx, reads its news, and has the result verified."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from planner.build.command import Paths, build_arguments
from planner.build.context import Contexts
from planner.build.engine import Engine, is_there, knock
from planner.build.entitlements import Allowed, granted
from planner.build.layout import Layout
from planner.build.policy import source_policy
from planner.build.processes import Client, Clients, Questions
from planner.build.proxies import refuse_filled
from planner.build.pulse import Pulse
from planner.build.rawjson import Reading
from planner.build.results import Results
from planner.digest.build_policy import MAX_POLICY, SUFFIX
from planner.errors import BuilderAway, BuilderError, StateError, UsageError
from planner.model.build import BuildRequest, BuildResult, FilesContext, Store, Stored
from planner.model.image import ImageName
from planner.ports import BuildCancelled, BuildFailed, Passing, Registry, StepNews, StepState, Tree
from planner.schedule.requests import context_id
from planner.system import given_files

MAX_LINE = 8 << 20
LONGEST_NAME = 200
SOURCE_POLICY = "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY"
"""The variable by which buildx takes a source policy (build/build.go, v0.36.1)."""
NO_IGNORE = "# The context holds exactly the files that count.\n"
"""A specific ignore file that ignores nothing: it keeps a `.dockerignore` among the files from being read again.

It must not be empty: BuildKit may take an empty one for none (dockerui/config.go, v0.32.2).
"""


@dataclass(frozen=True, kw_only=True)
class Folders:
    """Where a run keeps things: `run` for what it may throw away, `logs` and `layout` for what stays."""

    workspace: Path
    run: Path
    logs: Path
    layout: Path


class BuildxBuilder:
    """A Builder over one engine. See `planner.ports.Builder`."""

    def __init__(
        self,
        engine: Engine,
        folders: Folders,
        tree: Tree,
        registry: Registry | None,
        caches: Mapping[ImageName, Sequence[str]] | None = None,
        *,
        contexts: Contexts | None = None,
        limit: float = 0.0,
        allowed: Allowed | None = None,
    ) -> None:
        """`caches` are words for buildx about layer caches, by image. A build that takes longer than `limit` seconds

        is stopped and has failed; 0 is no limit. Builders of one run share their `contexts`. Builds have nothing of the
        machine beside the workspace but what is `allowed`.
        """
        self.engine = engine
        self.folders = folders
        self.caches = caches or {}
        self.layout = Layout(folders.layout)
        self.contexts = contexts or Contexts(folders.run / "contexts", tree)
        self.limit = limit
        self.allowed = allowed or Allowed()
        self._clients = Clients(folders.workspace)
        self._results = Results(engine.store, self.layout, registry)
        self._questions = Questions()
        self._pulse = Pulse(self.answers, self._clients.lose)

    def build(self, request: BuildRequest, tell: Callable[[StepNews], None]) -> BuildResult:
        """See Builder."""
        began = time.monotonic()
        refuse_filled(request, self.engine.environment)
        request = self._granted(request)
        if self.engine.address:
            knock(self.engine.spec, self.engine.address, ending=lambda: self._clients.cancelled)
        self._expect_back(self._telling(request, tell))
        store = Store.REGISTRY if request.repository else self.engine.store
        try:
            with self._folder(request) as folder:
                environment = self._environment(request, folder)
                paths = self._paths(request, folder)
                by_tag = self.engine.store is Store.ENGINE
                cache = self._caches(request, tell)
                argv = [*self.engine.argv, *build_arguments(request, paths, store, by_tag=by_tag, cache=cache)]
                reading = self._run(request, argv, environment, tell)
                stored = self._results.verified(request, store, Path(paths.metadata))
        except OSError as error:
            raise StateError(_disk(error)) from error
        return BuildResult(image=stored, seconds=time.monotonic() - began, steps=reading.steps())

    def _telling(self, request: BuildRequest, tell: Callable[[StepNews], None]) -> Callable[[str], None]:
        """Tells of the engine, as a warning of the image that waits for it."""
        spec, image, warning = self.engine.spec, request.image, StepState.WARNING
        return lambda text: tell(StepNews(image=image, step=spec or "the builder", state=warning, text=text))

    def _expect_back(self, tell: Callable[[str], None]) -> None:
        """Raises BuilderAway for an engine that was given up and does not answer yet, BuildCancelled."""
        if not self._pulse.is_back(tell, lambda: self._clients.cancelled):
            if self._clients.cancelled:
                raise BuildCancelled
            raise BuilderAway(f"{self.engine.spec} still does not answer")

    def _granted(self, request: BuildRequest) -> BuildRequest:
        try:
            return granted(request, self.allowed, self.folders.workspace, self.engine.environment)
        except BuilderError as error:
            raise BuildFailed(step="", message=str(error)) from error

    @contextlib.contextmanager
    def _folder(self, request: BuildRequest) -> Iterator[Path]:
        folder = self.folders.run / "builds" / _file_name(request.image)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _paths(self, request: BuildRequest, folder: Path) -> Paths:
        self.layout.prepare()
        layout = folder / "layout"
        self.layout.open_for_build(layout)
        named = [(name, context) for name, context in request.contexts if isinstance(context, FilesContext)]
        contexts = {
            name: os.fspath(self.contexts.folder(context, context_id(context)))
            for name, context in [("", request.context), *named]
        }
        dockerfile = self._dockerfile(request, folder / "dockerfile")
        metadata = folder / "metadata.json"
        return Paths(
            dockerfile=os.fspath(dockerfile),
            contexts=contexts,
            metadata=os.fspath(metadata),
            layout=os.fspath(layout),
            store=os.fspath(self.layout.root),
        )

    @staticmethod
    def _dockerfile(request: BuildRequest, folder: Path) -> Path:
        """Write the Dockerfile, and its policy beside it.

        Its name holds the key, since BuildKit takes equal names, sizes and times for equal.
        """
        folder.mkdir()
        place = folder / f"{request.key}.Dockerfile"
        place.write_bytes(request.dockerfile)
        place.with_name(f"{place.name}.dockerignore").write_text(NO_IGNORE)
        if request.policy is not None:
            place.with_name(f"{place.name}{SUFFIX}").write_bytes(request.policy)
        return place

    def _environment(self, request: BuildRequest, folder: Path) -> Mapping[str, str]:
        """That of the engine, with a policy that holds ADD to what is locked, beside the user's own one.

        Raises UsageError for a policy of the user's that cannot be read: no build goes past it.
        """
        if not request.sources:
            return self.engine.environment
        own = self.engine.environment.get(SOURCE_POLICY, "")
        try:
            policy = source_policy(request.sources, given_files.read(own, MAX_POLICY) if own else b"")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else f"is no source policy: {error}"
            raise UsageError(f"{SOURCE_POLICY}={own}: {why}") from error
        place = folder / "sources.json"
        place.write_text(policy)
        return {**self.engine.environment, SOURCE_POLICY: os.fspath(place)}

    def _run(
        self, request: BuildRequest, argv: list[str], environment: Mapping[str, str], tell: Callable[[StepNews], None]
    ) -> Reading:
        reading = Reading(request.image, request.untold)
        self.folders.logs.mkdir(parents=True, exist_ok=True)
        with (
            open(log_of(self.folders.logs, request.image), "w", encoding="utf-8", errors="backslashreplace") as log,
            self._clients.started(argv, environment, self.limit) as client,
            self._pulse.watched(self._telling(request, tell)),
        ):
            for line in client.lines(MAX_LINE):
                if not client.lost:  # What buildx says of its own end is no news of the engine.
                    self._pulse.beat()
                for news in reading.line(line.decode("utf-8", "replace")):
                    log.write(_log_line(news))
                    # Output goes to the log alone: builds say more than whoever is told of all of them can take in.
                    if news.state is not StepState.LOG:
                        tell(news)
                if reading.forbidden is not None:  # Ended before the result is named anywhere.
                    log.write(f"{reading.forbidden.message}\n")
                    raise reading.forbidden
            log.writelines(_log_line(news) for news in reading.last_words())
            for news in reading.cache_troubles():
                log.write(_log_line(news))
                tell(news)
            status = client.process.wait()
            if self._clients.cancelled:
                raise BuildCancelled
            if status:
                failure = self._ended(client, reading, status)
                log.write("\n".join([failure.message, *reading.plain]) + "\n")
                raise failure
        return reading

    def _ended(self, client: Client, reading: Reading, status: int) -> BuildFailed:
        if client.late:
            return reading.stopped(_late(self.limit))
        return reading.stopped(_lost(self.engine.spec), Passing.ENGINE) if client.lost else reading.failure(status)

    def _caches(self, request: BuildRequest, tell: Callable[[StepNews], None]) -> Sequence[str]:
        """The words about layer caches that the engine takes: one that cannot be written never fails a build."""
        words = self.caches.get(request.image, ())
        imports = [word for word in words if not word.startswith("--cache-to=")]
        if self.engine.store is Store.ENGINE and len(imports) < len(words):
            from planner.build.docker_engine import writes_caches

            if not writes_caches():
                why = "a Docker Engine with the image store of old writes none; containerd's does"
                tell(StepNews(image=request.image, step="exporting cache", state=StepState.WARNING, text=why))
                return imports
        return words

    def close(self) -> None:
        """Ask nothing more, and remove what stands outside the run's folder."""
        self._questions.end()
        self.contexts.remove_spare()

    def cancel(self) -> None:
        """See Builder. The first call asks, and kills what has not ended after a while; the second kills at once."""
        self._questions.end()
        self._clients.cancel()

    def answers(self) -> bool:
        """See Builder."""
        return is_there(self.engine, self._questions)

    def name(self, request: BuildRequest, image: Stored) -> None:
        """See Builder."""
        self._results.name(request, image)

    def holds(self, image: Stored) -> bool:
        """See Builder."""
        return self._results.holds(image)


def log_of(logs: Path, image: ImageName) -> Path:
    """The log of an image's last build, in the folder of logs."""
    return logs / f"{_file_name(image)}.log"


def _file_name(image: str) -> str:
    """A file name of its own for each image name, which may hold a slash and be longer than a file's name may be."""
    name = urllib.parse.quote(image, safe="")
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME // 2]}-{hashlib.sha256(image.encode()).hexdigest()}"


def _log_line(news: StepNews) -> str:
    if news.state is StepState.LOG:
        return f"{news.text}\n"
    return f"== {news.step}: {news.state}{f': {news.text}' if news.text else ''}\n"


def _late(limit: float) -> str:
    return f"took longer than {limit:g} s, so it was stopped: allow more with --timeout-per-image, or none at all"


def _lost(spec: str) -> str:
    return f"{spec} does not answer any more, nor by another connection: the build there was given up"


def _disk(error: OSError) -> str:
    place = error.filename or "the state folder"
    return (
        f"{place}: {error.strerror}\n  the state folder needs room and must be writable; --state DIR names another one"
    )
