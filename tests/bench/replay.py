"""Measures how many commits a second `planner replay` walks on a 20-image family.

python -m tests.bench.replay [--images 20] [--commits 1000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import tempfile
from pathlib import Path

from tests.bench.__main__ import PASS, PLANNER, environment, seconds
from tests.bench.family import write_family
from tests.workspace import Workspace

WEIGHTS = {"file": 70, "nothing": 20, "dockerfile": 8, "graph": 2}


def write_history(root: Path, images: int, commits: int) -> Workspace:
    """A family, and commits that mostly edit a file, at times a Dockerfile or the graph file. The same every time."""
    family = write_family(root, images, 50)
    turn = random.Random(1)  # noqa: S311 -- the same history each time is what is wanted
    graph = (root / "images.yaml").read_text()
    stream = [b"reset refs/heads/main\nfrom refs/heads/main^0\n\n"]
    for number in range(commits):
        kind = turn.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        image = f"image{turn.randrange(images)}"
        path, text = {
            "file": (f"{image}/src/file{turn.randrange(40)}.txt", f"{number}\n"),
            "nothing": (f"notes/{number % 50}.md", f"{number}\n"),
            "dockerfile": (f"{image}/Dockerfile", (root / image / "Dockerfile").read_text() + f"RUN echo {number}\n"),
            "graph": ("images.yaml", f"{graph}# {number}\n"),
        }[kind]
        message = f"edit {number}".encode()
        stream.append(
            b"commit refs/heads/main\ncommitter a <a@example.org> %d +0000\ndata %d\n%b\n"
            % (number, len(message), message)
            + b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(text), text.encode())
        )
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"],
        cwd=root,
        env=environment(),
        input=b"".join(stream),
        check=True,
    )
    family.git("repack", "-q", "-a", "-d")
    return family


def main() -> None:
    """Print commits a second, and the same in runs of Python."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    times: list[float] = []
    starts: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        family = write_history(Path(folder, "family"), options.images, options.commits)
        for turn in range(options.rounds + 1):
            starts.append(seconds(PASS, family.root))
            took = seconds([PLANNER, "replay", f"HEAD~{options.commits}..HEAD", "--format", "json"], family.root)
            if turn:
                times.append(took)
    rate = options.commits / statistics.median(times)
    print(f"{options.images} images, {options.commits} commits, {options.rounds} rounds, medians")
    print(f"replay: {rate:.0f} commits a second, {rate * statistics.median(starts):.1f} in one start of Python")


if __name__ == "__main__":
    main()
