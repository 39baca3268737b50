"""Turns the files of a Compose project into its services: overrides merged, includes and extends followed.

Follows the loader of compose-go v2.13.0. Reads no file that is not in the workspace, and not without end.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from planner.errors import DefinitionError, InputError, Mistake, one_of
from planner.model.frozen import dataclass, replace
from planner.model.image import Span
from planner.ports import Tree
from planner.sources.dockerfile_places import place_of
from planner.sources.doors.compose import dotenv
from planner.sources.doors.compose.consistency import check
from planner.sources.doors.compose.document import Document, Documents, path_below
from planner.sources.doors.compose.merge import merged, settled
from planner.sources.doors.compose.mistakes import Mistakes
from planner.sources.doors.compose.records import Project, Service
from planner.sources.doors.compose.service import service_of
from planner.sources.doors.compose.template import Lookup
from planner.sources.doors.compose.values import Fields, Listing, Mark, Scalar, Type, Value

MAX_FILE = 8 << 20
MAX_FILES = 500
MAX_DEPTH = 40
ENV = ".env"
_REMOTE = ("://", "git@", "github.com/", "oci:")


def read(
    files: Sequence[str],
    tree: Tree,
    environment: Mapping[str, str],
    *,
    env_files: Sequence[str] = (),
    profiles: Sequence[str] = (),
) -> Project:
    """The project that files make, the first before its overrides; `"*"` among the profiles enables every service.

    Paths are relative to the first file's folder. Variables are those of the environment, then of `env_files` (else of
    the `.env` beside the first file). Raises DefinitionError with all mistakes of all files.
    """
    mistakes = Mistakes()
    base = posixpath.dirname(files[0]) or "."
    loader = _Loader(tree, mistakes)
    lookup = loader.variables(env_files or default_env_files(tree, base, environment), environment.get)
    parts = loader.files(files, base, lookup)
    mistakes.stop()
    secrets = _settled(parts.secrets)
    found = {
        name: service_of(name, fields, secrets, lookup, mistakes) for name, fields in _settled(parts.services).items()
    }
    asked = profiles or [name.strip() for name in (lookup("COMPOSE_PROFILES") or "").split(",")]
    project = Project(services=found, enabled=frozenset(one.name for one in found.values() if _is_enabled(one, asked)))
    check(project, mistakes)
    mistakes.stop()
    return project


def _settled(parts: Mapping[str, Fields]) -> dict[str, Fields]:
    return {name: settled(fields) for name, fields in parts.items() if fields.mark is not Mark.RESET}


def _is_enabled(service: Service, profiles: Sequence[str]) -> bool:
    return not service.profiles or "*" in profiles or any(name in profiles for name in service.profiles)


def default_env_files(tree: Tree, base: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The files with variables that are read where none is named."""
    named = environment.get("COMPOSE_ENV_FILES", "")
    if named:
        return tuple(posixpath.normpath(name) for name in named.split(","))
    if environment.get("COMPOSE_DISABLE_ENV_FILE", "").lower() in ("1", "t", "true"):
        return ()
    place = posixpath.normpath(posixpath.join(base, ENV))
    return (place,) if place_of(tree, place) is not None else ()


@dataclass(frozen=True, slots=True)
class _Parts:
    """What files say together: services and secrets by name."""

    services: dict[str, Fields]
    secrets: dict[str, Fields]


