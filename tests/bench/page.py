"""Measures the page of families of three sizes beside the plan of the same family, and in headless Chromium.

python -m tests.bench.page [--images 9 100 1000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench.__main__ import seconds
from tests.bench.family import write_family
from tests.page.browser import Browser, Page, running_browser

FRAMES = """(async () => {
  const times = [];
  let last = performance.now();
  for (let at = 0; at < 90; at++) {
    document.body.dispatchEvent(new KeyboardEvent("keydown",
      { key: at % 30 < 15 ? "ArrowRight" : "ArrowLeft", shiftKey: true, bubbles: true }));
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - last);
    last = performance.now();
  }
  times.sort((one, other) => one - other);
  return [times[45], times[85]];
})()"""


def opened(browser: Browser, place: Path) -> Page:
    browser.events.clear()
    page = browser.open(place, width=1440, height=900)
    page.until("document.documentElement.dataset.ready")
    return page


def entry(page: Page, name: str, field: str) -> float:
    return float(page.run(f"performance.getEntriesByName('{name}')[0].{field}"))


def frames(page: Page) -> str:
    median, slow = page.run(FRAMES)
    return f"{median:5.1f} {slow:5.1f}"


def measure(browser: Browser, folder: Path, images: int, rounds: int) -> None:
    """One row: time and size of the file, then what a person waits for."""
    family = write_family(folder, images, 20)
    planner = [sys.executable, "-m", "planner.cli.main"]
    place = family.root / "graph.html"
    times: dict[str, list[float]] = {"plan": [], "page": []}
    for turn in range(rounds + 1):
        plan = seconds([*planner, "plan"], family.root)
        page = seconds([*planner, "graph", "--format", "html", "-o", str(place)], family.root)
        if turn:
            times["plan"].append(plan)
            times["page"].append(page)
    ready, layout = [], []
    for _ in range(rounds):
        shown = opened(browser, place)
        ready.append(entry(shown, "planner-ready", "startTime"))
        layout.append(entry(shown, "planner-layout", "duration"))
    whole = frames(shown)
    shown.press(*["+"] * 12)
    near = frames(shown)
    ratio = statistics.median(times["page"]) / statistics.median(times["plan"])
    print(
        f"{images:>6}  {ratio:11.2f}  {place.stat().st_size / 1000:7.0f}  {statistics.median(layout):9.0f}"
        f"  {statistics.median(ready):14.0f}  {whole:>15}  {near:>15}",
        flush=True,
    )


def main() -> None:
    """Print one row for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="*", default=[9, 100, 1000])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"medians of {options.rounds}; frames: median and 95th percentile while panning, all in view and close up")
    print("images  page / plan  size kB  layout ms  interactive ms  frames whole ms  frames close ms")
    with tempfile.TemporaryDirectory() as folder, running_browser() as browser:
        for images in options.images:
            measure(browser, Path(folder, str(images)), images, options.rounds)


if __name__ == "__main__":
    main()
