"""Measures, in turns within one run, what plans over every front door cost beside those over `images.yaml`.

"none" is the family without a graph file, whose Dockerfiles are found by name.

python -m tests.bench.doors [--images 1000] [--files 10] [--rounds 9]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench.__main__ import PLAN, clean, edited, forgotten, repeated, seconds
from tests.bench.family import without_graph_file, write_family
from tests.sources.doors.forms import WRITERS, Declared, yaml
from tests.workspace import Workspace

STATES: Mapping[str, Callable[[Workspace, int], None]] = {
    "nothing changed": clean,
    "10 images edited, first time": edited,
    "10 images edited, again": repeated,
    "empty cache": forgotten,
}


def main() -> None:
    """Write the family in each form, warm up, measure in turns; print medians as ratios."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.doors")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    described = tuple(Declared(name=f"image{number}", context=f"image{number}") for number in range(options.images))
    with tempfile.TemporaryDirectory() as folder:
        spaces: dict[str, Workspace] = {}
        for form, write in {"yaml": yaml, **WRITERS}.items():
            space = write_family(Path(folder, form.replace(" ", "-")), options.images, options.files)
            (space.root / "images.yaml").unlink()
            space.write(write(described))
            space.commit()
            spaces[form] = space
        spaces["none"] = write_family(Path(folder, "none"), options.images, options.files)
        without_graph_file(spaces["none"])
        for state, prepare in STATES.items():
            taken: dict[str, list[float]] = {form: [] for form in spaces}
            for turn in range(options.rounds + 1):
                for form, space in spaces.items():
                    prepare(space, turn)
                    spent = seconds(PLAN, space.root)
                    if turn:
                        taken[form].append(spent)
            medians = {form: statistics.median(times) for form, times in taken.items()}
            for form, median in medians.items():
                print(f"{state:32} {form:18} {median * 1000:6.0f} ms {median / medians['yaml']:6.2f}", flush=True)


if __name__ == "__main__":
    main()
