"""Memory and disk of a soak, by what holds them, in bytes, and how many local records there are."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.engine.buildkit import Buildkitd
from tests.soak.world import World


def measure(world: World) -> dict[str, float]:
    """What is taken now. The journal is bounded and grows up to its bound, so it is told apart.

    Of the registry it is the blobs: its own collection leaves an empty folder of each tag and manifest that ever was.
    """
    state = world.family.workspace.root / ".planner"
    daemons = [daemon.folder / "state" for daemon in world.daemons]
    storage = world.registry.folder / "storage" / "docker" / "registry" / "v2"
    journal, rest, blobs, *builders = sizes(state / "journal.jsonl", state, storage / "blobs", *daemons)
    return {
        "planner, memory": float(world.planner_memory),
        "builders, memory": float(sum(memory(daemon) for daemon in world.daemons)),
        "state folder, disk": float(rest),
        "journal, disk": float(journal),
        "registry, disk": float(blobs),
        "builders, disk": float(sum(builders)),
        "records": float(len(world.checks.records(gone=True))),
    }


def memory(daemon: Buildkitd) -> int:
    """Resident memory of a running buildkitd."""
    assert daemon.server is not None
    for line in Path(f"/proc/{daemon.server.process.pid}/status").read_text().splitlines():
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
