"""One family and a chain of edits: every image of every state is really built, and compared with the plan."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from planner.digest.key import Keys
from planner.model.image import ImageName
from tests.oracle.builds.builder import Builder
from tests.oracle.builds.edits import Edited, edited
from tests.oracle.builds.family import Member, State
from tests.oracle.builds.grammar import NAMES, files_of, member_of, with_ignore_file
from tests.oracle.builds.law import Doing, Finding, Ours, ours, planned
from tests.oracle.case import Case
from tests.oracle.judge import Built
from tests.oracle.ours import sent

EDITS_OF_ONE = 20
ATTEMPTS = 30
TRIES_OF_ONE = 20
ALL_OF_IT = "# all of it\n"
SAME = ", and it is the same image all the same"


@dataclass(frozen=True)
class Found:
    """A finding, the image that shows it, and why."""

    finding: Finding
    image: str
    why: str
    warnings: str = ""


@dataclass(frozen=True)
class Outcome:
    """One edit with all images built. `changed` says of an image whether its own inputs made it another one.

    `refused` is what stopped the planner or BuildKit: then nothing was compared.
    """

    edited: Edited
    doing: Mapping[str, Doing] = field(default_factory=dict)
    changed: Mapping[str, bool] = field(default_factory=dict)
    found: tuple[Found, ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class Standing:
    """A state whose images are all built: where it is written, what the planner says of it, the images."""

    state: State
    root: Path
    ours: Ours
    images: Mapping[str, Built]


class Chain:
    """Builds one family after the other, below one folder."""

    def __init__(self, builder: Builder, folder: Path) -> None:
        self.builder = builder
        self.folder = folder
        self.count = 0
        self._never_cached: set[str] = set()

    def place(self) -> Path:
        """A folder for one more state. A name is used once."""
        self.count += 1
        return self.folder / f"state-{self.count}"

    def family(self, rng: random.Random) -> Standing:
        """A family of 5 to 12 images that all build, drawn image by image."""
        files = files_of(rng)
        state = State(files=files, members=())
        built: dict[str, Built] = {}
        given: dict[str, object] = {}
        wanted = rng.randint(5, 12)
        root = self.place()
        while len(built) < wanted:
            for _ in range(ATTEMPTS):
                name = NAMES[len(built)]
                member = member_of(rng, name, tuple(built), dict(state.files))
                more = with_ignore_file(rng, replace(state, members=(*state.members, member)), member)
                if not more.is_valid():
                    continue
                more.write(root)
                if ours(root).refused:
                    continue
                verdict = self.builder.build(more, member, root, built)
                if verdict.built is not None:
                    state, built[name] = more, verdict.built
                    given[name] = _given(more, member, built)
                    break
            else:
                break
        kept: dict[str, Built] = {}
        for name, image in built.items():  # Built again: whatever was given other files since, and all that reads it.
            if _is_given(state, name, {**kept, name: image}, given[name]):
                kept[name] = image
        return self.standing(state, kept)

    def standing(self, state: State, built: Mapping[str, Built] | None = None) -> Standing:
        """A state with all its images built, unless they are. Raises ValueError where one does not build."""
        root = self.place()
        state.write(root)
        images: dict[str, Built] = {}
        for member in state.members:
            if built is not None and member.name in built:
                images[member.name] = built[member.name]
                continue
            verdict = self.builder.build(state, member, root, images)
            if verdict.built is None:
                raise ValueError(f"{member.name}: {verdict.error}")
            images[member.name] = verdict.built
        return Standing(state, root, ours(root), images)

    def edits(self, before: Standing, rng: random.Random, count: int) -> Iterator[Outcome]:
        """That many edits that build, one after the other, and those that do not.

        Raises RuntimeError where next to none builds.
        """
        tries = TRIES_OF_ONE * count
        while count > 0:
            if (tries := tries - 1) < 0:
                raise RuntimeError("next to no edit of this family builds")
            outcome, after = self.see(before, edited(before.state, rng))
            count -= not outcome.refused
            yield outcome
            if after is not None:
                shutil.rmtree(before.root)
                before = after
        shutil.rmtree(before.root)

    def see(self, before: Standing, one: Edited) -> tuple[Outcome, Standing | None]:
        """Plan and build one edit; gives what is then standing, unless something was refused or does not build."""
        root = self.place()
        one.after.write(root)
        now = ours(root)
        if now.keys is None or before.ours.keys is None:
            outcome = self._refused(before, one, root, now.refused or before.ours.refused)
            shutil.rmtree(root)
            return outcome, None
        plan = planned(before.ours.keys, now.keys)
        images: dict[str, Built] = {}
        changed: dict[str, bool] = {}
        found: list[Found] = []
        builds = True
        if (other := ours(root, before.ours)).keys is None or other.keys.keys != now.keys.keys:
            found.append(Found(Finding.FORGETS, "", other.refused or "another key"))
        for member in one.after.members:
            name, old = member.name, before.images[member.name]
            if plan.doing[name] is Doing.REUSE and _given(one.after, member, images) == _given(
                before.state, member, before.images
            ):
                images[name], changed[name] = old, False
                continue
            verdict = self.builder.build(one.after, member, root, images)
            doing, new = plan.doing[name], verdict.built
            if new is None and doing is not Doing.REUSE:
                shutil.rmtree(root)
                return Outcome(one, plan.doing, found=tuple(found), refused=verdict.error), None
            if new is None or (doing is Doing.REUSE and (why := self._stale(before, member.name, new))):
                found.append(Found(Finding.STALE, name, verdict.error or why))
            if new is not None and doing is Doing.BUILD and not _differs(old, new):
                found.append(Found(Finding.NEEDLESS, name, plan.reasons[name], _warnings(now.keys, name)))
            if doing is Doing.BUILD and new is not None:
                found.extend(self._sent(one.after, member, root, now.keys, images, new))
            if doing is not Doing.FOR_PARENT:
                changed[name] = new is None or bool(_differs(old, new))
            builds = builds and new is not None
            images[name] = old if doing is Doing.REUSE or new is None else new
        outcome = Outcome(one, plan.doing, changed, tuple(found))
        if not builds:  # Every later edit would show it again.
            shutil.rmtree(root)
            return outcome, None
        return outcome, Standing(one.after, root, now, images)

    def _stale(self, before: Standing, name: str, new: Built) -> str:
        """What tells an image that was built anyway from the recorded one, "" for nothing.

        BuildKit never finds some steps in its cache, such as those on a stage that starts from a folder. Where a step
        runs again though nothing changed, what the layers hold is compared, times apart. A step that ran is told
        even where that is the same.
        """
        old = before.images[name]
        why = _differs(old, new)
        if not why:
            return ""
        same = (old.config, old.contents) == (new.config, new.contents)
        if old.digest not in self._never_cached:
            member = next(one for one in before.state.members if one.name == name)
            again = self.builder.build(before.state, member, before.root, before.images).built
            if again is None or not again.uncached:
                return f"{why}{SAME}" if same else why
            self._never_cached.add(old.digest)
        return "" if same else why

    def _refused(self, before: Standing, one: Edited, root: Path, reason: str) -> Outcome:
        """The planner refuses a state: BuildKit should refuse one of the images that were edited."""
        images = dict(before.images)
        for member in one.after.members:
            if self.builder.build(one.after, member, root, images).built is None:
                return Outcome(one, refused=reason)
        return Outcome(one, refused=reason, found=(Found(Finding.REFUSES, "", reason),))

    def _sent(
        self, state: State, member: Member, root: Path, keys: Keys, images: Mapping[str, Built], new: Built
    ) -> Iterator[Found]:
        """What the planner would send is built too, and the image is the same, times apart.

        Its steps may run again: what `--exclude` takes away is not sent, and counts in some of BuildKit's cache keys.
        """
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            place = Path(folder)
            real = {name: os.fspath(root / value) for name, value in _folders(member.case).items()}
            folders = sent(keys, ImageName(member.name), real, place / "sent")
            dockerfile = place / "root" / member.case.dockerfile
            dockerfile.parent.mkdir(parents=True)
            dockerfile.write_bytes(member.case.text.encode())
            Path(f"{dockerfile}.dockerignore").write_text(ALL_OF_IT)
            verdict = self.builder.build(state, member, place / "root", images, folders)
        if verdict.built is None:
            yield Found(Finding.SENDS, member.name, verdict.error)
        elif (new.config, new.contents) != (verdict.built.config, verdict.built.contents):
            yield Found(Finding.SENDS, member.name, "another image")


def _warnings(keys: Keys, name: str) -> str:
    return "; ".join(text for one in keys.manifests[ImageName(name)] for text in one.warnings)


def _differs(old: Built, new: Built) -> str:
    """What tells an image from the one that was built before, "" for nothing."""
    if new.uncached:
        return f"not cached: {new.uncached[0]}"
    if old.config != new.config:
        return "another configuration"
    return "" if old.layers == new.layers else "other layers"


def _given(state: State, member: Member, images: Mapping[str, Built]) -> tuple[object, ...] | None:
    """All that BuildKit would be given for an image: where nothing of it changed, building it again tells nothing."""
    now = next((one for one in state.members if one.name == member.name), None)
    if now is None:
        return None
    folders = [now.context, *_folders(now.case).values()]
    files = sorted(
        (path, file.text, file.kind)
        for path, file in state.files.items()
        if path.startswith(now.case.dockerfile) or any(_below(path, folder) for folder in folders)
    )
    others = sorted(
        (one.case.dockerfile, one.case.text)
        for one in state.members
        if any(_below(one.case.dockerfile, folder) for folder in folders)
    )
    graph = state.graph_file() if "." in folders else ""
    parents = sorted((name, images[name].digest) for name in images if any(name in text for text in _texts(now)))
    return now, files, others, graph, parents


def _folders(case: Case) -> dict[str, str]:
    """The named contexts that are folders of the workspace."""
    return {name: value for name, value in case.named.items() if ":" not in value}


def _is_given(state: State, name: str, images: Mapping[str, Built], before: object) -> bool:
    member = next(one for one in state.members if one.name == name)
    return _given(state, member, images) == before


def _below(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder}/")


def _texts(member: Member) -> list[str]:
    return [*(piece.text for piece in member.case.pieces), *member.case.named.values()]
