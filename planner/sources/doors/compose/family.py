"""Turns the services of a Compose project that are built into a Family: each an image named after its service."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from planner.model.image import DEFAULT_PLATFORM, Family, Image, ImageName, Span
from planner.model.names import Platform, Published
from planner.ports import Tree
from planner.sources.doors.compose import project
from planner.sources.doors.compose.consistency import SERVICE
from planner.sources.doors.compose.mistakes import Mistakes
from planner.sources.doors.compose.records import Build, Project, Service
from planner.sources.doors.contested import apart

NAME = re.compile(r"[a-zA-Z0-9._-]+")
NETWORKS = {"": "", "default": "", "none": "none", "host": "host"}
_REMOTE = ("github.com/", "git@")


def read(
    files: Sequence[str],
    tree: Tree,
    environment: Mapping[str, str],
    *,
    env_files: Sequence[str] = (),
    profiles: Sequence[str] = (),
) -> Family:
    """The family of a Compose project: what `docker compose build` builds. Raises DefinitionError with all mistakes."""
    found = project.read(files, tree, environment, env_files=env_files, profiles=profiles)
    mistakes = Mistakes()
    platform = environment.get("DOCKER_DEFAULT_PLATFORM", "")
    maker = _Maker(found, mistakes, platform)
    built = [service for service in found.services.values() if service.build and service.name in found.enabled]
    images = tuple(_shared(tuple(maker.image(service, service.build) for service in built if service.build)))
    images, contested = apart(images)
    if not images:
        what = "no service that is enabled has a build: section"
        mistakes.wrong(
            Span(file=files[0], line=0, column=0), what, "enable some with --profile NAME, or name another file with -f"
        )
    mistakes.stop()
    return Family(file=files[0], images=images, contested=contested)


def _shared(images: tuple[Image, ...]) -> Iterator[Image]:
    """The images, services that build the same under the same name being one: it bears the name of the first."""
    first: dict[Image, ImageName] = {}
    standing_in: dict[ImageName, ImageName] = {}
    kept: dict[ImageName, Image] = {}
    for image in images:
        nameless = replace(image, name=ImageName(""), span=Span(file="", line=0), dockerfile=_inline_apart(image))
        name = first.setdefault(nameless, image.name) if image.tags else image.name
        standing_in[image.name] = name
        kept.setdefault(name, image)
    for image in kept.values():
        contexts = tuple((name, _renamed(value, standing_in)) for name, value in image.contexts)
        yield image if contexts == image.contexts else replace(image, contexts=contexts)


def _inline_apart(image: Image) -> str:
    return "" if image.inline else image.dockerfile


def _renamed(context: str, names: Mapping[ImageName, ImageName]) -> str:
    if not context.startswith("target:"):
        return context
    return f"target:{names.get(ImageName(context[7:]), context[7:])}"


class _Maker:
    """Makes the images of one project; collects what cannot be built as it is written."""

    def __init__(self, found: Project, mistakes: Mistakes, platform: str) -> None:
        self.project = found
        self.mistakes = mistakes
        self.platform = platform

    def image(self, service: Service, build: Build) -> Image:
        """The image of one service."""
        if not NAME.fullmatch(service.name):
            self.mistakes.wrong(service.span, f'services.{service.name}: "{service.name}" is no name of a service')
        context = self._context(service, build)
        inline = build.dockerfile_inline
        return Image(
            name=ImageName(service.name),
            span=service.span,
            context=context,
            dockerfile=f"{service.span.file}#{service.name}" if inline else self._dockerfile(service, build, context),
            inline=inline,
            target=build.target,
            args=build.args,
            contexts=tuple(self._contexts(service, build)),
            tags=tuple(self._tags(service, build)),
            platforms=self._platforms(service, build),
            labels=build.labels,
            secrets=tuple(_secrets(build)),
            ssh=tuple(f"{name}={path}" if path else name for name, path in build.ssh),
            network=self._network(service, build),
            options=tuple(self._options(service, build)),
        )

    def _wrong(self, service: Service, build: Build, name: str, what: str, hint: str = "") -> None:
        place = build.places.get(name, build.span)
        self.mistakes.wrong(place, f"services.{service.name}.build.{name}: {what}", hint)

    def _context(self, service: Service, build: Build) -> str:
        text = build.context
        if "://" in text or text.startswith((SERVICE, *_REMOTE)):
            what = f'"{text}" is a remote context; the planner reads local ones'
            self._wrong(service, build, "context", what, "check it out into the workspace, and name the folder")
            return "."
        return self._inside(service, build, "context", text)

    def _inside(self, service: Service, build: Build, name: str, text: str) -> str:
        if text == ".." or text.startswith(("/", "../")):
            hint = "start in a folder that holds all contexts: -C DIR -f DIR/compose.yaml"
            self._wrong(service, build, name, f'"{text}" leads out of the workspace', hint)
            return "."
        return text

    def _dockerfile(self, service: Service, build: Build, context: str) -> str:
        path = posixpath.normpath(posixpath.join(context, build.dockerfile))
        return self._inside(service, build, "dockerfile", path)

    def _contexts(self, service: Service, build: Build) -> Iterator[tuple[str, str]]:
        for name, value in build.contexts:
            if value.startswith(SERVICE):
                yield name, f"target:{value.removeprefix(SERVICE)}"
            elif "://" in value or value.startswith(_REMOTE):
                yield name, value
            else:
                yield name, self._inside(service, build, "additional_contexts", value)

    def _tags(self, service: Service, build: Build) -> Iterator[str]:
        for text in dict.fromkeys((*((service.image,) if service.image else ()), *build.tags)):
            try:
                Published.parse(text)
            except ValueError as error:
                hint = "a name is [REGISTRY/]REPOSITORY[:TAG]"
                self.mistakes.wrong(service.span, f"services.{service.name}: {error}", hint)
            else:
                yield text

    def _platforms(self, service: Service, build: Build) -> tuple[str, ...]:
        """Those of the build, else the one that the service runs on."""
        runs_on = service.platform or self.platform
        found: list[str] = []
        for text in build.platforms or ((runs_on,) if runs_on else ()):
            try:
                found.append(str(Platform.parse(text)))
            except ValueError as error:
                self._wrong(service, build, "platforms", str(error))
        return tuple(sorted(set(found))) or (DEFAULT_PLATFORM,)

    def _network(self, service: Service, build: Build) -> str:
        if build.network not in NETWORKS:
            hint = "BuildKit knows default, none and host only"
            self._wrong(service, build, "network", f'"{build.network}" is no network of a build', hint)
        return NETWORKS.get(build.network, "")

    def _options(self, service: Service, build: Build) -> Iterator[tuple[str, str]]:
        """What else changes a build, as buildx calls it."""
        if build.isolation and build.isolation != "default":
            self._wrong(service, build, "isolation", "is for Windows containers, which the planner does not build")
        if build.no_cache_filter:
            yield "no-cache-filter", ",".join(build.no_cache_filter)
        for host in build.extra_hosts:
            yield "add-host", host.replace("=", ":", 1)
        if build.shm_size:
            yield "shm-size", str(build.shm_size)
        for name, soft, hard in build.ulimits:
            yield "ulimit", f"{name}={soft}:{hard}"
        rights = (*(("security.insecure",) if build.privileged else ()), *build.entitlements)
        for right in sorted(set(rights)):
            yield "allow", right
        for name, flag in (("no-cache", build.no_cache), ("pull", build.pull)):
            if flag:
                yield name, "true"


def _secrets(build: Build) -> Iterator[str]:
    """Secrets as buildx takes them."""
    for secret in build.secrets:
        place = f"type=env,env={secret.environment}" if secret.environment else f"type=file,src={secret.file}"
        yield f"id={secret.id or secret.source},{place}"