class _Loader:
    """Reads files, each as often as it is named; counts them, since a file may name others."""

    def __init__(self, tree: Tree, mistakes: Mistakes) -> None:
        self.tree = tree
        self.mistakes = mistakes
        self.count = 0

    def variables(self, files: Sequence[str], outer: Lookup) -> Lookup:
        """The variables of the environment, and below them those of files."""
        found: dict[str, str] = {}
        for file in files:
            data = self.bytes(file, Span(file=file, line=0), "the file with variables")
            if data is not None:
                found = dotenv.read(data, file, found, outer)
        if not found:
            return outer

        def look(name: str) -> str | None:
            value = outer(name)
            return found.get(name) if value is None else value

        return look

    def bytes(self, path: str, place: Span, what: str) -> bytes | None:
        """The bytes of a file of the workspace, links followed; None and a mistake where there is none.

        Raises DefinitionError for more than MAX_FILES.
        """
        self.count += 1
        if self.count > MAX_FILES:
            raise DefinitionError(
                [Mistake(file=place.file, line=place.line, what=f"names more than {MAX_FILES} files")]
            )
        if path.startswith(("/", "../")) or path == "..":
            hint = "start in a folder that holds all files: -C DIR -f DIR/compose.yaml"
            self.mistakes.wrong(place, f'{what} "{path}" is out of the workspace', hint)
            return None
        at = place_of(self.tree, path)
        try:
            if at is not None:
                return self.tree.read(at, MAX_FILE + 1)
            self._missing(path, place, what)
        except InputError as error:
            self.mistakes.wrong(place, f'{what} "{path}" cannot be read: {error}')
        return None

    def _missing(self, path: str, place: Span, what: str) -> None:
        hint = "a link may lead to a file of the workspace only" if self.tree.entry(path) is not None else ""
        self.mistakes.wrong(place, f'{what} "{path}" is not there', hint)

    def files(
        self, files: Sequence[str], base: str, lookup: Lookup, chain: tuple[str, ...] = (), place: Span | None = None
    ) -> _Parts:
        """What files say, each over those before it; `place` is where they are named."""
        whole = _Parts({}, {})
        for file in files:
            data = self.bytes(file, place or Span(file=file, line=0), "the Compose file")
            if data is None:
                continue
            for document in Documents(self.mistakes, lookup, base).read(data, file):
                one = self._document(document, file, base, lookup, (*chain, file))
                self._merge(one.services, whole.services, "services")
                self._merge(one.secrets, whole.secrets, "secrets")
        return _Parts({name: _in_context(fields, base) for name, fields in whole.services.items()}, whole.secrets)

    def _merge(self, new: Mapping[str, Fields], into: dict[str, Fields], path: str) -> None:
        for name, fields in new.items():
            value = merged(into.get(name), fields, self.mistakes, f"{path}.{name}")
            if isinstance(value, Fields):
                into[name] = value

    def _document(self, document: Document, file: str, base: str, lookup: Lookup, chain: tuple[str, ...]) -> _Parts:
        """One document with what it includes below its own, and with what its services extend."""
        parts = _Parts({}, {})
        for entry in document.include:
            included = self._included(entry, base, lookup, chain)
            for name, fields in _settled(included.services).items():
                parts.services.setdefault(name, fields)
            for name, fields in _settled(included.secrets).items():
                parts.secrets.setdefault(name, fields)
        self._merge(document.services, parts.services, "services")
        self._merge(document.secrets, parts.secrets, "secrets")
        extending = _Extending(self, parts.services, file, lookup)
        return _Parts({name: extending.service(name, ()) for name in parts.services}, parts.secrets)

    def _included(self, entry: Value, base: str, lookup: Lookup, chain: tuple[str, ...]) -> _Parts:
        fields = entry if isinstance(entry, Fields) else Fields({"path": entry}, entry.place)
        paths = [path_below(base, text, lookup) for text in self._texts(fields, "path") if self._is_local(text, entry)]
        if not paths:
            return _Parts({}, {})
        if paths[0] in chain or len(chain) > MAX_DEPTH:
            self.mistakes.wrong(entry.place, f"include: goes round in a cycle, {' → '.join([*chain, paths[0]])}")
            return _Parts({}, {})
        folders = self._texts(fields, "project_directory")
        folder = path_below(base, folders[0], lookup) if folders else posixpath.dirname(paths[0]) or "."
        named = [path_below(base, text, lookup) for text in self._texts(fields, "env_file") if text != "/dev/null"]
        beside = posixpath.normpath(posixpath.join(folder, ENV))
        if "env_file" not in fields.entries and place_of(self.tree, beside) is not None:
            named = [beside]
        return self.files(paths, folder, self.variables(named, lookup), chain, entry.place)

    def _texts(self, fields: Fields, name: str) -> list[str]:
        value = fields.entries.get(name)
        items = value.items if isinstance(value, Listing) else () if value is None else (value,)
        found = [item.text for item in items if isinstance(item, Scalar) and item.type is Type.TEXT and item.text]
        if len(found) != len(items) or (name == "path" and not found):
            self.mistakes.wrong(fields.place, f"include: {name}: must be a path or a list of paths")
        return found

    def _is_local(self, text: str, value: Value) -> bool:
        if any(sign in text for sign in _REMOTE[:1]) or text.startswith(_REMOTE[1:]):
            hint = "the planner asks no network for definitions: copy the file into the workspace"
            self.mistakes.wrong(value.place, f'"{text}" is a remote file', hint)
            return False
        return True

    def extended(self, value: Scalar, lookup: Lookup) -> tuple[dict[str, Fields], str] | None:
        """The services of a file that a service extends one of, before they extend any themselves, and its path."""
        if not self._is_local(value.text, value):
            return None
        path = value.text
        data = self.bytes(path, value.place, "extends: the file")
        if data is None:
            return None
        services: dict[str, Fields] = {}
        for document in Documents(self.mistakes, lookup, posixpath.dirname(path) or ".").read(data, path):
            self._merge(document.services, services, "services")
        return services, path


