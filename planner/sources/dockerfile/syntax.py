"""The instructions of a Dockerfile as records: what was written, before any variable is expanded.

Texts that BuildKit expands (words of COPY, ENV values, …) are kept with their quotes and `$`; `expand` turns them
into values. Words that the shell form leaves to the shell (RUN, CMD) are kept whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.frozen import dataclass
from planner.model.image import Pairs, Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Directives:
    """The parser directives at the top: `# syntax=`, `# escape=`, `# check=`; empty where not given.

    `syntax` is an image, with the words behind it that BuildKit hands to the frontend.
    """

    syntax: str = ""
    escape: str = "\\"
    check: str = ""
    syntax_span: Span | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Heredoc:
    """One here-document: `name` is the file name it stands for, `expand` whether variables in it are expanded.

    `content` is the text as it enters the image, leading tabs already stripped for `<<-`.
    """

    name: str
    content: str
    expand: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """What all instructions share. `text` is the canonical form that BuildKit shows as the step's command:

    keyword in upper case, comments and continuation marks gone, outer white space trimmed, the rest as written.
    """

    span: Span
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class From(Instruction):
    """`FROM [--platform=P] IMAGE [AS STAGE]`; `stage` is in lower case, as BuildKit compares it."""

    image: str
    image_span: Span
    platform: str = ""
    stage: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arg(Instruction):
    """`ARG NAME[=VALUE] …`; a value of None means that none was given."""

    pairs: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Env(Instruction):
    """`ENV NAME=VALUE …`, also the old form `ENV NAME VALUE`."""

    pairs: Pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class Label(Instruction):
    """`LABEL NAME=VALUE …`."""

    pairs: Pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy(Instruction):
    """`COPY` or `ADD` (`keyword`). `sources` excludes here-documents, which stand in `heredocs`.

    `from_` is the text of `--from`, empty for the build context. `flags` holds every flag as written, in order, so
    that none is lost to the key; `unknown_flags` names those that this reader does not know.
    """

    keyword: str
    sources: tuple[str, ...]
    destination: str
    heredocs: tuple[Heredoc, ...] = ()
    from_: str = ""
    from_span: Span | None = None
    chown: str = ""
    chmod: str = ""
    checksum: str = ""
    link: bool = False
    parents: bool = False
    keep_git_dir: bool = False
    unpack: str = ""
    excludes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    unknown_flags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """One `--mount` of a RUN: `type` is bind, cache, tmpfs, secret or ssh; `from_` empty for the build context.

    `fields` are all its keys with their values.
    """

    type: str = "bind"
    from_: str = ""
    source: str = ""
    target: str = ""
    id: str = ""
    fields: Pairs = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Run(Instruction):
    """`RUN`: `command` is the shell text, or the words of the JSON form; `mounts` in order.

    BuildKit expands variables in mount options and network only; the command is left to the shell.
    """

    command: tuple[str, ...]
    shell_form: bool
    mounts: tuple[Mount, ...] = ()
    heredocs: tuple[Heredoc, ...] = ()
    network: str = ""
    security: str = ""
    flags: tuple[str, ...] = ()
    unknown_flags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Workdir(Instruction):
    """`WORKDIR PATH`: makes the folder, so it is a step of the file system."""

    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting(Instruction):
    """Any instruction that moves only the configuration: CMD, ENTRYPOINT, EXPOSE, HEALTHCHECK, MAINTAINER, SHELL,

    STOPSIGNAL, USER, VOLUME (`keyword`). `words` is what BuildKit expands for it; `json_form` for `["…"]`.
    USER and SHELL also change how later steps run.
    """

    keyword: str
    words: tuple[str, ...]
    json_form: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Onbuild(Instruction):
    """`ONBUILD INSTRUCTION`: `trigger` is the instruction's canonical text, run by the children of this image."""

    trigger: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Dockerfile:
    """A whole Dockerfile in order; `lines` are its physical lines, for messages."""

    file: str
    directives: Directives
    instructions: tuple[Instruction, ...]
    lines: tuple[str, ...]

    def unknown_flags(self) -> Iterator[tuple[Span, str]]:
        """Every flag that this reader does not know, with its instruction's place, in stages that are not built too."""
        for item in self.instructions:
            if isinstance(item, Copy | Run):
                for flag in item.unknown_flags:
                    yield item.span, flag
