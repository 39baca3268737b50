"""Every documented case and many generated ones beside Compose's own library; with folders, what git keeps there.

`python -m tests.sources.doors.compose [--examples N] [--seed N]`, or `… GIT_DIRECTORY…` for files that others wrote.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from planner.sources.doors.compose import names
from planner.sources.doors.compose.named import is_compose
from tests.sources.doors.compose.generated import generated
from tests.sources.doors.compose.judge import Case, Judge, running_judge
from tests.sources.doors.compose.projects import DOCUMENTED
from tests.sources.doors.compose.reading import read

EQUAL, REFUSED, WE_REFUSE, THEY_REFUSE, DIFFERENT = "equal", "both refuse", "we refuse", "they refuse", "different"


def verdict(judge: Judge, root: Path, case: Case, *, alone: bool = False) -> tuple[str, str]:
    """How we and they compare, and what there is to say."""
    theirs, mine = judge.ask(root, case), read(root, case)
    if alone and isinstance(theirs, str) and not isinstance(mine, str):
        theirs = judge.ask(root, case, alone=True)
    if isinstance(theirs, str) and isinstance(mine, str):
        return REFUSED, theirs
    if isinstance(mine, str):
        return WE_REFUSE, mine
    if isinstance(theirs, str):
        return THEY_REFUSE, theirs
    if theirs == mine:
        return EQUAL, str(sum("build" in service for service in mine.values()))
    different = {name for name in theirs.keys() | mine.keys() if theirs.get(name) != mine.get(name)}
    return DIFFERENT, "\n".join(f"{name}:\n  {mine.get(name)}\n  {theirs.get(name)}" for name in sorted(different))


def made(examples: int, seed: int) -> int:
    """Documented and generated cases; ends with 1 where any differs."""
    cases = [*DOCUMENTED.items(), *((f"generated {at}", generated(seed + at)) for at in range(examples))]
    counts: Counter[str] = Counter()
    wrong = 0
    with running_judge() as judge, tempfile.TemporaryDirectory() as folder:
        for number, (name, case) in enumerate(cases):
            root = Path(folder, str(number), "workspace")
            case.write(root)
            found, text = verdict(judge, root, case)
            counts[found] += 1
            if found not in (EQUAL, REFUSED):
                wrong += 1
                print(f"{name}: {found}\n{text}")
    print(f"{len(cases)} projects, seed {seed}: {_told(counts)}")
    return 1 if wrong else 0


def theirs(directories: list[str]) -> int:
    """The Compose files of other people's repositories, each alone and as Compose would find them."""
    whole: Counter[str] = Counter()
    with running_judge() as judge, tempfile.TemporaryDirectory() as folder:
        for number, directory in enumerate(directories):
            root = Path(folder, str(number), "workspace")
            commit, paths = _checked_out(directory, root)
            counts: Counter[str] = Counter()
            builds = 0
            for place, case in _projects(root, paths):
                found, text = verdict(judge, place, case, alone=True)
                counts[found] += 1
                builds += int(text) if found == EQUAL else 0
                if found in (WE_REFUSE, DIFFERENT):
                    print(f"  {found}: {place.relative_to(root)} {' '.join(case.named)}\n    {text[:1500]}")
            whole += counts
            print(f"{Path(directory).parent.name}@{commit[:10]}: {_told(counts)}; {builds} builds", flush=True)
    print(_told(whole))
    return 0


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing"


def _git(directory: str, *words: str) -> bytes:
    return subprocess.run(["git", f"--git-dir={directory}", *words], capture_output=True, check=True).stdout


def _checked_out(directory: str, root: Path) -> tuple[str, list[str]]:
    """Write the files that Compose may read."""
    commit = _git(directory, "rev-parse", "HEAD").decode().strip()
    found = []
    for line in _git(directory, "ls-tree", "-r", "-z", commit).split(b"\0"):
        head, _, path = line.partition(b"\t")
        name = os.fsdecode(path)
        base = name.rpartition("/")[2]
        if head[:3] == b"100" and (base.endswith((".yml", ".yaml")) or ".env" in base or base.startswith("env")):
            place = root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(_git(directory, "cat-file", "blob", head.split()[2].decode()))
            found.append(name)
    for example in [name for name in found if name.endswith((".env.example", "/example.env"))]:
        place = (root / example).with_name(".env")
        if not place.exists():
            place.write_bytes((root / example).read_bytes())
    return commit, found


def _projects(root: Path, paths: list[str]) -> Iterator[tuple[Path, Case]]:
    for folder in sorted({name.rpartition("/")[0] for name in paths if is_compose(name)}):
        mine = [name.rpartition("/")[2] for name in paths if name.rpartition("/")[0] == folder and is_compose(name)]
        place = root / folder
        if any(name in names.MAIN for name in mine):
            yield place, Case(files={}, profiles=("*",))
        for name in mine:
            yield place, Case(files={}, named=(name,), profiles=("*",))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sources.doors.compose", description=__doc__)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("directories", nargs="*")
    options = parser.parse_args()
    return theirs(options.directories) if options.directories else made(options.examples, options.seed)


if __name__ == "__main__":
    sys.exit(main())
