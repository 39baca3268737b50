"""Gives images another name in the Dockerfile that is sent, where a stage has theirs. Lines stay where they are."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from planner.errors import DefinitionError, Mistake
from planner.model.frozen import replace
from planner.model.graph import Use
from planner.model.names import familiar
from planner.sources.dockerfile import instructions
from planner.sources.dockerfile.syntax import Copy, Dockerfile, From, Instruction, Mount, Run

_HOST = "planner.invalid"
_MARK = "\ufeff"


def other_name(name: str) -> str:
    """A name for an image that no stage can have, and no registry answers to."""
    return f"{_HOST}/{name}"


def renamed(data: bytes, read: Dockerfile, uses: Sequence[Use], names: Collection[str]) -> bytes:
    """The Dockerfile with every use of these images by its other name.

    Raises DefinitionError for one that is written so that it cannot be told apart with certainty.
    """
    mark, text = ("", data.decode()) if not data.decode().startswith(_MARK) else (_MARK, data.decode()[len(_MARK) :])
    lines = text.split("\n")
    wanted = list(read.instructions)
    for use in uses:
        if familiar(use.reference) not in names:
            continue
        at = next((n for n, item in enumerate(read.instructions) if _reads(item, use)), None)
        if at is None or not _write(lines, read.instructions[at], use):
            raise _refused(use)
        wanted[at] = _as_written(wanted[at], use)
    made = (mark + "\n".join(lines)).encode()
    found = instructions.parse(made, read.file).instructions
    for use in uses:
        if familiar(use.reference) in names and list(map(_told, found)) != list(map(_told, wanted)):
            raise _refused(use)
    return made


def _refused(use: Use) -> DefinitionError:
    what = f"{use.role} {use.reference}: {familiar(use.reference)} is the name of a stage too"
    hint = "call the stage something else: BuildKit would put the image in its place"
    place = use.span
    return DefinitionError([Mistake(file=place.file, line=place.line, column=place.column, what=what, hint=hint)])


def _reads(item: Instruction, use: Use) -> bool:
    match item:
        case From():
            return item.image_span == use.span
        case Copy():
            return bool(item.from_) and (item.from_span or item.span) == use.span
        case Run():
            return item.span == use.span and any(mount.from_ == use.reference for mount in item.mounts)
    return False


def _write(lines: list[str], item: Instruction, use: Use) -> bool:
    """Write the other name into the lines of an instruction; False where the name does not stand there as it is."""
    name = other_name(familiar(use.reference))
    if isinstance(item, Run):
        count = sum(mount.from_ == use.reference for mount in item.mounts)
        for n in range(item.span.line - 1, item.span.end_line):
            pattern = rf"(?<=from=){re.escape(use.reference)}(?![\w.:/@-])"
            lines[n], done = re.subn(pattern, name, lines[n], count=count)
            if (count := count - done) == 0:
                return True
        return False
    old, new = (item.image, name) if isinstance(item, From) else (f"--from={use.reference}", f"--from={name}")
    line, at = lines[use.span.line - 1], use.span.column - 1
    if not line.startswith(old, at) or line[at + len(old) : at + len(old) + 1].strip("\t\v\f\r \\`"):
        return False
    lines[use.span.line - 1] = line[:at] + new + line[at + len(old) :]
    return True


def _as_written(item: Instruction, use: Use) -> Instruction:
    """The instruction as it should read with the other name."""
    name = other_name(familiar(use.reference))
    match item:
        case From():
            return replace(item, image=name)
        case Copy():
            return replace(item, from_=name)
        case Run():
            mounts = (_read_as(one, name) if one.from_ == use.reference else one for one in item.mounts)
            return replace(item, mounts=tuple(mounts))
    return item


def _read_as(mount: Mount, name: str) -> Mount:
    """A mount from the same image by another name."""
    fields = tuple((key, name if key == "from" else value) for key, value in mount.fields)
    return replace(mount, from_=name, fields=fields)


def _told(item: Instruction) -> Instruction:
    """What an instruction says, but for what a name in it moves: its text, and places on its line."""
    plain = replace(item, text="")
    match plain:
        case From():
            return replace(plain, image_span=plain.span)
        case Copy():
            return replace(plain, from_span=None, flags=())
        case Run():
            return replace(plain, flags=())
    return plain
