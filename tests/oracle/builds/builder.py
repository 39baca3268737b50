"""Really builds images of a state, over the real folder with the real ignore file, their parents given by digest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.oracle.builds.family import TARGET, Member, State, names_of
from tests.oracle.judge import Built, Judge, Verdict

TIMEOUT = 120.0
"""Seconds for one build."""
NO_LAYER = "an image without a layer: BuildKit v0.32.2 ends in a panic where a COPY into it fails"


class Builder:
    """Builds with one judge, and keeps all images in one folder."""

    def __init__(self, judge: Judge, store: Path) -> None:
        self.judge = judge
        self.store = store
        self.count = 0
        store.mkdir(parents=True, exist_ok=True)

    def build(
        self,
        state: State,
        member: Member,
        root: Path,
        known: Mapping[str, Built],
        sent: tuple[Path, dict[str, str]] | None = None,
    ) -> Verdict:
        """Build one image of a state that is written at `root`; `known` are the images that it may read.

        `sent` names other folders to take its files from.
        """
        self.count += 1
        parents = {name: built.digest for one, built in known.items() for name in names_of(one)}
        case, named = member.case, {}
        for name, value in case.named.items():
            if value.startswith(TARGET):
                parent = known.get(value.removeprefix(TARGET))
                if parent is None:
                    return Verdict(error=f"{value} is not built")
                parents[name] = parent.digest
            else:
                named[name] = value if "://" in value else os.fspath(root / value)
        context = root / member.context
        if sent is not None:
            context, folders = sent
            named.update({name: folder for name, folder in folders.items() if folder.startswith("/")})
        if not context.is_dir():
            return Verdict(error="there is no context")
        for folder in named.values():
            if "://" not in folder and not Path(folder).is_dir():
                return Verdict(error="there is no such named context")
        asked = self.judge.build(
            replace(case, named={}), root, self.store, parents, context=context, named=named, exact=sent is not None
        )
        verdict = asked.result(TIMEOUT)
        if verdict.built is not None and not verdict.built.layers:
            return Verdict(error=NO_LAYER)
        return verdict
