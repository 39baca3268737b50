"""`make demo`: the main job on graphs/benchmark-suite, with the engine that is here or with one of our own.

Works on a copy in a temporary folder and ends what it started, so that nothing stays but what `make` installed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from tests.engine.engine import NotInstalled, running_engine
from tests.engine.install import install
from tests.engine.server import ServerFailed
from tests.workspace import IDENTITY

SUITE = Path(__file__).parents[2] / "graphs" / "benchmark-suite"
SCRIPT = "scripts/install_python.sh"


class StepFailed(Exception):
    """A command of the demo ended otherwise than it should."""


def say(text: str) -> None:
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print(f"\n\x1b[1;36m# {text}\x1b[0m" if colour else f"\n# {text}", flush=True)


def planner(folder: Path, environment: Mapping[str, str], *words: str) -> None:
    print(f"$ planner {' '.join(words)}", flush=True)
    command = [sys.executable, "-m", "planner.cli.main", "-C", os.fspath(folder), *words]
    run = subprocess.run(command, env={**os.environ, **environment}, check=False)
    if run.returncode:
        raise StepFailed(f"planner {' '.join(words)} ended with {run.returncode}")


def show(environment: Mapping[str, str]) -> None:
    """The demo itself."""
    with tempfile.TemporaryDirectory(prefix="planner-demo-") as temporary:
        folder = Path(temporary, "benchmark-suite")
        shutil.copytree(SUITE, folder)
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "the suite"]):
            subprocess.run(["git", *words], cwd=folder, env={**os.environ, **IDENTITY}, check=True)
        say("Nine images. Their edges are read from the Dockerfiles; nobody keeps a list.")
        planner(folder, environment, "graph")
        say("Nothing was built yet, so everything would be.")
        planner(folder, environment, "plan")
        say("Build it. A child starts as soon as its own parents are done.")
        planner(folder, environment, "build")
        say("Nothing changed, so nothing builds.")
        planner(folder, environment, "plan")
        say(f"Edit one shared script, {SCRIPT}.")
        with open(folder / SCRIPT, "a") as script:
            script.write("echo edited >> /opt/python/PACKAGES\n")
        say("Exactly the images that read it, and those that stand on them.")
        planner(folder, environment, "plan")
        planner(folder, environment, "build")
        say("The same question of git alone: no engine, no records, no network.")
        planner(folder, environment, "plan", "--since", "HEAD")


def docker_answers() -> bool:
    """Whether a Docker Engine with buildx is here to build with."""
    if not shutil.which("docker"):
        return False
    asked = [["docker", "buildx", "version"], ["docker", "version", "--format", "{{.Server.Version}}"]]
    try:
        return all(subprocess.run(argv, capture_output=True, timeout=20, check=False).returncode == 0 for argv in asked)
    except subprocess.TimeoutExpired:
        return False


def main() -> int:
    signal.signal(signal.SIGTERM, _stop)
    try:
        if docker_answers():
            say("A Docker Engine answers, so it builds; base images come from Docker Hub, or from MIRROR if set.")
            show({})
            return 0
        say("No Docker Engine answers: the demo uses a BuildKit of its own, and base images of its own.")
        install()
        with running_engine((SUITE / "mirror.txt").read_text().split()) as engine:
            show({**engine.environment, "MIRROR": engine.mirror})
    except (NotInstalled, ServerFailed, StepFailed) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
