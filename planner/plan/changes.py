"""Turns two manifests of one image into the reasons that tell them apart."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence

from planner.digest.inputs import Input, InputKind, Manifest
from planner.model.frozen import dataclass
from planner.plan.reasons import Code, Reason

SETTINGS = frozenset({InputKind.ARGUMENT, InputKind.LABEL})
"""Inputs of which one does not take the place of another one with another name."""

Listing = Callable[[Input], dict[str, str]]
"""Every file of a FILES input, with its `MODE OID`."""


Root = Callable[[Input], str]
"""The folder of the workspace that the paths of a FILES input are relative to, "" for the workspace itself."""

LeftOut = Callable[[Input, str], str | None]
"""What leaves a path of the context out of a FILES input though it is there; None where it is not known to be there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """One of two states that are compared: its manifest, and what is known of the files behind it."""

    manifest: Manifest
    files: Listing
    root: Root = lambda _: ""
    left_out: LeftOut = lambda *_: None


def changes(before: State, after: State) -> tuple[Reason, ...]:
    """Why `after` has another key than `before`: what is unsure of either is not told of.

    Files are compared by their paths in the context, and named by those in the workspace.
    """
    old, new = before.manifest, after.manifest
    if _differ_in_parents_alone(old, new):  # as most images that an edit rebuilds do
        return tuple(dict.fromkeys(_by_name(old, new, InputKind.PARENT, Code.PARENT_CHANGED)))
    found = [
        *_by_name(old, new, InputKind.PLATFORM, Code.PLATFORM_CHANGED),
        *_by_name(old, new, InputKind.FRONTEND, Code.FRONTEND_CHANGED),
        *_by_name(old, new, InputKind.ARGUMENT, Code.ARGUMENT_CHANGED),
        *_by_name(old, new, InputKind.LABEL, Code.INSTRUCTION_CHANGED),
        *_steps(before, after),
        *_by_name(old, new, InputKind.EXTERNAL, Code.EXTERNAL_CHANGED),
        *_by_name(old, new, InputKind.PARENT, Code.PARENT_CHANGED),
    ]
    return tuple(dict.fromkeys(found))


def _differ_in_parents_alone(old: Manifest, new: Manifest) -> bool:
    if len(old.inputs) != len(new.inputs):
        return False
    return all(
        one is other or one == other or (one.kind is other.kind is InputKind.PARENT and one.name == other.name)
        for one, other in zip(old.inputs, new.inputs, strict=True)
    )


def _of(manifest: Manifest, *kinds: InputKind) -> list[Input]:
    return [item for item in manifest.inputs if item.kind in kinds]


def _by_name(old: Manifest, new: Manifest, kind: InputKind, code: Code) -> Iterator[Reason]:
    told_apart = _repeated(_of(old, kind)) | _repeated(_of(new, kind))
    before = {_label(item, told_apart): item for item in _of(old, kind)}
    after = {_label(item, told_apart): item for item in _of(new, kind)}
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    for name in come:
        pair = next((one for one in gone if kind not in SETTINGS or before[one].name == after[name].name), "")
        if pair:
            gone.remove(pair)
        detail = f"{pair} → {name}" if pair else f"{name} is new"
        yield Reason(code=code, subject=name, detail=detail, where=after[name].where)
    for name in gone:
        yield Reason(code=code, subject=name, detail=f"{name} is gone")
    for name, item in after.items():
        if name in before and before[name].digest != item.digest:
            yield Reason(code=code, subject=name, detail=_detail(before[name], item), where=item.where)


def _repeated(items: Sequence[Input]) -> frozenset[str]:
    """The names of options that are given several times."""
    return frozenset(name for name, count in Counter(item.name for item in items).items() if count > 1)


def _label(item: Input, told_apart: Container[str]) -> str:
    return f"{item.name}={item.parts[0][1]}" if item.name in told_apart and item.parts else item.name


def _detail(old: Input, new: Input) -> str:
    if new.kind is InputKind.PARENT:
        return f"{new.name} is rebuilt"
    values = dict(old.parts)
    told = [f"{name} {values.get(name, '')!r} → {value!r}" for name, value in new.parts if values.get(name) != value]
    return "; ".join(told) or f"{new.name} changed"


@dataclass(frozen=True, slots=True)
class _Step:
    """An instruction with the selections of files that stand behind it."""

    item: Input
    files: tuple[Input, ...]


def _steps_of(manifest: Manifest) -> list[_Step]:
    found: list[tuple[Input, list[Input]]] = []
    for item in _of(manifest, InputKind.INSTRUCTION, InputKind.FILES):
        if item.kind is InputKind.INSTRUCTION:
            found.append((item, []))
        elif found:
            found[-1][1].append(item)
    return [_Step(item, tuple(files)) for item, files in found]


