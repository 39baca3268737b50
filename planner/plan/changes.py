"""Turns two manifests of one image into the reasons that tell them apart."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence

from planner.digest.manifest import Input, InputKind, Manifest
from planner.model.frozen import dataclass
from planner.plan.reasons import Code, Reason

SETTINGS = frozenset({InputKind.ARGUMENT, InputKind.LABEL})
"""Inputs of which one does not take the place of another one with another name."""

Listing = Callable[[Input], dict[str, str]]
"""Every file of a FILES input, with its `MODE OID`."""


Root = Callable[[Input], str]
"""The folder of the workspace that the paths of a FILES input are relative to, "" for the workspace itself."""


def no_root(_: Input) -> str:
    """The root of inputs that are relative to the workspace."""
    return ""


def changes(
    old: Manifest, new: Manifest, old_files: Listing, new_files: Listing, root: Root = no_root
) -> tuple[Reason, ...]:
    """Why `new` has another key than `old`: what is unsure of either is not told of.

    Files are compared by their paths in the context, and named by those in the workspace.
    """
    if _differ_in_parents_alone(old, new):  # as most images that an edit rebuilds do
        return tuple(dict.fromkeys(_by_name(old, new, InputKind.PARENT, Code.PARENT_CHANGED)))
    found = [
        *_by_name(old, new, InputKind.PLATFORM, Code.PLATFORM_CHANGED),
        *_by_name(old, new, InputKind.FRONTEND, Code.FRONTEND_CHANGED),
        *_by_name(old, new, InputKind.ARGUMENT, Code.ARGUMENT_CHANGED),
        *_by_name(old, new, InputKind.LABEL, Code.INSTRUCTION_CHANGED),
        *_steps(old, new, old_files, new_files, root),
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


def _steps(old: Manifest, new: Manifest, old_files: Listing, new_files: Listing, root: Root) -> Iterator[Reason]:
    """Instructions are aligned by their text; files are compared between instructions that face each other."""
    before, after = _steps_of(old), _steps_of(new)
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
                reasons = list(_facing(one, other, old_files, new_files, root))
                told = told or bool(reasons)
                yield from reasons
                if one.item.digest != other.item.digest and not reasons:
                    silent.append(_evaluates(one.item, other.item))
        else:
            told = True
            yield from _replaced(before[from_:to], after[start:end], old_files, new_files, root)
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


def _facing(old: _Step, new: _Step, old_files: Listing, new_files: Listing, root: Root) -> Iterator[Reason]:
    values = dict(old.item.parts)
    for name, value in new.item.parts:
        if name.startswith("ARG ") and values.get(name) != value:
            detail = f"{name.removeprefix('ARG ')} {values.get(name, '')!r} → {value!r}"
            subject, where = name.removeprefix("ARG "), new.item.where
            yield Reason(code=Code.ARGUMENT_CHANGED, subject=subject, detail=detail, where=where)
    for one, other in zip(old.files, new.files, strict=False):
        if one.digest != other.digest:
            yield from file_changes(old_files(one), new_files(other), other, root(other))


def _evaluates(old: Input, new: Input) -> Reason:
    """The same text with another meaning, and no other reason that says so: name what differs."""
    return Reason(
        code=Code.INSTRUCTION_CHANGED,
        subject=new.name,
        detail=f"{_short(new.name)} now means something else: {_detail(old, new)}",
        where=new.where,
    )


def _replaced(
    before: Sequence[_Step], after: Sequence[_Step], old_files: Listing, new_files: Listing, root: Root
) -> Iterator[Reason]:
    for index, step in enumerate(after):
        detail = f"{_short(step.item.name)}"
        if index < len(before):
            detail = f"{_short(before[index].item.name)} → {detail}"
        yield Reason(code=Code.INSTRUCTION_CHANGED, subject=step.item.name, detail=detail, where=step.item.where)
    for step in before[len(after) :]:
        detail = f"{_short(step.item.name)} is gone"
        yield Reason(code=Code.INSTRUCTION_CHANGED, subject=step.item.name, detail=detail)
    for old, new in zip(before, after, strict=False):
        for one, other in zip(old.files, new.files, strict=False):
            yield from file_changes(old_files(one), new_files(other), other, root(other), selected_alike=False)


def _short(text: str, limit: int = 72) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= limit else line[: limit - 1] + "…"


def file_changes(
    old: dict[str, str], new: dict[str, str], item: Input, root: str, *, selected_alike: bool = True
) -> Iterator[Reason]:
    """The files that one selection, of a context at `root`, gained, lost or saw changed.

    Unless they are `selected_alike`, a file may be there before and after, and only be read by one of the two.
    """
    new_to, gone_from = ("is new", "is gone") if selected_alike else ("is read now", "is read no more")
    for inside in sorted({path for path, _ in old.items() ^ new.items()}):
        before, after = old.get(inside), new.get(inside)
        path = posixpath.join(root, inside)
        if before is None:
            code, detail = Code.FILE_ADDED, f"{path} {new_to}"
        elif after is None:
            code, detail = Code.FILE_REMOVED, f"{path} {gone_from}"
        elif before.split(" ")[1] == after.split(" ")[1]:
            code, detail = Code.MODE_CHANGED, f"{path} {_mode(before)} → {_mode(after)}"
        else:
            code, detail = Code.FILE_CHANGED, f"{path} changed"
        yield Reason(code=code, subject=path, detail=detail, where=item.where, instruction=item.name)


def _mode(value: str) -> str:
    return value.split(" ")[0][-4:]
