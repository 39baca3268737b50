"""Fuzzes the parsers, one after the other: python -m tests.fuzz [PARSER …] [--minutes 60] [--folder .cache/fuzz]

Each gives a value or its own error for any bytes, within its time and memory. What is found is kept in the folder; to
make a case of it that every run of the tests repeats, copy it to tests/fuzz/cases/PARSER/. The corpus is kept too, so
that hours add up. Minutes are of processor time, so that they mean the same on a machine that has other things to do.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.targets import TARGETS

_STATS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVERED = re.compile(r"^#(\d+)\s.*\bcov: (\d+)", re.MULTILINE)
MOST = 5
"""Findings of one parser after which the next one is taken."""
SLICE = 600
"""Seconds after which the fuzzer is asked how much of the processor it had, and started again with what it kept."""


def processor() -> float:
    """Seconds of processor time that processes started from here have used, once they have ended."""
    times = os.times()
    return times.children_user + times.children_system


def fuzz(name: str, folder: Path, seconds: float, before: dict[str, int]) -> Iterator[dict[str, int]]:
    """Fuzz one parser for this much processor time, going on after each finding; what was done, added to `before`.

    It is told after each slice, so that nothing is lost when it is ended before its time. `grew` is the number of the
    input with which the branches last became more: what came after it found no new one.
    """
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    began = processor()
    inputs, covered, grew = (before.get(key, 0) for key in ("inputs", "branches", "grew"))
    findings = 0
    while (left := seconds - (processor() - began)) > 1 and findings < MOST:
        known = {one.name for one in place.glob("found-*")}
        command = [sys.executable, "-m", "tests.fuzz.worker", name, str(place), str(max(1, int(min(left, SLICE))))]
        run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        for number, branches in _COVERED.findall(run.stderr):
            if int(branches) > covered:
                covered, grew = int(branches), inputs + int(number)
        inputs += sum(map(int, _STATS.findall(run.stderr)))
        if run.returncode:
            if not any(one.name not in known for one in place.glob("found-*")):
                raise SystemExit(f"{name}: the fuzzer itself failed\n{run.stderr[-3000:]}")
            findings += 1
            print(f"{name}: finding {findings}\n{run.stdout[-3000:]}{run.stderr[-1500:]}", flush=True)
        yield {
            "seconds": before.get("seconds", 0) + round(processor() - began),
            "inputs": inputs,
            "branches": covered,
            "grew": grew,
            "findings": before.get("findings", 0) + findings,
        }


def main() -> None:
    """Fuzz, and add what was done to the totals in the folder; status 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parsers", nargs="*", metavar="PARSER", help=f"{', '.join(TARGETS)} [all]")
    parser.add_argument("--minutes", type=float, default=60, help="of processor time for each parser [60]")
    parser.add_argument("--folder", type=Path, default=Path(".cache/fuzz"))
    options = parser.parse_args()
    names = options.parsers or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"no parser is named {', '.join(unknown)}: {', '.join(TARGETS)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / "totals.json"
    totals: dict[str, dict[str, int]] = json.loads(file.read_text()) if file.exists() else {}
    found = 0
    print(f"{'parser':<16}" + "".join(f"{title:>{width}}" for title, width in _COLUMNS), flush=True)
    for name in names:
        before = row = totals.get(name, dict.fromkeys(dict(_COLUMNS), 0))
        for row in fuzz(name, options.folder, options.minutes * 60, before):
            totals[name] = row
            file.write_text(json.dumps(totals, indent=1))
        found += row["findings"] - before["findings"]
        print(f"{name:<16}" + "".join(f"{row[key]:>{width}}" for key, width in _COLUMNS), flush=True)
    raise SystemExit(1 if found else 0)


_COLUMNS = (("seconds", 9), ("inputs", 12), ("branches", 10), ("grew", 12), ("findings", 10))


if __name__ == "__main__":
    main()
