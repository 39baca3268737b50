"""`planner login`: lets Docker's clients show a registry the identity of the CI run, through a credential helper."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from planner.errors import PlannerError, UsageError
from planner.explain.text import printable
from planner.registry.docker_config import home
from planner.system import given_files

HELPER = "planner"
MAX_CONFIG = 4 << 20
_HOST = re.compile(r"[a-zA-Z0-9.-]+(?::[0-9]+)?")

EXAMPLE = "planner login registry.acme.example"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("host", metavar="HOST", help="the registry, as it stands in images' names")
    parser.add_argument("--config", default="", metavar="DIR", help="Docker's configuration [DOCKER_CONFIG, ~/.docker]")


def run(options: argparse.Namespace) -> int:
    """Name the helper for the host in Docker's configuration. Nothing secret is written."""
    if not _HOST.fullmatch(options.host):
        raise UsageError(
            f"{printable(options.host)}: is no HOST or HOST:PORT\n  name it as images do: r.example or r.example:5000"
        )
    program = shutil.which(f"docker-credential-{HELPER}")
    if program is None:
        raise PlannerError(
            f"docker-credential-{HELPER} is not on PATH, so clients would not find it\n"
            "  it was installed beside the planner: put that folder on PATH"
        )
    own = home()
    folder = options.config or os.environ.get("DOCKER_CONFIG") or (own / ".docker" if own is not None else None)
    if folder is None:
        raise PlannerError("no home folder is known\n  --config or DOCKER_CONFIG names the folder of the configuration")
    path = Path(folder) / "config.json"
    document = _read(path)
    helpers = document.setdefault("credHelpers", {})
    if not isinstance(helpers, dict):
        raise PlannerError(f"{path}: credHelpers is no mapping")
    helpers[options.host] = HELPER
    _write(path, json.dumps(document, indent=2) + "\n")
    print(f"{path}: {options.host} is asked with the identity of the CI run, anew for each login")
    return 0


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(given_files.read(path, MAX_CONFIG) or b"{}")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PlannerError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise PlannerError(f"{path}: is no JSON, and is left as it is") from error
    if not isinstance(document, dict):
        raise PlannerError(f"{path}: is no configuration of Docker's, and is left as it is")
    return document


def _write(path: Path, text: str) -> None:
    """In one step and for its owner alone, since logins may stand in the file too."""
    staging = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, staging = tempfile.mkstemp(prefix=".config.", dir=path.parent)
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(staging).replace(path)
    except OSError as error:
        if staging:
            with contextlib.suppress(OSError):
                Path(staging).unlink()
        raise PlannerError(f"{path}: cannot be written: {error.strerror}") from error
