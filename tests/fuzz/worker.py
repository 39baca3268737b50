"""Runs one parser under atheris until the time is up or an input breaks it.

python -m tests.fuzz.worker PARSER FOLDER SECONDS

Which inputs are worth keeping is told by which of the planner's branches they reach. Started by `tests.fuzz`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

SLOWEST = 20
"""Seconds for which one input may be read, on a machine that has other things to do."""
MEMORY = 2048
"""Megabytes that the process may have, instrumentation and corpus among them."""
LONGEST = 8192
"""Bytes of an input."""


def main() -> None:
    """Fuzz, with libFuzzer's own words on standard error; its exit status is not 0 when something was found."""
    name, folder, seconds = sys.argv[1:]
    with atheris.instrument_imports(include=["planner"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    corpus = Path(folder) / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed{number}").write_bytes(seed)

    def one(data: bytes) -> None:
        try:
            target.read(data)
        except target.errors:
            return

    options = [
        f"-max_total_time={seconds}",
        f"-timeout={SLOWEST}",
        f"-rss_limit_mb={MEMORY}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={folder}/found-",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