def _in_context(fields: Fields, base: str) -> Fields:
    """A service whose build names no context is built in the folder of its project."""
    build = fields.entries.get("build")
    written = build.entries.get("context") if isinstance(build, Fields) else None
    if not isinstance(build, Fields) or (written is not None and written.mark is not Mark.RESET):
        return fields
    context = Scalar(base, Type.TEXT, build.place)
    build = replace(build, entries={**build.entries, "context": context})
    return replace(fields, entries={**fields.entries, "build": build})


class _Extending:
    """Follows `extends` among the services of one file."""

    def __init__(self, loader: _Loader, services: Mapping[str, Fields], file: str, lookup: Lookup) -> None:
        self.loader = loader
        self.services = services
        self.file = file
        self.lookup = lookup
        self.done: dict[str, Fields] = {}

    def service(self, name: str, path: tuple[tuple[str, str], ...]) -> Fields:
        """A service over the one that it extends."""
        if name not in self.done:
            fields = self.services[name]
            told = fields.entries.get("extends")
            self.done[name] = self._over(name, fields, told, path) if isinstance(told, Fields) else fields
        return self.done[name]

    def _over(self, name: str, fields: Fields, told: Fields, path: tuple[tuple[str, str], ...]) -> Fields:
        mistakes = self.loader.mistakes
        own = Fields(
            {key: value for key, value in fields.entries.items() if key != "extends"},
            fields.place,
            fields.mark,
            fields.places,
        )
        here = (*path, (self.file, name))
        service, file = told.entries.get("service"), told.entries.get("file")
        if not isinstance(service, Scalar) or service.type is not Type.TEXT:
            mistakes.wrong(told.place, f"services.{name}.extends: names no service")
            return own
        extending: _Extending | None = self
        if isinstance(file, Scalar) and file.text:
            extending = self._in_file(file)
        if extending is None:
            return own
        if (extending.file, service.text) in here or len(here) > MAX_DEPTH:
            cycle = " → ".join(f"{one} in {at}" for at, one in (*here, (extending.file, service.text)))
            mistakes.wrong(service.place, f"services.{name}.extends: goes round in a cycle, {cycle}")
            return own
        if service.text not in extending.services:
            hint = one_of(service.text, list(extending.services))
            what = f'services.{name}.extends: no service is named "{service.text}" in {extending.file}'
            mistakes.wrong(service.place, what, hint)
            return own
        base = extending.service(service.text, here)
        value = merged(settled(base), own, mistakes, f"services.{name}")
        return Fields(value.entries, own.place, fields.mark, own.places) if isinstance(value, Fields) else own

    def _in_file(self, file: Scalar) -> _Extending | None:
        found = self.loader.extended(file, self.lookup)
        if found is None:
            return None
        return _Extending(self.loader, found[0], found[1], self.lookup)
