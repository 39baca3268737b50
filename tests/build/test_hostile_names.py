"""A family in which every file name is hostile plans, prints and builds rightly.

`python -m tests.build.test_hostile_names` does it with 300 images.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from tests.build.family import BuildSpace
from tests.build.images import read_image
from tests.engine.engine import Engine, running_engine

NAMES = [
    b"new\nline",
    b'quo"te',
    b"'single'",
    b"-dash",
    b"--exclude=x",
    b"\xff\xfe not UTF-8",
    b"sp ace",
    b" lead and trail ",
    b"tab\there",
    b"$VAR ${VAR}",
    b"`id` $(id)",
    b"a;b&c|d>e",
    b"esc\x1b[31mred",
    b"*",
    b"[x]?",
    b"back\\slash",
    "é\u202ebidi".encode(),
    b"#hash",
    b"!bang",
    b"%s%n",
    b"x" * 255,
    b"/".join([b"d" * 222] * 17 + [b"f" * 209]),
]
"""The last one is a path of 4,000 bytes."""


def write_family(space: BuildSpace, images: int) -> None:
    """Each image copies a folder of its own, whose files are named like that; each stands on the one before."""
    assert len(NAMES[-1]) == 4000
    lines = ["version: 1", "registry: r.example", "images:"]
    for number in range(images):
        for name in NAMES[:-1] if number else NAMES:
            place = os.fsencode(space.root) + b"/c%d/" % number + name
            if len(place) < 4095:
                os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120 -- names are bytes
                Path(os.fsdecode(place)).write_bytes(b"%d %s" % (number, name))
        parent = f"r.example/i{number - 1}" if number % 10 else "scratch"
        space.write({f"Dockerfile.{number}": f"FROM {parent}\nCOPY c{number} /c{number}\n"})
        lines.append(f"  i{number}: {{dockerfile: Dockerfile.{number}}}")
    space.write({"images.yaml": "\n".join(lines) + "\n"})
    space.commit()


def check(space: BuildSpace, images: int) -> None:
    """Plan, print, build, and compare what is inside with what was written."""
    write_family(space, images)
    assert space.rebuilds() == {}
    last = images - 1
    (space.root / f"c{last}" / "new\nline").write_bytes(b"edited")
    run = space.planner("plan", "--since", "HEAD")
    assert f"file changed: c{last}/new\\x0aline changed" in run.stdout
    for command in (("inputs", "i0"), ("why", f"i{last}", "--from", "HEAD", "--diff"), ("why-not", "i0")):
        run = space.planner(*command)
        assert run.returncode == 0, run.stderr
        assert "\x1b" not in run.stdout + run.stderr
        assert "\u202e" not in run.stdout
    built = space.build("-j4")
    for number in range(images):
        image = built[f"i{number}"]
        assert image["outcome"] == "built", image
        files = read_image(space.root / ".planner" / "store", image["digest"]).files
        folder = space.root / f"c{number}"
        inside = {path for path, entry in files.items() if entry[0] == "file" and path.startswith(f"c{number}/")}
        written = {f"c{number}/{path.relative_to(folder)}" for path in folder.rglob("*") if path.is_file()}
        assert inside == written
        for path in written:
            digest = hashlib.sha256((space.root / path).read_bytes()).hexdigest()
            assert files[path] == ("file", 0o644, digest)
    assert {image["outcome"] for name, image in space.build().items() if name} == {"reused"}


def test_every_file_name_is_hostile(engine: Engine) -> None:
    with tempfile.TemporaryDirectory(prefix="h-") as folder:
        check(BuildSpace(Path(folder) / "f", engine), 12)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="h-") as folder, running_engine() as running:
        check(BuildSpace(Path(folder) / "f", running), int(sys.argv[1]) if len(sys.argv) > 1 else 300)
        print("every name came out as it was written")
