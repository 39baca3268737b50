"""Makes the pictures of `docs/images` anew: `python -m tests.page.pictures`. The still one is checked by a test."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from tests.bench.family import write_family
from tests.page.browser import Browser, Page, running_browser
from tests.page.recorded import record_builds
from tests.page.test_page import SPANS, SUITE, node
from tests.workspace import Workspace

IMAGES = Path(__file__).parents[2] / "docs" / "images"
STILL = IMAGES / "benchmark-suite.svg"


def suite(folder: Path) -> Path:
    """The page of nine images in one run, one of whose scripts changed since."""
    shutil.copytree(SUITE, folder)
    space = Workspace(folder)
    space.commit()
    record_builds(folder, {**SPANS, "tflite-android": (311.0, 377.0)})
    script = folder / "scripts" / "install_python.sh"
    script.write_text(f"{script.read_text()}# more\n")
    return page_of(space)


def page_of(space: Workspace) -> Path:
    place = space.root.parent / f"{space.root.name}.html"
    run = space.planner("graph", "--format", "html", "-o", str(place))
    assert run.returncode == 0, run.stderr
    return place


def opened(browser: Browser, place: Path, scheme: str, width: int = 1280, height: int = 760) -> Page:
    page = browser.open(place, width=width, height=height)
    page.media(prefers_color_scheme=scheme)
    page.until("document.documentElement.dataset.ready")
    return page


def taken(page: Page, name: str) -> None:
    time.sleep(0.5)
    page.screenshot(IMAGES / f"{name}.png")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    run = Workspace(SUITE, init=False).planner("graph", "--format", "svg", "--state", "/nonexistent", "-o", str(STILL))
    assert run.returncode == 0, run.stderr
    with tempfile.TemporaryDirectory() as folder, running_browser() as browser:
        small = suite(Path(folder, "suite"))
        page = opened(browser, small, "light")
        page.click(node("base-python3.10"))
        taken(page, "page-selected")
        page = opened(browser, small, "dark")
        page.click(node("base-python3.10"))
        page.click("#show-timeline")
        taken(page, "page-timeline")
        large = write_family(Path(folder, "large"), 1000, 3)
        record_builds(large.root, {f"image{at}": (at / 10, at / 10 + 3) for at in range(1000)})
        large.write({"image9/src/file0.txt": "changed\n"})
        taken(opened(browser, page_of(large), "light", 1100, 600), "page-1000")


if __name__ == "__main__":
    main()
