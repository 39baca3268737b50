"""Turns the stages that a target reaches into steps: what each one does, with every variable in force written out.

A step says everything that BuildKit's LLB or the image's configuration takes from it and nothing else, so two equal
lists of steps build the same image from the same files. Follows `dispatch…` of BuildKit's dockerfile2llb (v0.32.2).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from planner.errors import Mistake
from planner.model.graph import ExternalImage, LocalFiles, Origin, ParentImage, RemoteFiles, Use
from planner.model.image import Span
from planner.sources.dockerfile.expand import ExpansionError, expand, expand_heredoc
from planner.sources.dockerfile.instructions import parse_trigger
from planner.sources.dockerfile.stages import BUILD_MARK, SCRATCH, Settings, Stage, Staged
from planner.sources.dockerfile.syntax import (
    Arg,
    Copy,
    Env,
    Heredoc,
    Instruction,
    Label,
    Mount,
    Onbuild,
    Run,
    Setting,
    Workdir,
)

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NEVER_ENVIRONMENT = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})

Parts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """What a child inherits from an image: `env` is complete only when `known`; `shell` is empty for the default."""

    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = ""
    user: str = ""
    shell: tuple[str, ...] = ()
    onbuild: tuple[Instruction, ...] = ()
    known: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Files that one step reads from a context. `context` is "" for the build context, else a workspace folder.

    `sources` are patterns relative to the context's root. `optional` sources may be missing (a bind mount may not).
    `whole` asks for everything, because a variable that only the external base knows stands in a source.
    """

    context: str
    sources: tuple[str, ...]
    excludes: tuple[str, ...] = ()
    parents: bool = False
    mount: bool = False
    whole: bool = False
    reason: str = ""


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
    """All steps that count for a target, in order of the file, and the configuration its children inherit."""

    steps: tuple[Step, ...]
    config: Config
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _State:
    """What a stage has set up so far. `args` are the declared ones in order, with the value in force."""

    env: Mapping[str, str]
    config_env: Mapping[str, str]
    args: Mapping[str, str | None]
    workdir: str
    user: str
    shell: tuple[str, ...]
    onbuild: tuple[Instruction, ...]
    known: bool


def evaluate(
    whole: Staged,
    reached: tuple[int, ...],
    settings: Settings,
    config_of: Callable[[Origin], Config],
    origin_of: Callable[[str], Origin],
) -> Evaluation:
    """Write out the steps of the reached stages. `config_of` answers what an image hands to its children."""
    chain = _chain(whole)
    states: dict[int, _State] = {}
    steps: list[Step] = []
    mistakes: list[Mistake] = []
    for index in reached:
        walker = _Walker(whole, reached, settings, origin_of, counted=index in chain, mistakes=mistakes)
        stage = whole.stages[index]
        states[index] = walker.stage(stage, _start(stage, states, config_of))
        steps.extend(walker.steps)
    # The triggers of the target alone are in its configuration, as a list of their own.
    steps.extend(walker.triggers)
    end = states[whole.target]
    config = Config(
        env=end.config_env,
        workdir=end.workdir,
        user=end.user,
        shell=end.shell,
        onbuild=end.onbuild,
        known=end.known,
    )
    return Evaluation(steps=tuple(steps), config=config, mistakes=tuple(mistakes))


def _chain(whole: Staged) -> frozenset[int]:
    """The target's stage and the stages it starts from: only these reach the image's configuration."""
    chain: set[int] = set()
    at: int | Use | None = whole.target
    while isinstance(at, int) and at not in chain:
        chain.add(at)
        at = whole.stages[at].base
    return frozenset(chain)


def _start(stage: Stage, states: Mapping[int, _State], config_of: Callable[[Origin], Config]) -> _State:
    if isinstance(stage.base, int):
        return replace(states[stage.base], onbuild=())
    config = Config(known=True) if stage.base is None else config_of(stage.base.origin)
    env = dict(config.env)
    if config.known:
        env.setdefault("PATH", DEFAULT_PATH)
    return _State(
        env=env,
        config_env=env,
        args={},
        workdir=config.workdir,
        user=config.user,
        shell=config.shell,
        onbuild=(),
        known=config.known,
    )


