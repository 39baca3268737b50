"""Turns the targets of Bake that are images into a Family, and says what the planner cannot build as Bake would.

Images are the targets of all groups that the files write, and without any such group all targets that no other
inherits; and what those link to. A target that calls something else than a build makes no image.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from planner.errors import DefinitionError, Mistake
from planner.model.image import DEFAULT_PLATFORM, Doubt, Family, Image, ImageName, Span
from planner.model.names import Platform, Published
from planner.sources.doors.bake.config import Config
from planner.sources.doors.bake.named import REGISTRY
from planner.sources.doors.bake.resolving import Resolver
from planner.sources.doors.bake.target import Entry, Target
from planner.sources.doors.bake.trouble import Wrong, plain
from planner.sources.doors.contested import apart
from planner.sources.doubts import TAGS
from planner.sources.fetched import REMOTE

NETWORKS = {"": "", "default": "", "none": "none", "host": "host"}
BUILD_CALLS = (None, "", "build")
RELATIVE = "BUILDX_BAKE_FILE_RELATIVE_PATHS"
_WORDS = ("target", "args", "contexts", "labels", "secrets", "ssh", "options")
"""The fields of an image that become words of a command."""
_SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,18})?) ?([kmgtp]?)(?:i?b)?")


def family_of(
    file: str, config: Config, sets: Sequence[str], environment: Mapping[str, str], say: Callable[[str], None]
) -> Family:
    """The family of a configuration. Raises DefinitionError with all mistakes."""
    if environment.get(RELATIVE, "").strip().lower() in ("1", "t", "true"):
        hint = "start the planner in the folder of the file, with -C DIR"
        raise DefinitionError(
            [Mistake(file=file, what=f"{RELATIVE} is set, which the planner does not read", hint=hint)]
        )
    try:
        resolver = Resolver(config, sets, environment)
        names = []
        for name in image_names(config):
            if name in config.targets:
                names.append(name)
            else:
                say(f'{file}: a group names "{name}", and there is no such target: Bake refuses to build that group')
        targets = resolver.resolved(names).targets if names else ()
    except Wrong as error:
        raise DefinitionError([error.mistake]) from error
    return of_targets(file, targets, config.unknown.get("", ()), environment, say)


def of_targets(
    file: str,
    targets: Sequence[Target],
    unknown: Sequence[tuple[str, Span]],
    environment: Mapping[str, str],
    say: Callable[[str], None],
) -> Family:
    """The family of resolved targets. Raises DefinitionError with all mistakes."""
    maker = _Maker()
    for name, span in unknown:
        maker.wrong(span, f"{name} is no block that Bake knows", "leave it out: Bake does so without a word")
    images: list[Image] = []
    for target in targets:
        if target.call not in BUILD_CALLS:
            say(f"{target.span}: target {target.name} calls {target.call}, which makes no image: it is left out")
        else:
            images.append(maker.image(target))
    if not images and not maker.mistakes:
        maker.wrong(Span(file=file, line=0), "no target here makes an image")
    if maker.mistakes:
        raise DefinitionError(sorted(set(maker.mistakes), key=lambda one: (one.file, one.line, one.column)))
    kept, contested = apart(images)
    registry = environment.get(REGISTRY, "").rstrip("/")
    return Family(file=file, images=kept, registry=registry, contested=contested, doubts=tuple(maker.doubts))


def image_names(config: Config) -> list[str]:
    """The targets that are images, in the order of the files; what they link to comes on top."""
    written = [name for name, group in config.groups.items() if not group.implied]
    if not written:
        inherited = {parent for fields in config.targets.values() for parent in fields.get("inherits") or ()}
        return [name for name in config.targets if name not in inherited]
    reached: set[str] = set()
    waiting = list(written)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        group = config.groups.get(name)
        if group is None:
            reached.add(name)
        else:
            waiting.extend(group.targets)
    ordered = [name for name in config.targets if name in reached]
    return [*ordered, *sorted(reached - set(ordered))]


class _Maker:
    """Makes images of targets; collects what cannot be built as it is written."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.doubts: list[Doubt] = []

    def wrong(self, span: Span, what: str, hint: str = "") -> None:
        """Keep a mistake."""
        self.mistakes.append(Mistake(file=span.file, line=span.line, column=span.column, what=plain(what), hint=hint))

    def _wrong(self, target: Target, name: str, what: str, hint: str = "") -> None:
        self.wrong(target.span, f"target.{target.name}.{name}: {what}", hint)

    def image(self, target: Target) -> Image:
        """The image of one target."""
        for name, span in target.unknown:
            hint = "leave it out: Bake does so without a word"
            self.wrong(span, f"target.{target.name}: {name} is no attribute that Bake knows", hint)
        if target.policies and not all(one.disabled for one in target.policies):
            self._wrong(target, "policy", "is not enforced by the planner", "plan without it: --set '*.policy='")
        context = self._context(target)
        inline = target.inline or ""
        made = Image(
            name=ImageName(target.name),
            span=target.span,
            context=context,
            dockerfile=f"{target.span.file}#{target.name}" if inline else self._dockerfile(target, context),
            inline=inline,
            target=target.target or "",
            args=target.args,
            contexts=tuple((name, self._named(target, value)) for name, value in target.contexts),
            tags=tuple(self._tags(target)),
            platforms=self._platforms(target),
            labels=target.labels,
            secrets=tuple(map(_secret, target.secrets)),
            ssh=tuple(f"{one.id}={','.join(one.paths)}" if one.paths else one.id for one in target.ssh),
            network=self._network(target),
            options=tuple(self._options(target)),
        )
        for name in _WORDS:
            if any("\0" in text for text in _texts(getattr(made, name))):
                self._wrong(target, name, "holds a NUL character", "no command takes one")
        return made

    def _context(self, target: Target) -> str:
        text = target.context
        if REMOTE.match(text) or "://" in text or text.startswith(("target:", "docker-image:")):
            what = f'"{text}" is a remote context; the planner reads local ones'
            self._wrong(target, "context", what, "check it out into the workspace, and name the folder")
            return "."
        return self._inside(target, "context", text)

    def _inside(self, target: Target, name: str, text: str) -> str:
        normal = posixpath.normpath(text)
        if normal == ".." or normal.startswith(("/", "../")):
            hint = "start in a folder that holds all contexts, and name the file with -f"
            self._wrong(target, name, f'"{text}" leads out of the workspace', hint)
            return "."
        return normal

    def _dockerfile(self, target: Target, context: str) -> str:
        text = target.dockerfile
        if text.startswith("cwd://"):
            return self._inside(target, "dockerfile", text.removeprefix("cwd://"))
        if REMOTE.match(text):
            self._wrong(target, "dockerfile", f'"{text}" is not in the workspace', "name a file of it")
            return "Dockerfile"
        if text.startswith("/"):
            return self._inside(target, "dockerfile", text)
        return self._inside(target, "dockerfile", posixpath.join(context, text))

    def _named(self, target: Target, value: str) -> str:
        if value.startswith("docker-image:") and not value.startswith("docker-image://"):
            return value.replace("docker-image:", "docker-image://", 1)
        if value.startswith("cwd://"):
            value = value.removeprefix("cwd://")
        elif value.startswith("target:") or "://" in value or REMOTE.match(value):
            return value
        return self._inside(target, "contexts", value)

    def _tags(self, target: Target) -> Iterator[str]:
        """The published names that are some; one that is none is left open, so that a graph can still be looked at."""
        for text in target.tags:
            try:
                Published.parse(text)
            except ValueError as error:
                hint = "a name is [REGISTRY/]REPOSITORY[:TAG]"
                name = ImageName(target.name)
                reason = str(error)
                self.doubts.append(
                    Doubt(image=name, role=TAGS, reference=text, reason=reason, hint=hint, span=target.span)
                )
            else:
                yield text

    def _platforms(self, target: Target) -> tuple[str, ...]:
        found: set[str] = set()
        for text in target.platforms:
            # Bake takes several in one text; "local" is what the planner takes where none is named.
            for one in text.split(","):
                try:
                    found.add(DEFAULT_PLATFORM if one.strip() == "local" else str(Platform.parse(one.strip())))
                except ValueError as error:
                    self._wrong(target, "platforms", str(error))
        return tuple(sorted(found)) or (DEFAULT_PLATFORM,)

    def _network(self, target: Target) -> str:
        text = target.network or ""
        if text not in NETWORKS:
            self._wrong(target, "network", f'"{text}" is no network of a build', "one of default, none, host")
        return NETWORKS.get(text, "")

    def _options(self, target: Target) -> Iterator[tuple[str, str]]:
        """What else changes a build, as buildx calls it."""
        for name, text in target.extra_hosts:
            yield "add-host", f"{name}:{text}"
        if target.shm_size:
            yield "shm-size", self._size(target)
        for text in target.ulimits:
            name, _, limits = text.partition("=")
            yield "ulimit", f"{name}={limits if ':' in limits else f'{limits}:{limits}'}"
        for name, value in target.resources:
            yield "resource", f"{name}={value}"
        for text in target.entitlements:
            if text not in target.lent and (text != "network.host" or target.network != "host"):
                yield "allow", text
        for text in target.annotations:
            yield "annotation", text
        if target.no_cache:
            yield "no-cache", "true"
        if target.pull:
            yield "pull", "true"
        if target.no_cache_filter:
            yield "no-cache-filter", ",".join(target.no_cache_filter)

    def _size(self, target: Target) -> str:
        """Bytes, so that equal sizes are equal however they are written."""
        found = _SIZE.fullmatch((target.shm_size or "").lower())
        if found is None:
            self._wrong(target, "shm-size", f'"{target.shm_size}" is no size', "write it as 128m")
            return ""
        factor = 1024 ** " kmgtp".index(found[2] or " ")
        return str(int(float(found[1]) * factor))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _texts(one)


def _secret(entry: Entry) -> str:
    """A secret as buildx takes it: one line of CSV."""
    fields = [f"{name}={value}" for name, value in sorted(entry, key=lambda pair: pair[0] != "id")]
    return ",".join('"' + one.replace('"', '""') + '"' if "," in one or '"' in one else one for one in fields)
