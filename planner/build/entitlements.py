"""Tells what a build takes of this machine beside the files of its workspace, and refuses what nobody allowed.

A graph file may be a stranger's. Whoever starts the build allows more than the workspace: files outside of it, the ssh
agent, the host's network, devices, privileges; in the words of `docker buildx bake --allow` (bake/entitlements.go of
buildx v0.36.1). Environment variables are free, as for Bake: variables of graph files read them too.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from planner.build.command import csv_field
from planner.errors import BuilderError, UsageError, one_of
from planner.model.build import BuildRequest, UrlContext
from planner.model.image import Image, ImageName
from planner.sources.doors.bake.flags import secret_entry
from planner.sources.doors.bake.trouble import Wrong

VARIABLE = "PLANNER_ALLOW"
"""The variable that allows the same as `--allow`: entries with commas between them."""
READ, SSH, HOST, DEVICE = "fs.read", "ssh", "network.host", "device"
PLAIN = (HOST, "security.insecure", SSH, DEVICE)
LAYOUT = "oci-layout://"
_OF_LAYOUT = re.compile(r"(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?", re.ASCII)
"""What stands behind the path of a layout: a tag, and a digest."""
FETCHED = ("http://", "https://", "docker-image://")
"""Contexts that buildx hands to the engine however they go on; it takes any other for a folder where it can."""
_ENDS = frozenset("\n\r\0")
ANY = f"{READ}=*"
SHOWN = 20
"""Images that a refusal names."""
_WHAT = {
    SSH: "uses the ssh agent",
    HOST: "runs in the host's network",
    "security.insecure": "runs with all privileges",
    DEVICE: "uses devices of the machine",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowed:
    """What builds may have beside the workspace: the words that say so, and the places that may be read, resolved."""

    words: frozenset[str] = frozenset()
    places: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Something that an image takes of the machine: the word that allows it, and in words; `path` as it is written."""

    word: str
    what: str
    path: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Examined:
    """The wishes of an image, and its secrets, keys and contexts by the places that were looked at."""

    wishes: tuple[Wish, ...]
    secrets: tuple[str, ...]
    ssh: tuple[str, ...]
    urls: Mapping[str, str]


def allowed_by(texts: Iterable[str], environment: Mapping[str, str]) -> Allowed:
    """What a command line and the environment allow. Raises UsageError.

    A policy beside the graph file has no say in it: it is a file of whoever wrote the graph.
    """
    words: set[str] = set()
    places: list[str] = []
    given = filter(None, map(str.strip, environment.get(VARIABLE, "").split(",")))
    for where, text in (*(("--allow", text) for text in texts), *((VARIABLE, text) for text in given)):
        name, equals, value = text.partition("=")
        if name == READ and value and text != ANY:
            places.append(os.path.realpath(value))
        elif text == ANY or (name in PLAIN and not equals) or (name == DEVICE and value):
            words.add(text)
        else:
            hint = one_of(name, (*PLAIN, READ)) or f"there are {', '.join(PLAIN)}, {DEVICE}=NAME and {READ}=PATH"
            raise UsageError(f'{where} "{text}": is nothing that a build can be allowed\n  {hint}')
    return Allowed(words=frozenset(words), places=tuple(places))


def wishes_of(image: Image, urls: Iterable[str], workspace: Path, environment: Mapping[str, str]) -> tuple[Wish, ...]:
    """What an image takes of the machine; `urls` are its contexts that are no files. Raises BuilderError."""
    return _examined(image, image.name, urls, workspace, environment).wishes


def refuse_unallowed(wishes: Mapping[ImageName, tuple[Wish, ...]], allowed: Allowed) -> None:
    """Raise BuilderError that names all that nobody allowed, and the words that would."""
    missing = {name: [one for one in found if not _covers(allowed, one.word)] for name, found in wishes.items()}
    lines = [f"  {name}: {wish.what}" for name, found in missing.items() for wish in found]
    if not lines:
        return
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"  and {len(lines) - SHOWN} more"]
    words = sorted({wish.word for found in missing.values() for wish in found})
    told = " ".join(f"--allow {shlex.quote(word)}" for word in words)
    raise BuilderError(
        "refused: nobody allowed what these images take of this machine\n"
        + "\n".join(lines)
        + f"\n  where you trust what their Dockerfiles run, allow it: {told}"
    )


def granted(request: BuildRequest, allowed: Allowed, workspace: Path, environment: Mapping[str, str]) -> BuildRequest:
    """The request, with the places that were looked at in place of the paths that led there.

    So nothing else is read than what was allowed. Raises BuilderError for more than that.
    """
    urls = [context.url for _, context in request.contexts if isinstance(context, UrlContext)]
    found = _examined(request, request.image, urls, workspace, environment)
    refuse_unallowed({request.image: found.wishes}, allowed)
    contexts = tuple(
        (name, UrlContext(url=found.urls[context.url]) if isinstance(context, UrlContext) else context)
        for name, context in request.contexts
    )
    return replace(request, secrets=found.secrets, ssh=found.ssh, contexts=contexts)


