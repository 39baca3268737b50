"""What a written pipeline has to know of a family and of whoever runs it, whatever the provider."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.ci.jobs import Rebuild
from planner.ci.limits import depth_of
from planner.ci.names import LABEL, job_id, of_place, refuse_lines
from planner.errors import PlannerError
from planner.model.image import DISCOVERED

NATIVE = "linux/amd64"
REGISTRY = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._:/-]*)?", re.ASCII)
OWN = ".planner"
"""The folder for what jobs write and hand on, at the top of a clone: files of that name are part of no context, and so
of no key."""
DEEPEST = 100
"""Levels that are written at most, so that a file stays within what providers take."""
PLAN, SHOWN = f"{OWN}/plan.json", f"{OWN}/plan.md"
PUBLISHED = ("--against", "published", "--push")
"""The baseline on a protected branch: what the registry has, by keys and by tags. A revision would not do, since a leg
may have failed; keys alone would not, since tags name a later state than the one that a revert brings back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """A pipeline to write. `work` is the whole family as if all of it rebuilt; `command` calls the planner up to its
    command, `install` gets it onto a runner; `cron` is when the nightly part runs, in UTC. `place` tells the family
    from others of the repository, "" for the one at its top. `file` is where the pipeline will lie, from the top of the
    repository, "" for where the provider looks. `private` says whether what is `locked` lies, in part, at
    the registry that the family is pushed to, so that its check needs the same login. `environment` are variables that
    say of the family what its files do not. `submodules` and `lfs` (large files of git) say whether an image reads
    files that a plain clone lacks, `signed` whether records are signed. `by` says how GitLab's jobs are made, as
    `planner matrix` takes it. `allow` is what images take of the machine beside the workspace.
    """

    work: Rebuild
    command: tuple[str, ...] = ("planner",)
    place: str = ""
    file: str = ""
    install: str = ""
    branch: str = "main"
    cron: str = "17 3 * * *"
    locked: bool = False
    private: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    submodules: bool = False
    lfs: bool = False
    signed: bool = False
    static: bool = False
    by: str = "level"
    label: str = "build-images"
    allow: tuple[str, ...] = ()

    @property
    def allowed(self) -> tuple[str, ...]:
        """The words by which a job of the protected branch allows builds what they take; no other job has them."""
        return tuple(word for text in self.allow for word in ("--allow", text))

    def planner(self, *words: str) -> str:
        """A command line of the planner."""
        return shlex.join([*self.command, *words])

    def named(self, text: str) -> str:
        """What a provider knows something of this pipeline by, as another family's pipeline would not call it."""
        return of_place(text, self.place)

    def job(self, name: str) -> str:
        """What a job is called where jobs of other families' pipelines may be in the same one, and of one name once."""
        return job_id(name, self.place) if self.place else name

    def variables(self, field: str) -> dict[str, object]:
        """The environment as a provider's file holds it under a field of this name; nothing where there is none."""
        return {field: dict(self.environment)} if self.environment else {}

    @property
    def host(self) -> str:
        """The registry's host, "" where the family has none of its own."""
        return self.work.family.registry.partition("/")[0]

    @property
    def levels(self) -> int:
        """How deep the family is, at least one level and at most `DEEPEST`: the last one takes what is deeper."""
        return min(max(depth_of(self.work), 1), DEEPEST)

    @property
    def emulated(self) -> bool:
        """Whether an image is for another platform than runners have."""
        return any(at != NATIVE for name in self.work.order for at in self.work.graph.nodes[name].image.platforms)


def refuse_older(branch: str, unless: str = "") -> str:
    """A shell's line that fails where a branch (as the shell knows it) has moved on from the commit that is here.

    Tags would name what an older commit has, and no run would follow it. `unless` is a command that says whether that
    does no harm.
    """
    told = "tags would come to name older images. Start a run of what is there now."
    return (
        f'{{ newest="$(git ls-remote origin "refs/heads/{branch}" | cut -f 1)"; '
        f'[ "$newest" = "$(git rev-parse HEAD)" ] || {unless and f"{unless} || "}'
        f'{{ echo "refused, since {branch} is at $newest by now: {told}" >&2; exit 1; }}; }}'
    )


def refuse_unpublished(settings: Settings) -> None:
    """Raise PlannerError for a pipeline that could not build: unsafe settings, or a family without a registry."""
    if not settings.work.family.registry:
        hint = "give the graph file registry: HOST/PATH; for a Bake file, set PLANNER_REGISTRY while this is written"
        if settings.work.family.file == DISCOVERED:
            hint = "planner init writes a graph file: give that registry: HOST/PATH"
        raise PlannerError(f"a pipeline needs a registry: its jobs hand their images on through one\n  {hint}")
    refuse_unsafe_settings(settings)


def refuse_unsafe_settings(settings: Settings) -> None:
    """Raise PlannerError for a setting that could say something else in a pipeline than it says here."""
    refuse_lines([*settings.command, settings.install, settings.cron, settings.work.family.registry, *settings.allow])
    if not LABEL.fullmatch(settings.branch) or " " in settings.branch:
        raise PlannerError(f"--branch {settings.branch!r}: is no name of a branch that a pipeline can hold safely")
    if not LABEL.fullmatch(settings.label):
        raise PlannerError(f"--label {settings.label!r}: is no name of a label that a pipeline can hold safely")
    fields = settings.cron.split()
    if len(fields) != 5 or not set(settings.cron) <= set("0123456789*/,- "):
        raise PlannerError(f"--cron {settings.cron!r}: has five fields of digits and * / , -")
    if not REGISTRY.fullmatch(settings.work.family.registry):
        raise PlannerError(f"registry {settings.work.family.registry!r}: cannot be written safely into CI")
