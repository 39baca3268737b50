"""Turns `images.star` and the packages it names into a Family; whoever evaluates is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.errors import DefinitionError, Mistake
from planner.model.image import Family
from planner.ports import Tree
from planner.sources.doors.door import Asked
from planner.sources.doors.starlark.declarations import Declarations
from planner.sources.doors.starlark.engine import Call, Failure, Refused, Session
from planner.sources.doors.starlark.traceback import shown
from planner.sources.doors.starlark.workspace import FILE, MAX_PACKAGES, Workspace


def read(file: str, tree: Tree, asked: Asked) -> Family:
    """Evaluate a file and its packages. Raises DefinitionError with all mistakes, PlannerError without Starlark."""
    workspace = Workspace(tree, file, asked.say)
    reading = _Reading(workspace, asked.variables)
    session = asked.starlark.session(workspace, asked.variables) if asked.starlark else None
    if session is None:
        raise DefinitionError([Mistake(file=file, what="Starlark cannot be evaluated here")])
    try:
        for package in reading.packages(session, file):
            reading.package(session, f"{package}/{FILE}", package)
    finally:
        session.close()
    return reading.family(file)


class _Reading:
    def __init__(self, workspace: Workspace, defines: Mapping[str, str]) -> None:
        self.workspace = workspace
        self.declared = Declarations(workspace.line, defines)

    def packages(self, session: Session, file: str) -> Sequence[str]:
        """Read the file at the top; gives the packages that it names."""
        found: dict[str, None] = {}
        for call in self.package(session, file, ""):
            try:
                named = [text for entry in call.positional for text in (entry if isinstance(entry, list) else [entry])]
                if call.named or not all(isinstance(text, str) for text in named):
                    raise Refused("packages: takes names of folders", 'packages("cuda", "tools/*")')
                found.update(dict.fromkeys(self.workspace.packages(named)))
            except Refused as refused:
                self.declared.failed(call, refused.what, refused.hint)
        if len(found) > MAX_PACKAGES:
            self.declared.mistakes.append(Mistake(file=file, what=f"more than {MAX_PACKAGES} packages"))
            return ()
        return tuple(found)

    def package(self, session: Session, file: str, package: str) -> list[Call]:
        """Read one package's file; gives the calls that name packages."""
        try:
            source = self.workspace.source(file)
        except Refused as refused:
            self.declared.mistakes.append(Mistake(file=file, line=refused.line, what=refused.what, hint=refused.hint))
            return []
        found = session.evaluate(source, package)
        if found.failure is not None:
            self.declared.mistakes.append(self._mistake(found.failure))
        # Settings hold for the whole file, wherever they stand in it.
        for call in sorted(found.calls, key=lambda call: call.function != "family"):
            if call.function != "packages":
                self.declared.add(call, package, file)
            elif package:
                self.declared.failed(call, "packages: is called in the file at the top of the workspace", "")
        return [call for call in found.calls if call.function == "packages" and not package]

    def _mistake(self, failure: Failure) -> Mistake:
        calls = shown(failure.stack)
        return Mistake(
            file=failure.file,
            line=failure.line,
            column=failure.column,
            what=failure.what,
            hint="\n  ".join(filter(None, [failure.hint, calls])),
            source_line=self.workspace.line(failure.file, failure.line),
        )

    def family(self, file: str) -> Family:
        images = self.declared.images()
        mistakes = self.declared.mistakes
        if mistakes:
            raise DefinitionError(sorted(set(mistakes), key=lambda one: (one.file, one.line, one.column)))
        return Family(
            file=file,
            images=images,
            registry=self.declared.registry,
            algorithm=self.declared.algorithm,
            kinds=tuple(self.declared.kinds.items()),
            doubts=tuple(dict.fromkeys(self.declared.doubts)),
        )
