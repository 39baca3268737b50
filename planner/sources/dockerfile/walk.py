"""The walk through one stage: what was set up so far, the steps that were found, and how a word is expanded.

Knows no instruction: those are in the modules named after them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from planner.errors import Mistake
from planner.model.frozen import dataclass
from planner.model.graph import Origin
from planner.model.image import Span
from planner.model.selection import Selection
from planner.sources.dockerfile.expand import ExpansionError
from planner.sources.dockerfile.global_args import BUILD_MARK, Settings, expand_marked
from planner.sources.dockerfile.stages import Staged
from planner.sources.dockerfile.steps import Parts, Step
from planner.sources.dockerfile.syntax import Instruction


@dataclass(frozen=True, kw_only=True)
class State:
    """What a stage has set up so far. `args` are the declared ones in order, with the value in force.

    `doubted` are the names in `env` whose value is made of one that only a base knows which is not locked.
    """

    env: Mapping[str, str]
    config_env: Mapping[str, str]
    args: Mapping[str, str | None]
    workdir: str
    user: str
    shell: tuple[str, ...]
    onbuild: tuple[Instruction, ...]
    known: bool
    doubted: frozenset[str]

    def may_be_set(self, name: str) -> bool:
        """Whether a variable that seems to have no value may have one by a base that is not locked."""
        return name in self.doubted or (not self.known and name not in self.env)


OF_MACHINE = "a value of the building machine"


class Walk:
    """One stage's walk; collects its steps. `counted` for stages whose configuration ends up in the image.

    `windows` for stages of that system, whose paths may have backslashes and a drive.
    """

    def __init__(
        self,
        whole: Staged,
        reached: tuple[int, ...],
        settings: Settings,
        origin_of: Callable[[str], Origin],
        *,
        counted: bool,
        windows: bool,
        mistakes: list[Mistake],
    ) -> None:
        self.whole = whole
        self.reached = reached
        self.settings = settings
        self.origin_of = origin_of
        self.counted = counted
        self.windows = windows
        self.mistakes = mistakes
        self.steps: list[Step] = []
        self.triggers: list[Step] = []
        self.escape = whole.dockerfile.directives.escape
        self.uncertain: set[str] = set()
        self.at: Instruction | None = None

    def add(
        self,
        text: str,
        span: Span,
        parts: Parts,
        *,
        selections: tuple[Selection, ...] = (),
        unsure: tuple[str, ...] = (),
        remotes: tuple[str, ...] = (),
    ) -> None:
        """Add a step."""
        step = Step(text=text, span=span, parts=parts, selections=selections, unsure=unsure, remotes=remotes)
        self.steps.append(step)

    def config(self, item: Instruction, parts: Parts) -> None:
        """Add a step that only the configuration shows, where this stage reaches it."""
        if self.counted:
            self.add(item.text, item.span, parts)

    def word(self, text: str, state: State) -> str:
        """Expand one word; remember names whose value only the external base knows."""
        value, names = self.judged(text, state)
        self.uncertain |= names
        return value

    def judged(self, text: str, state: State) -> tuple[str, frozenset[str]]:
        """One word expanded, and the names in it whose value only an external base or the building machine knows."""
        try:
            found = expand_marked(text, state.env, self.escape, state.may_be_set)
        except ExpansionError as error:
            self.mistake(str(error))
            return text, frozenset()
        names = found.used & state.doubted
        if not state.known:
            names |= found.used - state.env.keys()
        return found.value, names | {OF_MACHINE} if BUILD_MARK in found.value else names

    def mistake(self, what: str) -> None:
        """Something wrong in the instruction at hand."""
        assert self.at is not None  # noqa: S101 -- set by `stage` before any word is expanded
        span = self.at.span
        self.mistakes.append(Mistake(file=span.file, line=span.line, column=span.column, what=what))

    def pairs(self, pairs: tuple[tuple[str, str], ...], state: State) -> Parts:
        """Names and values, both expanded."""
        return tuple((self.word(name, state), self.word(value, state)) for name, value in pairs)
