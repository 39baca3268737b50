"""Checks what the services of one project say of each other, as Docker Compose checks it before it builds."""

from __future__ import annotations

from planner.errors import one_of
from planner.sources.doors.compose.mistakes import Mistakes
from planner.sources.doors.compose.records import Build, Project, Service

SERVICE = "service:"
"""How a context names another service."""


def check(project: Project, mistakes: Mistakes) -> None:
    """Keep a mistake for whatever does not fit together among the services that are enabled."""
    for name in project.services:
        service = project.services[name]
        if name not in project.enabled:
            continue
        if service.build is None and not service.image and not service.is_provided:
            mistakes.wrong(service.span, f"services.{name}: has neither image: nor build:")
        if service.build is not None:
            _platforms(service, service.build, mistakes)
            _secrets(service, service.build, mistakes)
            for _, value in service.build.contexts:
                if value.startswith(SERVICE):
                    _context(service, service.build, value.removeprefix(SERVICE), project, mistakes)


def _platforms(service: Service, build: Build, mistakes: Mistakes) -> None:
    if service.platform and build.platforms and service.platform not in build.platforms:
        what = f'services.{service.name}.build.platforms: lacks "{service.platform}", which the service runs on'
        mistakes.wrong(build.places.get("platforms", build.span), what, "add it, or leave out platform:")


def _secrets(service: Service, build: Build, mistakes: Mistakes) -> None:
    for secret in build.secrets:
        if not secret.file and not secret.environment:
            what = f'services.{service.name}.build.secrets: there is no secret "{secret.source}" for builds'
            hint = "declare it under secrets: at the top of the file, with file: or environment:"
            mistakes.wrong(build.places.get("secrets", build.span), what, hint)


def _context(service: Service, build: Build, name: str, project: Project, mistakes: Mistakes) -> None:
    other = project.services.get(name)
    if other is None:
        what, hint = f'there is no service "{name}"', one_of(name, list(project.services))
    elif name not in project.enabled:
        what, hint = f'the service "{name}" is not enabled', f"enable it: --profile {other.profiles[0]}"
    elif other.build is None:
        what, hint = f'the service "{name}" is not built', "name its image: docker-image://…"
    else:
        return
    place = build.places.get("additional_contexts", build.span)
    mistakes.wrong(place, f"services.{service.name}.build.additional_contexts: {what}", hint)