class _Walker:
    """Walks one stage; collects its steps. `counted` for stages whose configuration ends up in the image."""

    def __init__(
        self,
        whole: Staged,
        reached: tuple[int, ...],
        settings: Settings,
        origin_of: Callable[[str], Origin],
        *,
        counted: bool,
        mistakes: list[Mistake],
    ) -> None:
        self.whole = whole
        self.reached = reached
        self.settings = settings
        self.origin_of = origin_of
        self.counted = counted
        self.mistakes = mistakes
        self.steps: list[Step] = []
        self.triggers: list[Step] = []
        self.escape = whole.dockerfile.directives.escape
        self.uncertain: set[str] = set()
        self.at: Instruction | None = None

    def stage(self, stage: Stage, state: _State) -> _State:
        base = self._stage_name(stage.base) if isinstance(stage.base, int) else _origin_name(stage.base)
        text = f"FROM {stage.base.reference}" if isinstance(stage.base, Use) else f"FROM {base}"
        if not _is_alias(stage):
            parts = (("base", base), ("platform", stage.platform))
            self._add(text, stage.span, parts, selections=self._started_from(stage))
        for item in stage.instructions:
            self.at = item
            state = self._one(item, state)
        return state

    def _stage_name(self, index: int) -> str:
        """A stage by its place among those that count: neither its name, nor unreached stages, nor aliases matter."""
        index = self._original(index)
        counted = [one for one in self.reached if not _is_alias(self.whole.stages[one])]
        return f"stage {counted.index(index)}" if index in counted else f"stage {index}"

    def _original(self, index: int) -> int:
        """The stage behind an alias."""
        base = self.whole.stages[index].base
        return self._original(base) if isinstance(base, int) and _is_alias(self.whole.stages[index]) else index

    def _started_from(self, stage: Stage) -> tuple[Selection, ...]:
        """All files of the folder that a stage starts from, unless others only copy from it or mount it."""
        folder = _folder_of(stage)
        stages = [self.whole.stages[index] for index in self.reached]
        bases = [one.base for one in stages if isinstance(one.base, int) and not _is_alias(one)]
        goes_on = stage.instructions or stage.index in map(self._original, (self.whole.target, *bases))
        return (Selection(context=folder, sources=("/",), mount=True),) if folder is not None and goes_on else ()

    def _read_name(self, name: str, *, by_index: bool) -> str:
        """What a `from` reads, named so that a pin of an image of the graph does not count."""
        found = self._found(name, by_index=by_index)
        if found is not None:
            return self._stage_name(found)
        return SCRATCH if name == SCRATCH else _origin_text(self.origin_of(name))

    def _found(self, name: str, *, by_index: bool) -> int | None:
        found = int(name) if by_index and name.isdecimal() else self.whole.find(name)
        return found if found is not None and found < len(self.whole.stages) else None

    def _add(
        self,
        text: str,
        span: Span,
        parts: Parts,
        *,
        selections: tuple[Selection, ...] = (),
        unsure: tuple[str, ...] = (),
        remotes: tuple[str, ...] = (),
    ) -> None:
        step = Step(text=text, span=span, parts=parts, selections=selections, unsure=unsure, remotes=remotes)
        self.steps.append(step)

    def _one(self, item: Instruction, state: _State) -> _State:
        self.uncertain = set()
        match item:
            case Arg():
                return self._arg(item, state)
            case Env():
                return self._env(item, state)
            case Copy():
                return self._copy(item, state)
            case Run():
                return self._run(item, state)
            case Workdir():
                return self._workdir(item, state)
            case Label():
                self._config(item, self._pairs(item.pairs, state))
            case Setting():
                return self._setting(item, state)
            case Onbuild():
                self.triggers.append(Step(text=item.text, span=item.span, parts=(("trigger", item.trigger),)))
                trigger = parse_trigger(item.trigger, self.escape, item.span)
                return replace(state, onbuild=(*state.onbuild, trigger))
        return state

    def _config(self, item: Instruction, parts: Parts) -> None:
        if self.counted:
            self._add(item.text, item.span, parts)

    def _word(self, text: str, state: _State) -> str:
        """Expand one word; remember names whose value only the external base knows."""
        try:
            found = expand(text, state.env, self.escape)
        except ExpansionError as error:
            self._mistake(str(error))
            return text
        if not state.known:
            self.uncertain |= found.used - state.env.keys()
        if BUILD_MARK in found.value:
            self.uncertain.add("a value of the building machine")
        return found.value

    def _mistake(self, what: str) -> None:
        assert self.at is not None  # noqa: S101 -- set by `stage` before any word is expanded
        span = self.at.span
        self.mistakes.append(Mistake(file=span.file, line=span.line, column=span.column, what=what))

    def _pairs(self, pairs: tuple[tuple[str, str], ...], state: _State) -> Parts:
        return tuple((self._word(name, state), self._word(value, state)) for name, value in pairs)

    def _arg(self, item: Arg, state: _State) -> _State:
        env, args, parts = dict(state.env), dict(state.args), []
        for name, default in item.pairs:
            value = self.settings.args.get(name)
            if value is None:
                scoped = replace(state, env=env)
                value = self.whole.global_args.get(name) if default is None else self._word(default, scoped)
            args[name] = value
            parts.append((f"ARG {name} without a value", "") if value is None else (f"ARG {name}", value))
            if value is not None and name not in NEVER_ENVIRONMENT:
                env = _set_last(env, name, value)
        self._config(item, tuple(parts))
        return replace(state, env=env, args=args)

    def _env(self, item: Env, state: _State) -> _State:
        pairs = self._pairs(item.pairs, state)
        self._config(item, tuple((f"ENV {name}", value) for name, value in pairs))
        env = state.env
        for name, value in pairs:
            env = _set_last(env, name, value)
        return replace(state, env=env, config_env={**state.config_env, **dict(pairs)})

    def _workdir(self, item: Workdir, state: _State) -> _State:
        written = self._word(item.path, state)
        path = posixpath.normpath(posixpath.join(state.workdir or "/", written))
        parts: Parts = (("path", path),)
        if state.user:
            parts = (*parts, ("user", state.user))
        if self.counted and written.startswith("/"):
            parts = (*parts, ("in the configuration", written))
        if self.counted or path != "/":
            self._add(item.text, item.span, parts)
        return replace(state, workdir=path)

    def _setting(self, item: Setting, state: _State) -> _State:
        expands = item.keyword in {"EXPOSE", "STOPSIGNAL", "USER", "VOLUME"}
        words = tuple(self._word(word, state) for word in item.words) if expands else item.words
        shell: Parts = ()
        if item.keyword in {"CMD", "ENTRYPOINT"} and not item.json_form:
            shell = (("shell", " ".join(state.shell)),)
        parts = (("json", str(item.json_form)), *((item.keyword, word) for word in words), *shell)
        self._config(item, parts)
        if item.keyword == "USER":
            return replace(state, user=words[0])
        if item.keyword == "SHELL":
            return replace(state, shell=words)
        return state

    def _copy(self, item: Copy, state: _State) -> _State:
        sources = tuple(self._word(source, state) for source in item.sources)
        in_sources = frozenset(self.uncertain)
        destination = self._word(item.destination, state)
        parts = (
            ("keyword", item.keyword),
            ("from", self._read_name(item.from_, by_index=True) if item.from_ else ""),
            *(("source", source) for source in sources),
            ("destination", destination),
            ("workdir", "" if destination.startswith("/") else state.workdir),
            ("chown", self._word(item.chown, state)),
            ("chmod", self._word(item.chmod, state)),
            ("checksum", self._word(item.checksum, state)),
            *((f"flag {number}", flag) for number, flag in enumerate(_plain_flags(item.flags))),
            *((f"here-document {doc.name}", self._heredoc(doc, state)) for doc in item.heredocs),
        )
        unsure = tuple(f"unknown flag --{flag}" for flag in item.unknown_flags)
        local = tuple(source for source in sources if not (item.keyword == "ADD" and _remote(source)))
        remotes = tuple(source for source in sources if source not in local and not _is_pinned(source, item))
        self._add(
            item.text,
            item.span,
            parts,
            selections=self._copied(item, local, in_sources),
            unsure=unsure,
            remotes=remotes,
        )
        return state

    def _heredoc(self, doc: Heredoc, state: _State) -> str:
        if not doc.expand:
            return doc.content
        try:
            return expand_heredoc(doc.content, state.env).value
        except ExpansionError as error:
            self._mistake(str(error))
            return doc.content

    def _copied(self, item: Copy, sources: tuple[str, ...], names: frozenset[str]) -> tuple[Selection, ...]:
        context = self._context(item.from_, by_index=True)
        if context is None or not sources:
            return ()
        whole, reason = bool(names), ""
        if whole:
            reason = f"{', '.join(sorted(names))} is known only while building"
        return (
            Selection(
                context=context,
                sources=sources,
                # Judged by where a source begins, which nobody knows: of the whole context nothing is left out.
                excludes=() if whole else item.excludes,
                parents=item.parents and not whole,
                whole=whole,
                reason=reason,
            ),
        )

    def _context(self, name: str, *, by_index: bool) -> str | None:
        """The folder whose files a `from` reads: "" for the build context, None for a stage or an image.

        A stage that is a folder and goes on from there counts as a whole, by itself.
        """
        if not name:
            return ""
        found = self._found(name, by_index=by_index)
        if found is not None:
            stage = self.whole.stages[self._original(found)]
            return None if stage.instructions else _folder_of(stage)
        origin = self.origin_of(name)
        return origin.folder if name != SCRATCH and isinstance(origin, LocalFiles) else None

    def _run(self, item: Run, state: _State) -> _State:
        mounts = tuple(self._mount(mount, state) for mount in item.mounts)
        selections = tuple(selection for mount in mounts if (selection := self._mounted(mount, state)) is not None)
        parts = (
            *(("command", word) for word in item.command),
            *((f"here-document {doc.name}", doc.content) for doc in item.heredocs),
            ("shell", " ".join(state.shell) if item.shell_form else "none"),
            *((f"flag {number}", flag) for number, flag in enumerate(_plain_flags(item.flags))),
            *((f"mount {number}", self._mount_text(mount)) for number, mount in enumerate(mounts)),
            ("network", item.network or self.settings.network),
            ("workdir", state.workdir),
            ("user", state.user),
            *((_env_part(name, state), state.env[name]) for name in state.env),
            *self._history(state),
        )
        unsure = tuple(f"unknown flag --{flag}" for flag in item.unknown_flags)
        self._add(item.text, item.span, parts, selections=selections, unsure=unsure)
        return state

    def _history(self, state: _State) -> Parts:
        """Declared ARGs without a value stand in the history of a RUN, nowhere else."""
        if not self.counted:
            return ()
        return tuple((f"ARG {name}", "") for name, value in state.args.items() if value is None)

    def _mount(self, mount: Mount, state: _State) -> Mount:
        return replace(
            mount,
            type=self._word(mount.type, state),
            source=self._word(mount.source, state),
            target=self._word(mount.target, state),
            id=self._word(mount.id, state),
            text=self._word(mount.text.replace(f"from={mount.from_}", "from="), state),
        )

    def _mount_text(self, mount: Mount) -> str:
        """A mount as it counts. A secret or key that is declared differs from one that is not."""
        if mount.from_:
            return f"{mount.text} {self._read_name(mount.from_, by_index=False)}"
        given = self.settings.secrets if mount.type == "secret" else self.settings.ssh
        name = mount.id or (posixpath.basename(mount.target) if mount.type == "secret" else "default")
        if mount.type in {"secret", "ssh"}:
            return f"{mount.text} {'given' if name in given else 'not given'}"
        return mount.text

    def _mounted(self, mount: Mount, state: _State) -> Selection | None:
        if mount.type in {"secret", "ssh", "tmpfs"} or (mount.type == "cache" and not mount.from_):
            return None
        context = self._context(mount.from_, by_index=False)
        if context is None:
            return None
        whole = bool(self.uncertain)
        reason = f"{', '.join(sorted(self.uncertain))} is known only while building" if whole else ""
        return Selection(context=context, sources=(mount.source or "/",), mount=True, whole=whole, reason=reason)


