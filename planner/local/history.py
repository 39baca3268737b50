"""The commits of a range, and the workspace as each of them has it: git's objects alone, nothing is checked out."""

from __future__ import annotations

from pathlib import Path

from planner.errors import GitError
from planner.local.objects import Objects
from planner.local.process import ask
from planner.local.revision import RevisionTree
from planner.local.revisions import workspace_in
from planner.plan.replay import Commit

FORMAT = "%H %T %P%x09%cs%x09%s"


class History:
    """The history of the repository around a folder, which may be bare."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        said = ask(folder, "rev-parse", "--show-object-format", "--show-prefix").decode("utf-8", "surrogateescape")
        self.algorithm, self.prefix = said.split("\n")[:2]
        self.objects = Objects(folder)

    def commits(self, revisions: str, *, first_parent: bool) -> list[Commit]:
        """The commits of a range, parents before children. Raises GitError for a range that git does not know."""
        if revisions.startswith("-"):
            raise GitError(f"{revisions}: is no range of commits: write A..B")
        options = ["--topo-order", "--reverse", *(["--first-parent"] if first_parent else [])]
        try:
            return self._listed(*options, "--end-of-options", revisions, "--")
        except GitError as error:
            if "bad revision" not in str(error):
                raise
            hint = "A..B is what B has and A has not; HEAD alone is all that led to it"
            raise GitError(f"{revisions}: git knows no such commits here\n  {hint}") from error

    def commit(self, name: str) -> Commit | None:
        """One commit, None where the repository lacks it (a shallow clone does)."""
        try:
            return self._listed("--max-count=1", "--end-of-options", name, "--")[0]
        except (GitError, IndexError):
            return None

    def _listed(self, *arguments: str) -> list[Commit]:
        out = ask(self.folder, "rev-list", f"--format={FORMAT}", *arguments)
        lines = out.decode("utf-8", "replace").split("\n")
        return [self._commit(line) for line in lines[1::2]]

    def _commit(self, line: str) -> Commit:
        ids, date, subject = line.split("\t", 2)
        commit, tree, *parents = ids.split()
        return Commit(id=commit, tree=tree, parent=parents[0] if parents else "", date=date, subject=subject)

    def tree(self, commit: Commit) -> RevisionTree:
        """The workspace at a commit."""
        root = workspace_in(self.objects, commit.tree, self.prefix)
        return RevisionTree(self.objects, root, self.algorithm, None, commit.id, top=commit.tree, prefix=self.prefix)
