"""The page in a real browser: what a person sees, clicks and types."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.page.browser import Page
from tests.page.conftest import Open
from tests.page.recorded import record_builds
from tests.workspace import Workspace

SUITE = Path(__file__).parents[2] / "graphs" / "benchmark-suite"
SPANS = {
    "base": (0.0, 62.0),
    "db_import": (0.0, 41.0),
    "base-python3.10": (63.0, 118.0),
    "base-python3.11": (63.0, 104.0),
    "cuda11.8-cudnn8.9": (119.0, 297.0),
    "mmperf": (298.0, 402.0),
    "convperf": (119.0, 290.0),
    "android": (105.0, 310.0),
    "tflite-android": (1311.0, 1377.0),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of nine images that were all built, one of whose scripts changed since."""
    root = tmp_path_factory.mktemp("suite") / "suite"
    shutil.copytree(SUITE, root)
    space = Workspace(root)
    space.commit()
    record_builds(root, SPANS)
    script = root / "scripts" / "install_python.sh"
    script.write_text(f"{script.read_text()}# more\n")
    made = space.planner("graph", "--format", "html", "-o", str(root / "graph.html"))
    assert made.returncode == 0, made.stderr
    assert made.stdout == ""
    return root / "graph.html"


def node(name: str) -> str:
    return f'.node[aria-label^="{name},"]'


def texts(page: Page, selector: str) -> list[str]:
    found: list[str] = page.run(f"[...document.querySelectorAll('{selector}')].map(one => one.textContent)")
    return found


def scale(page: Page) -> float:
    page.run("new Promise(requestAnimationFrame)")
    return float(page.run("new DOMMatrix(getComputedStyle(document.getElementById('world')).transform).a"))


def corner(page: Page) -> tuple[float, float]:
    page.run("new Promise(requestAnimationFrame)")
    found = page.run("(() => { const at = document.getElementById('world').getCTM(); return [at.e, at.f]; })()")
    return found[0], found[1]


def test_loads_without_complaints_and_asks_nobody(open_page: Open, place: Path) -> None:
    page = open_page(place)
    assert page.run("document.documentElement.dataset.ready") == "laid out"
    assert page.complaints == []
    outside = [address for address in page.requests if not address.startswith(("file://", "blob:", "data:"))]
    assert outside == []
    assert [address for address in page.requests if address.startswith("file:")] == [place.as_uri()]


def test_every_image_and_edge_is_drawn_and_marked(open_page: Open, place: Path) -> None:
    page = open_page(place)
    assert page.run("document.querySelectorAll('.node').length") == 9
    assert page.run("document.querySelectorAll('.edge').length") == 7
    said = page.run("[...document.querySelectorAll('.node')].map(one => one.getAttribute('aria-label'))")
    assert "base, base image, reused" in said
    assert "base-python3.10, derived image, to build" in said
    assert "cuda11.8-cudnn8.9, CUDA image, to build after a parent" in said
    assert page.run("document.getElementById('summary').textContent") == (
        "9 images · 7 to build against the local records"
    )
    left, right = page.place(node("base")), page.place(node("base-python3.10"))
    assert left[0] < right[0]


def test_a_click_tells_inputs_and_reasons(open_page: Open, place: Path) -> None:
    page = open_page(place)
    page.click(node("base-python3.10"))
    assert texts(page, "#panel h2") == ["base-python3.10"]
    told = page.run("document.getElementById('panel').innerText")
    for part in (
        "//:base-python3.10",
        "docker/base-python3.10.Dockerfile",
        "linux/amd64",
        "x3-",
        "file changed: scripts/install_python.sh changed",
        "docker/base-python3.10.Dockerfile:3",
        "COPY scripts/install_python.sh /opt/scripts/",
        "1 file",
        "base",
        "cuda11.8-cudnn8.9",
    ):
        assert part in told
    page.click(node("base"))
    assert "docker.io/library/ubuntu:22.04" in page.run("document.getElementById('panel').innerText")
    page.click("#panel .close")
    assert page.run("document.getElementById('panel').hidden")


