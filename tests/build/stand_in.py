"""A stand-in for buildx, for what a real one does too seldom or too fast: it never builds anything."""

from __future__ import annotations

import os
import sys
from pathlib import Path

INSPECTED = """\
Name: stand-in
Driver: docker-container

Nodes:
Name: stand-in0
Endpoint: x
Status: running
BuildKit version: v0.32.2
Platforms: linux/amd64, linux/386
"""
_PROGRAM = """\
#!{python}
import os, pathlib, signal, sys, time
here = pathlib.Path(__file__).parent
if "inspect" in sys.argv:
    (here / "asked").write_text(str(os.getpid()))
    time.sleep({answers_in})
    print({inspected!r})
    sys.exit(0)
def end(*_):
    time.sleep({ends_in})
    sys.exit(1)
signal.signal(signal.SIGINT, end)
(here / "begun").write_text(str(os.getpid()))
time.sleep(600)
"""


class StandIn:
    """Answers and ends after so many seconds. `asked` and `begun` hold the process that was asked, and that builds."""

    def __init__(self, folder: Path, *, answers_in: float = 0.0, ends_in: float = 0.0) -> None:
        folder.mkdir()
        program = folder / "buildx"
        program.write_text(
            _PROGRAM.format(python=sys.executable, answers_in=answers_in, ends_in=ends_in, inspected=INSPECTED)
        )
        program.chmod(0o755)
        self.asked = folder / "asked"
        self.begun = folder / "begun"
        self.environment = {
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "PLANNER_BUILDER": "buildx:stand-in",
            "BUILDKIT_HOST": "",
        }


def is_running(noted: Path) -> bool:
    """Whether the process that wrote its number there runs; a zombie does not."""
    try:
        return " Z " not in Path(f"/proc/{noted.read_text()}/stat").read_text()
    except OSError:
        return False
