"""Two runs that push different keys of the same images at once: they share the names, `latest` and `rec-latest`."""

from __future__ import annotations

import contextlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from planner.registry import artefact
from planner.registry.client import HttpRegistry
from tests.build.shared import clone, published_space
from tests.build.sound import NAMES, expect_sound
from tests.engine.engine import Engine
from tests.registry.faults import faulty

CLIENT = HttpRegistry()


@pytest.mark.parametrize(
    "meeting",
    [r"PUT .*/base/manifests/x3-", r"PUT .*/base/manifests/latest", r"HEAD .*/(base|app)/manifests/rec-latest"],
    ids=["tags", "latest", "rec-latest"],
)
def test_two_runs_push_different_keys_of_the_same_images(tmp_path: Path, engine: Engine, meeting: str) -> None:
    """Both come to the same request at the same moment: each is held until the other one is there."""
    there = threading.Barrier(2)

    def wait(_: int, line: str) -> None:
        if re.fullmatch(f"{meeting}.*", line):
            with contextlib.suppress(threading.BrokenBarrierError):
                there.wait(60)

    with faulty(engine.registry.address) as proxy:
        prefix = f"{proxy.address}/two-{tmp_path.name.replace('_', '-').lower()[-30:].strip('-')}"
        spaces = [published_space(tmp_path / "a", engine, prefix)]
        spaces.append(clone(spaces[0], tmp_path / "b"))
        spaces[1].write({"base.txt": "two\n"})
        spaces[1].commit()
        proxy.on_request = wait
        with ThreadPoolExecutor(2) as pool:
            ended = [future.result() for future in [pool.submit(space.build, "--push") for space in spaces]]
        assert not there.broken, "both came there"
        proxy.on_request = None
        for space, images in zip(spaces, ended, strict=True):
            keys = space.keys()
            for name in NAMES:
                digest = images[name]["digest"]
                assert images[name]["outcome"] == "built"
                assert CLIENT.digest_of(f"{prefix}/{name}", keys[name]) == digest
                told = artefact.summary(CLIENT.manifest(f"{prefix}/{name}", f"rec-{keys[name]}")[1])
                assert (told.image, told.key, told.digest) == (name, keys[name], digest)
        for name in NAMES:
            both = {images[name]["digest"] for images in ended}
            assert len(both) == 2
            assert CLIENT.digest_of(f"{prefix}/{name}", "latest") in both
        expect_sound(prefix)
        for space, images in zip(spaces, ended, strict=True):
            other = clone(space, tmp_path / f"{space.root.name}-again").build("--push")
            for name in NAMES:
                assert (other[name]["outcome"], other[name]["digest"]) == ("reused", images[name]["digest"])