def test_what_it_reads_and_what_reads_it_stands_out(open_page: Open, place: Path) -> None:
    page = open_page(place)
    page.click(node("base-python3.11"))
    up = page.run("[...document.querySelectorAll('.node.up')].map(one => one.getAttribute('aria-label').split(',')[0])")
    down = page.run(
        "[...document.querySelectorAll('.node.down')].map(one => one.getAttribute('aria-label').split(',')[0])"
    )
    assert up == ["base"]
    assert down == ["android", "tflite-android"]
    assert page.run("document.querySelectorAll('.edge.up').length") == 1
    assert page.run("document.querySelectorAll('.edge.down').length") == 2
    dimmed = page.run(f"Number(getComputedStyle(document.querySelector('{node('mmperf')}').lastChild).opacity)")
    assert dimmed < 0.5
    page.press("Escape")
    assert page.run("document.querySelectorAll('.up, .down, .selected').length") == 0


def test_search_filters_as_one_types(open_page: Open, place: Path) -> None:
    page = open_page(place)
    page.press("/")
    assert page.run("document.activeElement.id") == "search"
    page.type("base-python")
    assert texts(page, "#found") == ["2 of 9 images"]
    assert page.run("[...document.querySelectorAll('#list li')].filter(one => one.checkVisibility()).length") == 2
    assert page.run("document.querySelectorAll('.node.chosen').length") == 2
    page.type(" 3.11")
    page.press("Enter")
    assert texts(page, "#panel h2") == ["base-python3.11"]
    page.press("Escape")
    page.press("Escape")
    assert texts(page, "#found") == ["9 images"]
    assert page.run("document.querySelectorAll('.choosing').length") == 0
    page.press("/")
    page.type("cuda build")
    assert texts(page, "#found") == ["1 of 9 images"]


def test_the_keys_walk_along_edges(open_page: Open, place: Path) -> None:
    page = open_page(place)

    def selected() -> str:
        return str(page.run("document.querySelector('.node.selected')?.getAttribute('aria-label').split(',')[0]"))

    page.run("document.getElementById('picture').focus()")
    page.press("ArrowRight")
    assert selected() == "base"
    page.press("ArrowRight")
    first = selected()
    assert first.startswith("base-python3.1")
    page.press("ArrowDown" if first.endswith("10") else "ArrowUp")
    assert selected() != first
    page.press("ArrowLeft")
    assert selected() == "base"
    assert page.run("document.activeElement.classList.contains('selected')")
    page.press("Enter")
    assert page.run("document.activeElement.id") == "panel"
    assert "base, base image" in page.run("document.getElementById('spoken').textContent")
    page.press("Escape")
    assert page.run("document.getElementById('panel').hidden")
    page.press("?")
    assert page.run("document.getElementById('keys').checkVisibility()")
    page.press("Escape")
    assert not page.run("document.getElementById('keys').checkVisibility()")


def test_zoom_and_pan(open_page: Open, place: Path) -> None:
    page = open_page(place)
    whole = scale(page)
    x, y = page.place("#picture")
    page.wheel(x, y, -300)
    page.until(f"document.getElementById('world').getCTM().a > {whole}")
    near, before = scale(page), corner(page)
    page.drag((x + 200, y + 250), (x + 260, y + 290))
    after = corner(page)
    assert after[0] - before[0] == pytest.approx(60, abs=1)
    assert after[1] - before[1] == pytest.approx(40, abs=1)
    assert page.run("document.getElementById('panel').hidden"), "a drag is no click"
    page.press("+")
    assert scale(page) > near
    page.press("-", "-")
    assert scale(page) < near
    page.click("#fit")
    assert scale(page) == pytest.approx(whole, rel=0.01)


