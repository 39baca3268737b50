"""What stands on an image that is always built is built on it, also by a saved plan and by jobs that build one each."""

from __future__ import annotations

import hashlib
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.build.family import BuildSpace
from tests.engine.engine import Engine

NAMES = ("base", "tool", "app")


class Page:
    """A server of one page, whose text changes."""

    def __init__(self) -> None:
        page = self
        self.text = "one\n"

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = page.text.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/page"


@pytest.fixture
def page() -> Iterator[Page]:
    found = Page()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def space(engine: Engine, page: Page, tmp_path: Path) -> BuildSpace:
    found = BuildSpace(tmp_path / "family", engine)
    registry = f"{engine.registry.address}/{tmp_path.name.replace('_', '-')}"
    images = "{base: {}, tool: {dockerfile: tool}, app: {dockerfile: app}}"
    found.write(
        {
            "images.yaml": f"version: 1\nregistry: {registry}\nimages: {images}\n",
            "Dockerfile": f"FROM ubuntu:22.04\nADD {page.address} /page\n",
            "tool": f"FROM {registry}/base\nRUN cp /page /tool\n",
            "app": f"FROM {registry}/tool\nRUN cp /tool /app\n",
        }
    )
    found.commit()
    return found


def test_by_a_saved_plan(space: BuildSpace, page: Page, tmp_path: Path) -> None:
    plan = os.fspath(tmp_path / "plan.json")
    space.build()
    page.text = "two\n"
    assert space.planner("plan", "--out", plan).returncode == 0
    built = space.build("--plan", plan)
    assert {name: one["outcome"] for name, one in built.items() if name} == dict.fromkeys(NAMES, "built")
    assert space.image(built["app"]["digest"]).files["app"][-1] == hashlib.sha256(b"two\n").hexdigest()


def test_where_it_is_pushed(space: BuildSpace, page: Page) -> None:
    """The key of what stands on it is published already, with what was built on the image of before."""
    for text in ("one\n", "two\n"):
        page.text = text
        built = space.build("--push")
        assert {name: one["outcome"] for name, one in built.items() if name} == dict.fromkeys(NAMES, "built")


def test_between_images_that_are_built_whatever_was_built_before(space: BuildSpace, tmp_path: Path) -> None:
    """`--all` of some images, such as where what they start from moved: what stands between them is told to rebuild."""
    address, name = space.engine.registry.address, f"moving-{tmp_path.name.replace('_', '-')}"
    moving = BuildSpace(tmp_path / "moving", space.engine)
    moving.write({"images.yaml": f"version: 1\nregistry: {address}/{name}\nimages: {{base: {{}}}}\n"})
    space.write({"Dockerfile": f"FROM {address}/{name}/base\n"})
    plan = os.fspath(tmp_path / "plan.json")
    ways = (
        ("--push", "--all", "base", "app"),
        ("--push", "--plan", plan),
        *(("--push", "--plan", plan, "--only", one) for one in NAMES),
    )
    for number, words in enumerate([("--push",), *ways]):
        if number < 4:
            moving.write({"Dockerfile": f"FROM ubuntu:22.04\nRUN echo {number} > /page\n"})
            moving.build("--push")
        assert space.planner("plan", "--all", "--out", plan, "base", "app").returncode == 0
        expected = NAMES if "--only" not in words else words[-1:]
        assert space.outcomes(*words) == dict.fromkeys(expected, "built"), words


def test_job_by_job(space: BuildSpace, page: Page, tmp_path: Path) -> None:
    space.build("--push")
    page.text = "two\n"
    plan = os.fspath(tmp_path / "plan.json")
    assert space.planner("plan", "--against", "published", "--push", "--out", plan).returncode == 0
    for name in NAMES:
        shutil.rmtree(space.root / ".planner")
        words = ("--plan", plan, "--only", "--push", name)
        assert space.outcomes(*words) == {name: "built"}
    assert space.outcomes("--plan", plan, "--only", "--push", "app") == {"app": "reused"}, "it stands on what is there"
