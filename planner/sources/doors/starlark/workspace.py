"""Answers what evaluated files ask for, from the tree alone: packages, loaded files, globs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from planner.errors import InputError
from planner.model.entry import MODE_FOLDER, MODE_LINK
from planner.ports import Tree
from planner.sources.doors.starlark.engine import Refused, Source, Stack
from planner.sources.doors.starlark.labels import file_of, is_package
from planner.sources.doors.starlark.traceback import plain
from planner.sources.go_match import BadPattern, matches
from planner.sources.places import places_of

FILE = "images.star"
MAX_FILE = 1 << 20
"""The longest file, in bytes."""
MAX_LOADS = 1000
MAX_CHAIN = 40
MAX_PACKAGES = 2000
MAX_VISITED = 100_000
"""Entries that globs may look at."""
MAX_SHOWN = 200
"""Letters of a line that are shown."""
MAX_NESTED = 100
"""Brackets within each other: deeper ones are no use, and end the process that evaluates."""


class Workspace:
    """A tree as its Starlark files see it. `root` is the file of the package at its top."""

    def __init__(self, tree: Tree, root: str, say: Callable[[str], None]) -> None:
        self.tree = tree
        self.root = root
        self.places = places_of(tree)
        self._say = say
        self._sources: dict[str, Source] = {}
        self._lines: dict[str, list[str]] = {}
        self._visited = 0

    def say(self, text: str, stack: Stack) -> None:
        """See World."""
        place = f"{stack[-1].file}:{stack[-1].line}: " if stack else ""
        self._say(f"{place}{plain(text)}")

    def line(self, file: str, number: int) -> str:
        """One line of a file that was read, "" where there is none."""
        if file not in self._lines:
            self._lines[file] = self._sources[file].text.split("\n") if file in self._sources else []
        lines = self._lines[file]
        return lines[number - 1][:MAX_SHOWN] if 0 < number <= len(lines) else ""

    def source(self, file: str) -> Source:
        """The text of a file. Raises Refused for what is no regular file of ours, too long or nested too deep."""
        if file not in self._sources:
            if len(self._sources) >= MAX_LOADS + MAX_PACKAGES:
                raise Refused(f"more than {MAX_LOADS + MAX_PACKAGES} files")
            self._sources[file] = Source(file=file, text=self._text(file))
        return self._sources[file]

    def _text(self, file: str) -> str:
        entry = self.tree.entry(file)
        if entry is None:
            raise Refused(
                f'there is no file "{file}"', "a file that is loaded lies in the workspace, with no link above"
            )
        if entry.mode == MODE_LINK:
            raise Refused(f'"{file}" is a symbolic link', "load the file that it leads to")
        if entry.mode == MODE_FOLDER:
            raise Refused(f'"{file}" is a folder')
        try:
            text = self.tree.read(file, MAX_FILE).decode("utf-8-sig")
        except InputError as error:
            raise Refused(str(error)) from error
        except UnicodeDecodeError as error:
            raise Refused(f'"{file}" is not UTF-8') from error
        _check_nesting(text, file)
        return text

    def load(self, label: str, chain: Sequence[str]) -> Source:
        """See World."""
        file = file_of(label, self.package_of(chain[-1]))
        if file in chain:
            raise Refused(f"load goes round in a cycle: {' → '.join([*chain[chain.index(file) :], file])}")
        if len(chain) >= MAX_CHAIN:
            raise Refused(f"more than {MAX_CHAIN} files load each other in a row")
        if file == self.root or file.rpartition("/")[2] == FILE:
            raise Refused(f'load: "{file}" is a package', "move what both need to a file of another name")
        return self.source(file)

    def package_of(self, file: str) -> str:
        """The folder of a file."""
        return file.rpartition("/")[0]

    def packages(self, patterns: Sequence[str]) -> Iterator[str]:
        """The packages that folders and `folder/*` name. Raises Refused."""
        for pattern in patterns:
            folder = pattern.removeprefix("//")
            if folder.endswith("/*") or folder == "*":
                above = folder[:-1].rstrip("/")
                if not is_package(above):
                    raise Refused(f'packages: "{pattern}" is no folder')
                yield from self._below(above)
            elif not folder or not is_package(folder):
                raise Refused(f'packages: "{pattern}" is no folder', "name folders below this one, or folder/*")
            elif self.tree.entry(f"{folder}/{FILE}") is None:
                raise Refused(f'packages: there is no "{folder}/{FILE}"')
            else:
                yield folder

    def _below(self, above: str) -> Iterator[str]:
        for name, is_folder in self.places.names(above):
            folder = f"{above}/{name}" if above else name
            if is_folder and is_package(folder) and self.tree.entry(f"{folder}/{FILE}") is not None:
                yield folder

    def glob(self, package: str, patterns: Sequence[str], exclude: Sequence[str], *, empty: bool) -> Sequence[str]:
        """See World. `*` stands for part of a name, `**` for any folders; other packages are not entered."""
        wanted, unwanted = _patterns(patterns), _patterns(exclude)
        try:
            found = [
                path for path in self._files(package, "", wanted) if _match(wanted, path) and not _match(unwanted, path)
            ]
        except BadPattern as error:
            raise Refused(f"glob: a pattern cannot be read: {error}") from error
        if unreadable := next((path for path in found if not path.isprintable()), None):
            raise Refused(f"glob: {unreadable!r} is no name that can be written")
        if not found and not empty:
            shown = ", ".join(str(pattern) for pattern in patterns)
            raise Refused(f"glob: nothing matches {plain(shown)[:200]}", "allow_empty = True lets it match nothing")
        return sorted(found)

    def _files(self, package: str, folder: str, wanted: Sequence[Sequence[str]]) -> Iterator[str]:
        """The files below a folder of a package, as far as some pattern can reach them."""
        for name, is_folder in self.places.names("/".join(filter(None, [package, folder]))):
            self._visited += 1
            if self._visited > MAX_VISITED:
                raise Refused(f"glob: looks at more than {MAX_VISITED} files", "name a folder in the pattern")
            path = f"{folder}/{name}" if folder else name
            if not is_folder:
                yield path
            elif any(_reaches(pattern, path.split("/")) for pattern in wanted) and not self._is_package(package, path):
                yield from self._files(package, path, wanted)

    def _is_package(self, package: str, folder: str) -> bool:
        return self.places.is_there("/".join(filter(None, [package, folder, FILE])))


def _patterns(patterns: Sequence[str]) -> list[list[str]]:
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        raise Refused("glob takes a list of patterns")
    found = [pattern.split("/") for pattern in patterns]
    for pattern, parts in zip(patterns, found, strict=True):
        if len(pattern) > 300 or ".." in parts or "" in parts or "." in parts or parts.count("**") > 4:
            raise Refused(
                f'glob: "{plain(pattern)[:100]}" is no pattern', 'patterns are below the package: "docker/*.txt"'
            )
    return found


def _match(patterns: Sequence[Sequence[str]], path: str) -> bool:
    return any(_matches(pattern, path.split("/")) for pattern in patterns)


def _matches(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    if not pattern or not parts:
        return not parts and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return _matches(pattern[1:], parts) or _matches(pattern, parts[1:])
    return matches(pattern[0], parts[0]) and _matches(pattern[1:], parts[1:])


def _reaches(pattern: Sequence[str], folder: Sequence[str]) -> bool:
    """Whether a pattern may match something below a folder."""
    if not pattern or pattern[0] == "**" or not folder:
        return bool(pattern)
    return matches(pattern[0], folder[0]) and _reaches(pattern[1:], folder[1:])


def _check_nesting(text: str, file: str) -> None:
    """An upper bound: brackets in texts and comments count too."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.count("[") + line.count("(") + line.count("{") > MAX_NESTED and _deepest(line) > MAX_NESTED:
            raise Refused(f'"{file}" has brackets nested more than {MAX_NESTED} deep', line=number)


def _deepest(line: str) -> int:
    opened = deepest = 0
    for letter in line:
        opened += (letter in "[({") - (letter in "])}")
        deepest = max(deepest, opened)
    return deepest
