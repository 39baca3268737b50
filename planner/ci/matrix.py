"""Turns CI jobs into build matrices, one for each level of jobs, as GitHub reads them and as a document of our own."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planner.ci.jobs import Job, Rebuild
from planner.ci.limits import GITHUB, refuse_too_long
from planner.ci.names import refuse_lines
from planner.ci.packing import Forecast


@dataclass(frozen=True, kw_only=True, slots=True)
class Legs:
    """The jobs of a matrix, how a leg calls the planner (up to `build`), the saved plan that it applies ("" for none),
    and whether it pushes. `allow` is what builds may have of the machine beside the workspace. `setup` are commands
    that run before it, and `environment` variables that say of the family what its files do not, where the provider
    wants them in the document. `plan_job` is what GitLab calls the job that has the plan, in the pipeline that starts
    this one."""

    work: Rebuild
    jobs: tuple[Job, ...]
    by: str
    command: tuple[str, ...] = ("planner",)
    plan: str = ""
    plan_job: str = "plan"
    push: bool = True
    allow: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    forecast: Forecast | None = None

    def words(self, job: Job) -> list[str]:
        """The command of one leg. Raises PlannerError for words that no CI file should hold."""
        plan = ["--plan", self.plan] if self.plan else []
        push = ["--push"] if self.push and self.work.family.registry else []
        keep = ["--keep-going"] if len(job.images) > 1 else []
        allow = [word for text in self.allow for word in ("--allow", text)]
        words = [*self.command, "build", *plan, "--only", *push, *keep, *allow, "--", *job.images]
        refuse_lines(words)
        return words


def matrix_json(legs: Legs) -> str:
    """The legs by level as a document, version 1."""
    document: dict[str, object] = {"version": 1, "by": legs.by, "any": bool(legs.jobs), "levels": _levels(legs, True)}
    if legs.forecast is not None:
        document["forecast"] = _forecast(legs.forecast)
    return json.dumps(document, indent=2)


def matrix_github(legs: Legs) -> str:
    """One line for GitHub's `fromJSON`: each of `levels` is the matrix of one job, `any` says whether there is one.

    GitHub refuses an empty matrix, so a job for level N runs `if: fromJSON(…).levels[N] != null`; a job's `if` is
    looked at before its matrix. Where the line would be longer than an output may be, legs go without what they can
    be run without; raises PlannerError where that is not enough.
    """
    text = _line(legs, True)
    return (
        text if len(text) <= GITHUB.letters else refuse_too_long(_line(legs, False), GITHUB, "a job's output on GitHub")
    )


def _line(legs: Legs, whole: bool) -> str:
    document: dict[str, object] = {"any": bool(legs.jobs), "levels": _levels(legs, False, whole)}
    if whole:
        document["images"] = list(legs.work.order)
    return json.dumps(document, separators=(",", ":"))


def _levels(legs: Legs, nested: bool, whole: bool = True) -> list[dict[str, object]]:
    """`nested` has lists and mappings in the legs, which a matrix for GitHub does without."""
    count = max((job.level for job in legs.jobs), default=-1) + 1
    levels: list[list[dict[str, object]]] = [[] for _ in range(count)]
    for job in legs.jobs:
        leg: dict[str, object] = (
            _leg(legs, job) if whole else {"images": " ".join(job.images), "title": job.title, "runner": job.runner}
        )
        levels[job.level].append({**leg, "needs": list(job.needs), "resources": dict(job.resources)} if nested else leg)
    return [{"include": level} for level in levels]


def _leg(legs: Legs, job: Job) -> dict[str, object]:
    return {
        "id": job.id,
        "title": job.title,
        "image": job.images[0],
        "images": " ".join(job.images),
        "level": max(legs.work.graph.nodes[name].level for name in job.images),
        "key": legs.work.keys[job.images[0]],
        "kind": job.kind.value,
        "platforms": ",".join(job.platforms),
        "runner": job.runner,
        **({} if job.seconds is None else {"minutes": round(job.seconds / 60, 1)}),
        "command": shlex.join(legs.words(job)),
    }


def _forecast(found: Forecast) -> dict[str, object]:
    return {
        "slots": found.slots,
        "seconds": round(found.makespan, 1),
        "seconds_in_levels": round(found.in_levels, 1),
        "seconds_one_job_an_image": round(found.naive, 1),
        "work_seconds": round(found.work, 1),
        "critical_path_seconds": round(found.bounds.critical_path, 1),
        "work_by_slots_seconds": round(found.bounds.work / found.bounds.slots, 1),
    }


def forecast_text(found: Forecast, jobs: Sequence[Job]) -> str:
    """The forecast for people, in minutes."""
    known = sum(job.known for job in jobs)
    images = sum(len(job.images) for job in jobs)
    return (
        f"{len(jobs)} jobs for {images} images on {found.slots} slots: "
        f"{found.makespan / 60:.1f} min ({found.in_levels / 60:.1f} level by level); "
        f"a job for each image, level by level: {found.naive / 60:.1f}; "
        f"no less than {found.bounds.lower / 60:.1f} "
        f"(longest chain {found.bounds.critical_path / 60:.1f}, "
        f"work / slots {found.bounds.work / found.slots / 60:.1f}); "
        f"{known} of {images} durations are recorded, the others assumed"
    )
