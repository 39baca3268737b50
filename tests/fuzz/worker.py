"""Runs one parser under atheris until the time is up or an input breaks it.

python -m tests.fuzz.worker PARSER FOLDER SECONDS

Which inputs are worth keeping is told by which of the planner's branches they reach. Started by `tests.fuzz`.
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from random import Random

import atheris

SLOWEST = 20
"""Seconds of processor time for which one input may be read."""
STUCK = 600
"""Seconds by the clock after which it is given up: the machine may have other things to do."""
MEMORY = 2048
"""Megabytes that the process may have, instrumentation and corpus among them."""
LONGEST = 16384
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

    def mutated(data: bytes, most: int, number: int) -> bytes:
        """One change in two keeps the form; all others, and those that got too long, are libFuzzer's own."""
        random = Random(number)  # noqa: S311
        made = target.change(data, random) if random.random() < 0.5 else None
        return made if made is not None and len(made) <= most else atheris.Mutate(data, most)

    def one(data: bytes) -> None:
        began = time.process_time()
        with contextlib.suppress(*target.errors):
            target.read(data)
        if time.process_time() - began > SLOWEST:
            raise TimeoutError(f"took more than {SLOWEST} s of processor time")

    options = [
        f"-max_total_time={seconds}",
        f"-timeout={STUCK}",
        f"-rss_limit_mb={MEMORY}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={folder}/found-",
        "-print_final_stats=1",
    ]
    words = Path(__file__).parent / "words" / f"{name}.dict"
    options += [f"-dict={words}"] if words.exists() else []
    atheris.Setup([sys.argv[0], *options, str(corpus)], one, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
