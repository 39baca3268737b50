"""`python -m tests.engine [--seed FILE] [--docker STORE] COMMAND …` runs a command with an embedded engine beside it.

The command finds BUILDKIT_HOST, BUILDX_BUILDER, MIRROR and the engine's programs in its environment; with `--docker` a
Docker Engine instead, by DOCKER_HOST.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from tests.engine.docker import running_docker
from tests.engine.engine import NotInstalled, running_engine
from tests.engine.server import ServerFailed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.engine", description=__doc__)
    parser.add_argument("--seed", type=Path, help="a file of NAME:TAG lines: base images to have in the registry")
    parser.add_argument("--docker", choices=("containerd", "classic"), help="a Docker Engine with this image store")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("a command is needed")
    signal.signal(signal.SIGTERM, _stop)
    seeds = arguments.seed.read_text().split() if arguments.seed else ()
    try:
        with ExitStack() as servers:
            engine = servers.enter_context(running_engine(seeds))
            environment = engine.environment
            if arguments.docker:
                environment = servers.enter_context(running_docker(engine, arguments.docker)).environment
            environment = {**os.environ, **environment, "MIRROR": engine.mirror}
            return subprocess.run(arguments.command, env=environment, check=False).returncode
    except (NotInstalled, ServerFailed) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
