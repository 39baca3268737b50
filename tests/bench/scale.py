"""Shows where the parts of CI break as a family grows: sizes of matrices beside the providers' limits, and seconds.

python -m tests.bench.scale [--images 1000 10000 100000]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

from planner.ci.child_pipelines import buildkite_steps, gitlab_child
from planner.ci.jobs import Rebuild, alone, connected, depths, jobs_of
from planner.ci.limits import BUILDKITE, GITHUB, GITLAB, Limits, fitted
from planner.ci.matrix import Legs, matrix_github
from planner.ci.simulation import synthetic
from planner.errors import PlannerError
from planner.schedule.priority import by_critical_path
from planner.schedule.states import Run
from tests.bench.schedule import simulated

FORMS: dict[str, tuple[Callable[[Legs], str], Limits]] = {
    "github": (matrix_github, GITHUB),
    "gitlab": (gitlab_child, GITLAB),
    "buildkite": (buildkite_steps, BUILDKITE),
}


def told(form: str, family: Rebuild, *, chains: bool) -> str:
    """Jobs, letters and seconds of one document when everything rebuilds, or why there is none."""
    write, limits = FORMS[form]
    began = time.perf_counter()
    groups = connected(family, family.order) if chains else alone(family)
    jobs = jobs_of(family, fitted(family, groups, limits))
    try:
        text = write(Legs(work=family, jobs=jobs, by="level", plan="plan.json"))
    except PlannerError as error:
        return f"{len(jobs):,} jobs, refused: {str(error).splitlines()[0]}"
    return f"{len(jobs):,} jobs, {len(text):,} letters of {limits.letters:,}, {time.perf_counter() - began:.2f} s"


def main() -> None:
    """Print a block for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 10_000, 100_000])
    options = parser.parse_args()
    for images in options.images:
        family = synthetic(images, 1)
        family = replace(family, keys=dict.fromkeys(family.order, "x3-" + "0" * 32))
        print(f"{images:,} images, {max(depths(family).values()) + 1} levels, everything rebuilds")
        for form in FORMS:
            print(f"  {form:<10} by level  {told(form, family, chains=False)}")
            print(f"  {form:<10} by chain  {told(form, family, chains=True)}")
        order = by_critical_path(family.order, family.parents, family.durations.seconds)
        _, own = simulated(Run(order, family.parents), family.durations.seconds, 64)
        print(f"  scheduler, 64 slots   {own / images * 1000:.4f} ms an image", flush=True)


if __name__ == "__main__":
    main()
