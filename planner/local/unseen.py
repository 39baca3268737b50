"""Which paths git status is silent about although their bytes on disk may differ from git's.

Files that git was told to assume unchanged or to skip, submodules, files whose checkout converts bytes, and files that
were written twice in one second. Telling takes a listing of the whole index, so it is remembered by the index's own
checksum.
"""

from __future__ import annotations

import os

from planner.local import cache_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LISTING = ("ls-files", "-v", "-s", "-z", "--full-name", "--", ".")
LINE_ENDS = ("core.autocrlf", "core.eol")
ATTRIBUTES = ".gitattributes"
TRUE, FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0", ""})
"""What git takes for one and for the other, as far as people write it."""
UNLISTED = "warning: could not open directory '"
"""What git says before a folder's path, a slash and another quote."""
FORGETTING = (2, 36)
"""The first git that forgets to skip files that are there, in a sparse checkout."""


class Unseen:
    """What an index and git's settings say, remembered: `disk` are paths whose bytes must be read from disk.

    `skipped` are paths that git leaves alone whether they are there or not: those that are there must be read.
    `executable` are those among both that the index calls so, where git was told that modes on disk mean nothing.
    `nested` are those of other repositories, of which the index holds a commit.
    `lasts` unless attributes may change without a word from git's status.
    """

    def __init__(
        self,
        said_by: list[str],
        disk: list[str],
        skipped: list[str],
        executable: list[str],
        nested: list[str],
        *,
        lasts: bool = True,
    ) -> None:
        self.said_by = said_by
        self.disk = disk
        self.skipped = skipped
        self.executable = executable
        self.nested = nested
        self.lasts = lasts

    def paths(self, folder: str, prefix: str) -> list[str]:
        """The paths, from the repository's root, that must be read from disk."""
        return [*self.disk, *(path for path in self.skipped if os.path.lexists(_place(folder, prefix, path)))]

    def modes(self, paths: Sequence[str]) -> dict[str, int]:
        """Git's modes of these paths, as of regular files."""
        executable = frozenset(self.executable)
        return {path: 0o100755 if path in executable else 0o100644 for path in paths}


def has_modes(config: str) -> bool:
    """Whether git was not told that modes on disk mean nothing."""
    return dict(_settings(config)).get("core.filemode", "true") not in FALSE


def _place(folder: str, prefix: str, path: str) -> str:
    return f"{folder}/{path.removeprefix(prefix)}"


def place(cache: str, folder: str) -> str:
    """The file that remembers for a workspace."""
    return f"{cache}/unseen-{cache_file.digest([os.path.realpath(folder)])}"


def remembered(path: str, index: str) -> Unseen | None:
    """What was told from exactly this index; whether git's settings are still the same is asked later."""
    groups = cache_file.read(path)
    if groups is None or len(groups) != 5 or groups[0][:2] != [cache_file.SCHEMA, index]:
        return None
    return Unseen(*groups)


def remember(path: str, unseen: Unseen) -> None:
    """Keep for the next run."""
    cache_file.write(path, (unseen.said_by, unseen.disk, unseen.skipped, unseen.executable, unseen.nested))


def said_by(index: str, config: str, attributes: Sequence[str], changed: Sequence[str]) -> list[str] | None:
    """Everything that decides; None where that cannot be told cheaply and nothing may be remembered.

    `attributes` are the files of `attributes_of`; those of folders of the workspace are in the index or `changed`.
    """
    own = _named_in(config)
    if own is None or any(map(_is_attributes, changed)):
        return None
    texts: list[str] = []
    for path in (*attributes, *own):
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as stream:
                texts.append(stream.read())
        except (FileNotFoundError, NotADirectoryError):
            texts.append("")
        except OSError:
            return None
    return [cache_file.SCHEMA, index, config, *texts, *_program()]


def _named_in(config: str) -> list[str] | None:
    """The file of `core.attributesFile`, where one is set; None where only git knows which one that is."""
    found = [line.partition("\n")[2] for line in config.split("\0") if line.partition("\n")[0] == "core.attributesfile"]
    if not found:
        return []
    path = os.path.expanduser(found[-1]) if found[-1].startswith("~/") else found[-1]  # noqa: PTH111
    return [path] if path.startswith("/") else None


def _program() -> list[str]:
    """Which git is asked: another one may look at other places, and be silent about other files."""
    for folder in os.get_exec_path():
        try:
            status = os.stat(f"{folder}/git")  # noqa: PTH116
        except OSError:
            continue
        return [f"{folder}/git", str(status.st_size), str(status.st_mtime_ns)]
    return []


def attributes_of(folder: str, prefix: str, own: str) -> list[str]:
    """The attributes files on disk beyond those of the workspace.

    They are the repository's `own`, those of the folders above, the user's, and the machine's: where git was put in
    another place than the system's, that may be beside its programs. With `core.attributesFile` there is one more
    (`_named_in`).
    """
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    found = [own, *(f"{folder}/{path}" for path in _above(prefix)), f"{home}/git/attributes", "/etc/gitattributes"]
    for program in _program()[:1]:
        places = {os.path.dirname(os.path.dirname(path)) for path in (program, os.path.realpath(program))}  # noqa: PTH120
        found.extend(f"{place}/etc/gitattributes" for place in sorted(places))
    return found


