"""What the stages that a target reaches do, step by step: records only. `evaluation` makes them.

A step says everything that BuildKit's LLB or the image's configuration takes from it and nothing else, so two equal
lists of steps build the same image from the same files.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.errors import Mistake
from planner.model.frozen import dataclass, field
from planner.model.image import Span
from planner.model.selection import Selection
from planner.sources.dockerfile.syntax import Instruction

Parts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """What a child inherits from an image: `env` is complete only when `known`; `shell` is empty for the default.

    `doubted` are the names in `env` whose value is made of one that only a base knows which is not locked.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = ""
    user: str = ""
    shell: tuple[str, ...] = ()
    onbuild: tuple[Instruction, ...] = ()
    known: bool = False
    doubted: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One instruction at work. `text` is how it is shown, `parts` what counts, `unsure` why it may change unseen.

    `remotes` are the sources that an ADD fetches by a name which may mean something else tomorrow.
    """

    text: str
    span: Span
    parts: Parts
    selections: tuple[Selection, ...] = ()
    unsure: tuple[str, ...] = ()
    remotes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """All steps that count for a target, in order of the file, and the configuration its children inherit.

    `refused` says, with its place, why BuildKit will not build the file, or not the same again, although none of the
    steps is wrong.
    """

    steps: tuple[Step, ...]
    config: Config
    mistakes: tuple[Mistake, ...] = ()
    refused: tuple[tuple[Span, str], ...] = ()
