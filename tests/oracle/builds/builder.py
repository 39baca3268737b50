"""Really builds images of a state, over the real folder with the real ignore file, their parents given by digest."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.oracle.builds.family import TARGET, Member, State, names_of
from tests.oracle.case import Case
from tests.oracle.judge import Built, Judge, Verdict

TIMEOUT = 120.0
"""Seconds for one build."""
GONE = re.compile("connection error|connection refused|error reading from server|transport is closing")
NO_LAYER = "an image without a layer: BuildKit v0.32.2 ends in a panic where a COPY into it fails"


class Lost(Exception):
    """The engine or the judge has ended, or does not answer."""


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

        `sent` names other folders to take its files from. Raises Lost.
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
        verdict = self._asked(replace(case, named={}), root, parents, context, named, exact=sent is not None)
        if verdict.built is not None and not verdict.built.layers:
            return Verdict(error=NO_LAYER)
        return verdict

    def _asked(
        self, case: Case, root: Path, parents: dict[str, str], context: Path, named: dict[str, str], *, exact: bool
    ) -> Verdict:
        try:
            asked = self.judge.build(case, root, self.store, parents, context=context, named=named, exact=exact)
            verdict = asked.result(TIMEOUT)
        except (OSError, RuntimeError, TimeoutError, ValueError) as error:  # ValueError: a pipe that was closed.
            raise Lost(f"no answer of the judge: {error or type(error).__name__}") from error
        if GONE.search(verdict.error):
            raise Lost(verdict.error)
        return verdict