def _steps(old: State, new: State) -> Iterator[Reason]:
    """Instructions are aligned by their text; files are compared between instructions that face each other."""
    before, after = _steps_of(old.manifest), _steps_of(new.manifest)
    if [_said(step) for step in before] == [_said(step) for step in after]:
        return
    same = {step.item.digest for step in before} & {step.item.digest for step in after}
    silent: list[Reason] = []
    told = False
    for tag, from_, to, start, end in _aligned(
        [_token(step.item, same) for step in before], [_token(step.item, same) for step in after]
    ):
        if tag == "equal":
            for one, other in zip(before[from_:to], after[start:end], strict=True):
                reasons = list(_facing(one, other, old, new))
                told = told or bool(reasons)
                yield from reasons
                if one.item.digest != other.item.digest and not reasons:
                    silent.append(_evaluates(one.item, other.item))
        else:
            told = True
            yield from _replaced(before[from_:to], after[start:end], old, new)
    if not told:
        yield from silent


def _aligned(before: Sequence[object], after: Sequence[object]) -> Sequence[tuple[str, int, int, int, int]]:
    """How one sequence becomes the other, as difflib's `get_opcodes` says it."""
    if before == after:
        return [("equal", 0, len(before), 0, len(after))]
    import difflib  # where only files changed there is nothing to align

    return difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes()


def _token(item: Input, same: Container[str]) -> str:
    """What two instructions have in common when they face each other: their text, or a meaning that both sides know.

    A pin to a parent that moved is another text of the same meaning, and so no reason.
    """
    return item.digest if item.digest in same else f"{item.name}\0"


def _said(step: _Step) -> tuple[tuple[str, str], ...]:
    return tuple((item.name, item.digest) for item in (step.item, *step.files))


def _facing(one: _Step, other: _Step, old: State, new: State) -> Iterator[Reason]:
    values = dict(one.item.parts)
    for name, value in other.item.parts:
        if name.startswith("ARG ") and values.get(name) != value:
            detail = f"{name.removeprefix('ARG ')} {values.get(name, '')!r} → {value!r}"
            subject, where = name.removeprefix("ARG "), other.item.where
            yield Reason(code=Code.ARGUMENT_CHANGED, subject=subject, detail=detail, where=where)
    for selected, selects in zip(one.files, other.files, strict=False):
        if selected.digest != selects.digest:
            yield from _file_changes(selected, selects, old, new)


def _evaluates(old: Input, new: Input) -> Reason:
    """The same text with another meaning, and no other reason that says so: name what differs."""
    return Reason(
        code=Code.INSTRUCTION_CHANGED,
        subject=new.name,
        detail=f"{_short(new.name)} now means something else: {_detail(old, new)}",
        where=new.where,
    )


def _replaced(before: Sequence[_Step], after: Sequence[_Step], old: State, new: State) -> Iterator[Reason]:
    for index, step in enumerate(after):
        detail = f"{_short(step.item.name)}"
        if index < len(before):
            detail = f"{_short(before[index].item.name)} → {detail}"
        yield Reason(code=Code.INSTRUCTION_CHANGED, subject=step.item.name, detail=detail, where=step.item.where)
    for step in before[len(after) :]:
        detail = f"{_short(step.item.name)} is gone"
        yield Reason(code=Code.INSTRUCTION_CHANGED, subject=step.item.name, detail=detail)
    for one, other in zip(before, after, strict=False):
        for selected, selects in zip(one.files, other.files, strict=False):
            yield from _file_changes(selected, selects, old, new, alike=False)


def _short(text: str, limit: int = 72) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _file_changes(one: Input, other: Input, old: State, new: State, *, alike: bool = True) -> Iterator[Reason]:
    """The files that a selection gained, lost or saw changed, or that two selections which are not `alike` differ in.

    A file that is there before and after may be read by one of them alone: that is no new file, nor is it gone.
    """
    listed, lists, root = old.files(one), new.files(other), new.root(other)
    for inside in sorted({path for path, _ in listed.items() ^ lists.items()}):
        before, after = listed.get(inside), lists.get(inside)
        path = posixpath.join(root, inside)
        if before is None:
            code, by = Code.FILE_ADDED, old.left_out(one, inside)
            said = "is new" if by is None and alike else "is read now"
            detail = f"{path} {said}{f': {by} left it out' if by else ''}"
        elif after is None:
            code, by = Code.FILE_REMOVED, new.left_out(other, inside)
            said = "is gone" if by is None else "is read no more"
            detail = f"{path} {said}{f': {by} leaves it out' if by else ''}"
        elif before.split(" ")[1] == after.split(" ")[1]:
            code, detail = Code.MODE_CHANGED, f"{path} {_mode(before)} → {_mode(after)}"
        else:
            code, detail = Code.FILE_CHANGED, f"{path} changed"
        yield Reason(code=code, subject=path, detail=detail, where=other.where, instruction=other.name)


def _mode(value: str) -> str:
    return value.split(" ")[0][-4:]