def _examined(
    declared: Image | BuildRequest,
    name: ImageName,
    urls: Iterable[str],
    workspace: Path,
    environment: Mapping[str, str],
) -> _Examined:
    reader = _Reader(name, os.path.realpath(workspace), environment)
    secrets = tuple(map(reader.secret, declared.secrets))
    ssh = tuple(map(reader.ssh, declared.ssh))
    contexts = {url: reader.context(url) for url in urls}
    reader.options(declared.network, declared.options)
    return _Examined(wishes=tuple(dict.fromkeys(reader.wishes)), secrets=secrets, ssh=ssh, urls=contexts)


class _Reader:
    """Reads what one image declares as buildx does, and notes what that takes of the machine."""

    def __init__(self, name: ImageName, workspace: str, environment: Mapping[str, str]) -> None:
        self.name = name
        self.workspace = workspace
        self.environment = environment
        self.wishes: list[Wish] = []

    def secret(self, text: str) -> str:
        """A secret without a file or a variable is the variable of its id where there is one, else the file."""
        try:
            entry = {key: str(value) for key, value in secret_entry(text if "=" in text else f"id={text}").items()}
        except Wrong as error:
            raise BuilderError(f"{self.name}: secrets: {error}") from error
        if not entry["src"] and not entry["env"]:
            entry["env" if entry["id"] in self.environment else "src"] = entry["id"]
        if entry["src"]:
            entry["src"] = self._path(entry["src"], f"secret {entry['id']}")
        if not _ENDS.isdisjoint(text):
            raise BuilderError(f"{self.name}: secrets: {text!r} cannot be given to a build")
        return ",".join(csv_field(key, value) for key, value in entry.items() if value)

    def ssh(self, text: str) -> str:
        """An agent or keys; an empty path is the agent of the environment."""
        name, _, paths = text.partition("=")
        found = [self._path(path, f"ssh {name}") for path in paths.split(",") if path]
        if any("," in path for path in found):
            raise BuilderError(f"{self.name}: ssh: a path with a comma cannot be given to a build")
        if len(found) < len(paths.split(",")):
            self.wishes.append(Wish(word=SSH, what=_WHAT[SSH]))
        return f"{name}={','.join(found)}" if found else name

    def context(self, url: str) -> str:
        """A context that is no files of the workspace: an address, or an image layout on the disk.

        What buildx takes for no address is a folder for it, `foo://../..` too.
        """
        if url.startswith(LAYOUT):
            path = re.split("[:@]", url.removeprefix(LAYOUT), maxsplit=1)[0]
            rest = url.removeprefix(LAYOUT + path)
            path = self._path(path, "an image layout")
            if not _OF_LAYOUT.fullmatch(rest) or ":" in path or "@" in path:
                raise BuilderError(f"{self.name}: {url}: write {LAYOUT}PATH@sha256:…, with neither : nor @ in the path")
            return f"{LAYOUT}{path}{rest}"
        if not url.startswith(FETCHED) and os.path.lexists(os.path.join(self.workspace, url)):  # noqa: PTH118
            raise BuilderError(f"{self.name}: the named context {url} is an address, and there is a file of that name")
        return url

    def options(self, network: str, options: Iterable[tuple[str, str]]) -> None:
        """The network, and what Bake and Compose call entitlements."""
        rights = [value for name, value in options if name == "allow"] + ([HOST] if network == "host" else [])
        for right in rights:
            word = right.partition(",")[0]
            self.wishes.append(Wish(word=word, what=_WHAT.get(word, f"uses {word}")))

    def _path(self, written: str, why: str) -> str:
        place = os.path.realpath(os.path.join(self.workspace, written.replace("\0", "\n")))  # noqa: PTH118
        if not _ENDS.isdisjoint(place):
            raise BuilderError(f"{self.name}: {place!r}: such a path cannot be given to a build")
        # Git's own folder may hold a login, and is part of no context either.
        if not _below(place, self.workspace) or ".git" in place.removeprefix(self.workspace).split("/"):
            self.wishes.append(Wish(word=f"{READ}={place}", what=f"reads {place} ({why})", path=written))
        return place


def _covers(allowed: Allowed, word: str) -> bool:
    name, _, value = word.partition("=")
    if word in allowed.words or (name == DEVICE and DEVICE in allowed.words):
        return True
    return name == READ and (ANY in allowed.words or any(_below(value, place) for place in allowed.places))


def _below(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder.rstrip("/") + "/")