def _is_alias(stage: Stage) -> bool:
    """Whether a stage does nothing but give another one a name."""
    return isinstance(stage.base, int) and not stage.instructions


def _folder_of(stage: Stage) -> str | None:
    """The folder that a stage starts from, None where it starts from something else."""
    origin = stage.base.origin if isinstance(stage.base, Use) else None
    return origin.folder if isinstance(origin, LocalFiles) else None


def _origin_name(base: int | Use | None) -> str:
    return _origin_text(base.origin) if isinstance(base, Use) else SCRATCH


def _origin_text(origin: Origin) -> str:
    match origin:
        case ParentImage(name=name):
            return f"image {name}"
        case ExternalImage(reference=reference):
            return reference
        case LocalFiles():
            return "files of a named context"
        case RemoteFiles(url=url):
            return url
    return "unresolved"


def _set_last(env: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    """The environment with a variable set: BuildKit hands it to a RUN in the order in which it was last set."""
    return {**{known: old for known, old in env.items() if known != name}, name: value}


def _env_part(name: str, state: _State) -> str:
    declared = name in state.args and name not in state.config_env
    return f"{'ARG' if declared else 'ENV'} {name}"


def _plain_flags(flags: tuple[str, ...]) -> tuple[str, ...]:
    """The flags that have no part of their own; `--from` and `--mount` count through what they read."""
    own = ("--from", "--chown", "--chmod", "--checksum", "--mount", "--network")
    return tuple(flag for flag in flags if not flag.startswith(own))


def _remote(source: str) -> bool:
    """Whether ADD fetches this source by itself (`isHTTPSource`, `isGitSource`)."""
    schemes = ("http://", "https://", "git://", "ssh://", "git@")
    return source.startswith(schemes) or source.startswith("github.com/")


def _is_pinned(source: str, item: Copy) -> bool:
    """Whether what a remote source means is written beside it: a checksum, or a whole commit."""
    commit = source.partition("#")[2].partition(":")[0]
    is_commit = len(commit) in {40, 64} and all(letter in "0123456789abcdef" for letter in commit)
    return bool(item.checksum) or is_commit