def _above(prefix: str) -> list[str]:
    """The attributes files of the folders above the workspace, relative to it, up to the top of its worktree."""
    return [f"{'../' * depth}{ATTRIBUTES}" for depth in range(1, prefix.count("/") + 1)]


def _is_attributes(path: str) -> bool:
    return path.rpartition("/")[2] == ATTRIBUTES


def told(
    folder: str,
    prefix: str,
    listing: bytes,
    times: bytes,
    config: str,
    attributes: Sequence[str],
    changed: Sequence[str],
) -> Unseen:
    """Read two listings of the index (`LISTING`, `TIMES`), and ask for attributes where files have some."""
    import re

    from planner.local.index_times import written_again

    disk: list[str] = []
    skipped: list[str] = []
    nested: list[str] = []
    plain = sum(map(listing.count, (b"\0H 100", b"\0H 120"))) + listing.startswith((b"H 100", b"H 120"))
    unusual: list[tuple[bytes, bytes, bytes]] = []
    if plain != listing.count(b"\0"):  # Counting files of which there is nothing to say takes an eighth of the time.
        unusual = re.findall(rb"(?:\A|\0)(?!H 1[02]0)(.) (\d+) [^\t]*\t([^\0]*)", listing)
    for tag, mode, path in unusual:
        name = path.decode("utf-8", "surrogateescape")
        if mode == b"160000":
            nested.append(name)
        if tag.islower() or mode == b"160000":
            disk.append(name)
        elif tag == b"S":
            skipped.append(name)
    again, is_over = written_again(times, lambda path: _place(folder, prefix, path))
    disk.extend(again)
    lasts = is_over and not any(map(_is_attributes, (*disk, *skipped)))
    settings = _settings(config)
    if skipped and _forgets_skipping(folder, settings):
        skipped = []
    converts = any(name in LINE_ENDS and value not in FALSE for name, value in settings)
    converts = converts or "core.attributesfile" in config or has_tree_of_attributes(settings)
    listed = f"\t{ATTRIBUTES}\0".encode() in listing or f"/{ATTRIBUTES}\0".encode() in listing
    listed = listed or any(map(_is_attributes, changed))
    if converts or listed or any(map(os.path.lexists, attributes)) or _are_listed_above(folder, prefix):
        from planner.local.converting import converted  # few worktrees need it

        disk.extend(converted(folder, listing, times, settings))
    executable: list[str] = []
    if not has_modes(config):
        found = re.findall(rb"(?:\A|\0). 100755 [^\t]*\t([^\0]*)", listing)
        executable = sorted({path.decode("utf-8", "surrogateescape") for path in found}.intersection([*disk, *skipped]))
    return Unseen([], list(dict.fromkeys(disk)), skipped, executable, nested, lasts=lasts)


def _settings(config: str) -> list[tuple[str, str]]:
    """The settings of git in its order, later ones before earlier ones in force; one without a value is "true"."""
    found = (line.partition("\n") for line in config.split("\0") if line)
    return [(name, value.lower() if equals else "true") for name, equals, value in found]


def _forgets_skipping(folder: str, settings: Sequence[tuple[str, str]]) -> bool:
    """Whether git forgets the flag of skipped files that are there, so that its status names them."""
    last = dict(settings)
    if last.get("core.sparsecheckout") not in TRUE or last.get("sparse.expectfilesoutsideofpatterns", "") not in FALSE:
        return False
    from planner.local.process import ask

    said = ask(folder, "version").decode("utf-8", "replace").split()
    numbers = said[2].split(".") if len(said) > 2 else []
    return len(numbers) > 1 and all(map(str.isdecimal, numbers[:2])) and tuple(map(int, numbers[:2])) >= FORGETTING


def _are_listed_above(folder: str, prefix: str) -> bool:
    """Whether the index has attributes files above the workspace: of those that are not on disk, git reads these."""
    if not prefix:
        return False
    from planner.local.process import ask

    return ask(folder, "ls-files", "-z", "--", *_above(prefix)) != b""


def has_tree_of_attributes(settings: Sequence[tuple[str, str]]) -> bool:
    """Whether git may take attributes from one of its trees, so that the checkout went by others than there are now."""
    return "GIT_ATTR_SOURCE" in os.environ or any(name == "attr.tree" for name, _ in settings)


def not_looked_at(said: bytes) -> list[str]:
    """The tracked files that git's status could not look at, which it passes over as if nothing had changed.

    Its error output names each, in the C locale: `PATH: Permission denied`, or an error of a disk or of a network's
    file system. Of a folder that it cannot list it warns, and leaves out what it does not know of it.
    """
    if not said:
        return []
    import errno

    reasons = {os.strerror(number) for number in errno.errorcode}
    lines = (line.rpartition(": ") for line in said.decode("utf-8", "surrogateescape").split("\n"))
    paths = [path for path, _, why in lines if why in reasons]
    return [path.removeprefix(UNLISTED).rstrip("/'") for path in paths if _names_a_path(path)]


def _names_a_path(text: str) -> bool:
    return text.startswith(UNLISTED) or not text.startswith("warning: ")
