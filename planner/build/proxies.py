"""Keeps an address of Docker's configuration out of images: buildx gives its proxies to every build as arguments.

A RUN has them without a word of the Dockerfile's, and no cache and no image knows. An `ARG HTTP_PROXY` takes them as
any other argument (buildx 0.36.1, build/opt.go and store/storeutil): what no key counts would be in the image.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from planner.errors import BuilderError
from planner.model.build import BuildRequest
from planner.system import given_files

MAX_CONFIG = 4 << 20
_FIELDS = {"httpProxy": "HTTP_PROXY", "httpsProxy": "HTTPS_PROXY", "noProxy": "NO_PROXY", "ftpProxy": "FTP_PROXY"}
_CONTINUED = re.compile(r"[\\`][ \t]*\r?\n")
_ARG = re.compile(r"^[ \t]*(?:ONBUILD[ \t]+)?ARG[ \t]+(.*)$", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(rf"\b({'|'.join(_FIELDS.values())})\b", re.ASCII)


def refuse_filled(request: BuildRequest, environment: Mapping[str, str]) -> None:
    """Raise BuilderError for an image that declares a proxy which it is not given and Docker's configuration has."""
    given = {name.upper() for name, _ in request.args}
    text = _CONTINUED.sub(" ", request.dockerfile.decode("utf-8", "replace"))
    declared = {name for words in _ARG.findall(text) for name in _NAME.findall(words)} - given
    filled = sorted(declared & _configured(environment)) if declared else []
    if filled:
        raise BuilderError(
            f"{request.dockerfile_path}: {filled[0]} would be filled from the proxies of Docker's configuration, which "
            f"no key counts\n  give {filled[0]} to {request.image} under args, or drop the ARG: RUN has it without"
        )


def _configured(environment: Mapping[str, str]) -> set[str]:
    """The arguments that buildx makes of Docker's configuration, for whatever engine."""
    home = environment.get("HOME", "")
    folder = environment.get("DOCKER_CONFIG") or f"{home}/.docker"
    try:
        entries = json.loads(given_files.read(Path(folder) / "config.json", MAX_CONFIG))["proxies"].values()
        return {_FIELDS[name] for entry in entries for name, value in entry.items() if name in _FIELDS and value}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return set()
