"""Base images with a configuration of their own, which children inherit, and what a lock has of all base images."""

from __future__ import annotations

from typing import Any

from planner.model.lock import Lock, LockedImage, LockedPlatform
from planner.model.names import Reference
from tests.engine import base_images
from tests.engine.base_images import PATH
from tests.engine.engine import Engine
from tests.engine.install import busybox
from tests.oracle.contexts import BASES, TRIGGERING

PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/amd64/v2", "windows/amd64")
RICH: dict[str, dict[str, Any]] = {
    "node:20": {
        "Env": [f"PATH={PATH}", "A=base", "DIR=src"],
        "WorkingDir": "/w",
        "User": "1:1",
        "Shell": ["/bin/sh", "-ec"],
        "Entrypoint": ["/bin/sh"],
        "Cmd": ["-c", "true"],
        "Labels": {"a": "base"},
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/v": {}},
    },
    TRIGGERING: {
        "Env": [f"PATH={PATH}"],
        "OnBuild": ["ARG B=trigger", 'COPY ["a*", "/x/"]', "RUN echo $A $B > /etc/told || true"],
    },
}


def push(engine: Engine) -> None:
    """Push them to the engine's registry."""
    program = busybox()
    assert program is not None
    for name, config in RICH.items():
        base_images.push(engine.registry, base_images.base_image(program, name, config=config), f"library/{name}")


def _facts(name: str) -> LockedPlatform:
    config = RICH.get(name, {"Env": [f"PATH={PATH}"]})
    return LockedPlatform(
        digest="sha256:" + "5" * 64,
        env=tuple((name, value) for name, _, value in (text.partition("=") for text in config["Env"])),
        workdir=config.get("WorkingDir", ""),
        user=config.get("User", ""),
        shell=tuple(config.get("Shell", ())),
        onbuild=tuple(config.get("OnBuild", ())),
    )


def locked() -> Lock:
    """What the base images hand on, as `planner lock` would write it."""
    images = {}
    for name in (*BASES, TRIGGERING):
        facts = _facts(name)
        images[str(Reference.parse(name))] = LockedImage(digest=facts.digest, platforms=dict.fromkeys(PLATFORMS, facts))
    return Lock(images=images)
