"""Fuzzes the parsers, one after the other: python -m tests.fuzz [PARSER …] [--minutes 60] [--folder .cache/fuzz]

Each gives a value or its own error for any bytes, within its time and memory. What is found is kept in the folder; to
make a case of it that every run of the tests repeats, copy it to tests/fuzz/cases/PARSER/. The corpus is kept too, so
that hours add up.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.targets import TARGETS

_STATS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVERED = re.compile(r"cov: (\d+)")
MOST = 5
"""Findings of one parser after which the next one is taken."""


def fuzz(name: str, folder: Path, seconds: float) -> dict[str, float]:
    """Fuzz one parser for this long, going on after each finding."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + seconds
    inputs = covered = findings = 0
    while (left := ends - time.monotonic()) > 1 and findings < MOST:
        known = {one.name for one in place.glob("found-*")}
        command = [sys.executable, "-m", "tests.fuzz.worker", name, str(place), str(int(left))]
        run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        inputs += sum(map(int, _STATS.findall(run.stderr)))
        covered = max([covered, *map(int, _COVERED.findall(run.stderr))])
        if run.returncode == 0:
            break
        if not any(one.name not in known for one in place.glob("found-*")):
            raise SystemExit(f"{name}: the fuzzer itself failed\n{run.stderr[-3000:]}")
        findings += 1
        print(f"{name}: finding {findings}\n{run.stdout[-3000:]}{run.stderr[-1500:]}", flush=True)
    spent = seconds - max(ends - time.monotonic(), 0)
    return {"seconds": round(spent), "inputs": inputs, "branches": covered, "findings": findings}


def main() -> None:
    """Fuzz, and add what was done to the totals in the folder; status 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parsers", nargs="*", metavar="PARSER", help=f"{', '.join(TARGETS)} [all]")
    parser.add_argument("--minutes", type=float, default=60, help="for each parser [60]")
    parser.add_argument("--folder", type=Path, default=Path(".cache/fuzz"))
    options = parser.parse_args()
    names = options.parsers or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"no parser is named {', '.join(unknown)}: {', '.join(TARGETS)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    file = options.folder / "totals.json"
    totals: dict[str, dict[str, float]] = json.loads(file.read_text()) if file.exists() else {}
    found = 0.0
    print(f"{'parser':<16}{'seconds':>9}{'inputs':>12}{'branches':>10}{'findings':>10}", flush=True)
    for name in names:
        now = fuzz(name, options.folder, options.minutes * 60)
        found += now["findings"]
        before = totals.get(name, {})
        totals[name] = {
            key: max(value, before.get(key, 0)) if key == "branches" else value + before.get(key, 0)
            for key, value in now.items()
        }
        file.write_text(json.dumps(totals, indent=1))
        row = totals[name]
        print(f"{name:<16}" + "".join(f"{row[key]:>{width}}" for key, width in _COLUMNS), flush=True)
    raise SystemExit(1 if found else 0)


_COLUMNS = (("seconds", 9), ("inputs", 12), ("branches", 10), ("findings", 10))


if __name__ == "__main__":
    main()
