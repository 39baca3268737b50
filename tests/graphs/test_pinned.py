"""The job that was done by hand: one edit, then push and pin change exactly the digests that it moves."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.build.family import BuildSpace
from tests.engine.engine import Engine

SUITE = Path(__file__).parents[2] / "graphs" / "benchmark-suite"
PIN = re.compile(r"suite/([\w.-]+)@(sha256:[0-9a-f]{64})")


def pins(space: BuildSpace) -> dict[str, dict[str, str]]:
    """Each file that pins images, with the digests by image."""
    found = {}
    for path in space.git("ls-files").split():
        if here := dict(PIN.findall((space.root / path).read_text())):
            found[path] = here
    return found


def test_one_edit_moves_exactly_the_pins_of_what_it_rebuilds(tmp_path: Path, engine: Engine) -> None:
    root = tmp_path / "suite"
    shutil.copytree(SUITE, root)
    registry = f"{engine.registry.address}/benchmarks/suite"
    for path in root.rglob("*"):
        if path.is_file() and "gcr.io/benchmarks/suite" in (text := path.read_text()):
            path.write_text(text.replace("gcr.io/benchmarks/suite", registry))
    rows = "".join(
        f"{name} suite/{name}@sha256:{'0' * 64}\n".replace("suite/", f"{registry}/") for name in ("base", "mmperf")
    )
    (root / "digests.txt").write_text(rows)
    space = BuildSpace(root, engine)
    space.commit()
    space.build("--push")
    assert space.planner("pin", "--write").returncode == 0
    space.commit()
    before = pins(space)
    assert space.planner("pin", "--check").returncode == 0

    script = root / "scripts" / "install_python.sh"
    script.write_text(f"{script.read_text()}# more\n")
    outcomes = space.outcomes("--push")
    moved = {name for name, outcome in outcomes.items() if outcome == "built"}
    stale = space.planner("pin", "--check")
    assert stale.returncode == 3
    written = space.planner("pin", "--write")
    assert written.returncode == 0
    after = pins(space)
    assert before.keys() == after.keys()
    edits = {(path, name) for path, here in after.items() for name in here if here[name] != before[path][name]}
    assert edits == {(path, name) for path, here in before.items() for name in here if name in moved}
    assert edits
    assert not [
        name
        for name in moved
        if not name.startswith(("base-python", "cuda", "mmperf", "convperf", "android", "tflite"))
    ]
    changed = set(space.git("diff", "--name-only").split())
    assert changed == {path for path, _ in edits} | {"scripts/install_python.sh"}
    assert set(space.outcomes("--push").values()) == {"reused"}