def test_light_and_dark(open_page: Open, place: Path) -> None:
    page = open_page(place)

    def ground() -> str:
        return str(page.run("getComputedStyle(document.body).backgroundColor"))

    light = ground()
    page.media(prefers_color_scheme="dark")
    dark = ground()
    assert light == "rgb(248, 250, 252)"
    assert dark != light
    page.click("#theme")
    assert ground() == light
    page.press("t")
    assert ground() == dark


def test_externals_come_and_go(open_page: Open, place: Path) -> None:
    page = open_page(place)
    page.press("e")
    page.until("document.querySelectorAll('.kind-external').length === 3")
    page.click(node("docker.io/library/ubuntu:22.04"))
    assert "The graph does not build it" in page.run("document.getElementById('panel').innerText")
    page.press("Escape")
    page.press("e")
    page.until("document.querySelectorAll('.kind-external').length === 0")
    assert page.complaints == []


def test_the_timeline_of_the_last_builds(open_page: Open, place: Path) -> None:
    page = open_page(place)
    page.click("#show-timeline")
    assert page.run("document.querySelectorAll('#timeline option').length") == 2, "a pause of 15 minutes parts two runs"
    assert page.run("document.querySelectorAll('#bars .row').length") == 1
    page.run(
        "(() => { const run = document.querySelector('#timeline select'); run.value = '1';"
        " run.dispatchEvent(new Event('change')); })()"
    )
    assert page.run("document.querySelectorAll('#bars .row').length") == 8
    critical = page.run("[...document.querySelectorAll('#bars .critical')].map(one => one.getAttribute('aria-label'))")
    assert [text.split(":")[0] for text in critical] == ["base", "base-python3.10", "mmperf"]
    assert "base → base-python3.10 → mmperf" in page.run("document.querySelector('.critical-path').textContent")
    page.click("#bars .critical")
    assert texts(page, "#panel h2") == ["base"]


def test_everything_has_an_accessible_name(open_page: Open, place: Path) -> None:
    page = open_page(place)
    page.click(node("mmperf"))
    page.click("#show-timeline")
    page.call("Accessibility.enable")
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    active = ("button", "checkbox", "searchbox", "combobox", "MenuListPopup", "complementary", "navigation", "region")
    nameless = [
        one
        for one in tree
        if not one["ignored"]
        and one["role"]["value"] in active[:5]
        and not one.get("name", {}).get("value")
        and one["role"]["value"] != "MenuListPopup"
    ]
    assert nameless == []
    roles = {one["role"]["value"] for one in tree if not one["ignored"]}
    assert {"searchbox", "navigation", "complementary", "toolbar", "button"} <= roles


def test_paper_has_the_picture_and_the_details_only(open_page: Open, place: Path) -> None:
    page = open_page(place)
    page.click(node("mmperf"))
    page.media("print", prefers_color_scheme="dark")
    page.until("document.getElementById('picture').hasAttribute('viewBox')")
    assert page.run("document.querySelector('nav').checkVisibility()") is False
    assert page.run("document.querySelector('.tools').checkVisibility()") is False
    assert page.run("document.getElementById('panel').checkVisibility()") is True
    assert page.run("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert page.pdf().startswith(b"%PDF")
    page.media(prefers_color_scheme="light")
    page.until("!document.getElementById('picture').hasAttribute('viewBox')")


def test_without_the_library_the_picture_is_simpler_and_all_there(open_page: Open, place: Path, tmp_path: Path) -> None:
    text = place.read_text()
    policy_without = text.replace(" 'wasm-unsafe-eval'", "", 1)
    assert policy_without != text
    (tmp_path / "page.html").write_text(policy_without)
    page = open_page(tmp_path / "page.html")
    assert page.run("document.documentElement.dataset.ready") == "simple"
    assert page.run("document.querySelectorAll('.node').length") == 9
    assert page.run("document.querySelectorAll('.edge').length") == 7
    page.click(node("mmperf"))
    assert texts(page, "#panel h2") == ["mmperf"]
