"""Memory and disk of a soak, by what holds them, in bytes, and how many local records there are."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.engine.buildkit import Buildkitd
from tests.soak.world import World


def measure(world: World) -> dict[str, float]:
    """What is taken now. The journal is bounded and grows up to its bound, so it is told apart."""
    state = world.family.workspace.root / ".planner"
    daemons = [daemon.folder / "state" for daemon in world.daemons]
    storage = world.registry.folder / "storage"
    journal, rest, registry, *builders = sizes(state / "journal.jsonl", state, storage, *daemons)
    return {
        "planner, memory": float(world.planner_memory),
        "this process, memory": float(resident("self")),
        "builders, memory": float(sum(memory(daemon) for daemon in world.daemons)),
        "state folder, disk": float(rest),
        "journal, disk": float(journal),
        "registry, disk": float(registry),
        "builders, disk": float(sum(builders)),
        "records": float(len(world.checks.records(gone=True))),
    }


def memory(daemon: Buildkitd) -> int:
    """Resident memory of a running buildkitd."""
    assert daemon.server is not None
    return resident(str(daemon.server.process.pid))


def resident(process: str) -> int:
    """Resident memory of a process, by its id or `self`."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    return 0


def sizes(*places: Path) -> list[int]:
    """Bytes on disk of files or of all files below folders; what vanishes meanwhile counts for nothing.

    What is in two of them counts in the first.
    """
    run = subprocess.run(["du", "-s", "--block-size=1", *places], capture_output=True, text=True, check=False)
    told = [line.partition("\t") for line in run.stdout.splitlines()]
    found = {place: int(size) for size, _, place in told}
    return [found.get(str(place), 0) for place in places]
