"""Names and texts that would be code, markup or a disguise anywhere else are shown as what they are."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from planner.explain.page.assemble import assemble
from planner.explain.page.document import Shown, page_document
from planner.explain.svg import svg
from planner.model.graph import ExternalImage, ImageGraph, Node, ParentImage, Unresolved, Use
from planner.model.image import Image, ImageName, Kind, Span
from planner.plan.reasons import Code, Reason
from planner.plan.rebuild import Action, Plan, PlannedImage
from tests.page.conftest import Open
from tests.workspace import Workspace

ATTACK = "globalThis.hacked=(globalThis.hacked??0)+1"
HOSTILE = (
    f"</script><script>{ATTACK}</script>",
    f"<img src=x onerror='{ATTACK}'>",
    f'"><svg onload="{ATTACK}">',
    f"--><script>{ATTACK}</script><!--",
    f"'+({ATTACK})+'`${{{ATTACK}}}`",
    "<!-- <script>",
    "line\nbreak\r\ttab\x00\x07\x1b[31m",
    "\u202egnp.exe\u202c \u2066isolate\u200b\ufeff",
    "line\u2028separator\u2029s",
    "not \udcff UTF-8 \U000e0041",
    "]]>&lt;&amp;</style></title></textarea>",
    "constructor",
    "__proto__",
    "x" * 4000,
    "\u0301" * 300,
    "{{data}} {{script}}",
)


def part(name: str) -> str:
    return files("planner.explain.page").joinpath(name).read_text()


def hostile_graph() -> tuple[ImageGraph, Plan]:
    """Every text of every record is hostile, names of images among them."""
    nodes: dict[ImageName, Node] = {}
    planned = []
    names = [ImageName(text) for text in HOSTILE]
    for at, name in enumerate(names):
        span = Span(file=name, line=1)
        uses = [Use(role="FROM", reference=name, span=span, origin=ExternalImage(reference=f"{name}:1"))]
        uses.append(Use(role=name, reference=name, span=span, origin=Unresolved(reason=name)))
        if at:
            uses.append(Use(role="FROM", reference=name, span=span, origin=ParentImage(name=names[at // 2])))
        image = Image(name=name, span=span, dockerfile=name, context=name, target=name, tags=(name,), platforms=(name,))
        nodes[name] = Node(image=image, uses=tuple(uses), kind=Kind.DERIVED, level=0)
        reason = Reason(code=Code.FILE_CHANGED, subject=name, detail=name, where=span)
        planned.append(PlannedImage(name=name, action=Action.BUILD, key=name, reasons=(reason,), parents=(), level=0))
    children: dict[ImageName, tuple[ImageName, ...]] = {}
    plan = Plan(against=HOSTILE[0], images=tuple(planned), total=len(planned), warnings=HOSTILE)
    return ImageGraph(nodes=nodes, order=tuple(names), children=children), plan


def test_no_text_of_a_document_becomes_code(open_page: Open, tmp_path: Path) -> None:
    graph, plan = hostile_graph()
    shown = Shown(title=HOSTILE[0], graph=graph, plan=plan, trouble=HOSTILE[1])
    (tmp_path / "page.html").write_text(assemble(part, page_document(shown)), encoding="utf-8")
    page = open_page(tmp_path / "page.html")
    assert page.run("document.documentElement.dataset.ready") == "laid out"
    assert page.run("document.querySelectorAll('.node').length") == len(HOSTILE)
    page.press("e")
    page.until(f"document.querySelectorAll('.node').length === {2 * len(HOSTILE)}")
    for at in range(2 * len(HOSTILE)):
        page.run(
            f"document.querySelector('[data-node=\"{at}\"]').dispatchEvent(new MouseEvent('click', {{bubbles: true}}))"
        )
        assert page.run("document.getElementById('panel').checkVisibility()")
    assert page.run("typeof globalThis.hacked") == "undefined"
    assert page.run("document.querySelectorAll('img, iframe, object, embed, a, form').length") == 0
    assert page.run("document.scripts.length") == 3
    body = page.run("document.body.innerText")
    assert "\u202e" not in body
    assert "\\u{202e}" in body
    assert page.complaints == []


def test_a_repository_of_hostile_files(open_page: Open, tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    name = f"<img src=x onerror={ATTACK}>\u202e\n'\"&.sh"
    space.write(
        {
            "images.yaml": "version: 1\nimages:\n  a: {}\n  b:\n    dockerfile: b\n    labels: {x: "
            + json.dumps(HOSTILE[0])
            + "}\n",
            "Dockerfile": f'FROM scratch AS x\nCOPY src /src\nRUN echo "{HOSTILE[0]}"\nLABEL a="{HOSTILE[1]}"\n',
            "b": f"FROM <img/src=x/onerror={ATTACK}>\n",
            f"src/{name}": "x",
        }
    )
    (tmp_path / "family" / "src").joinpath(b"not-\xff-utf8".decode("utf-8", "surrogateescape")).write_text("x")
    space.commit()
    made = space.planner("graph", "--format", "html", "-o", str(tmp_path / "one.html"))
    assert made.returncode == 0, made.stderr
    assert "not everything is marked" in made.stderr
    assert '"action":"build"' in (tmp_path / "one.html").read_text()
    space.write({"b": "FROM scratch\nRUN x\n"})
    made = space.planner("graph", "--format", "html", "-o", str(tmp_path / "two.html"))
    assert made.returncode == 0, made.stderr
    for number in ("one", "two"):
        page = open_page(tmp_path / f"{number}.html")
        page.click('.node[aria-label^="a,"]')
        assert page.run("typeof globalThis.hacked") == "undefined"
        assert page.complaints == []
    told = page.run("document.getElementById('panel').textContent")
    assert "<img src=x onerror=" in told
    assert "not-\\u{dcff}-utf8" in told


def test_nothing_but_our_script_may_run_and_nothing_be_fetched(open_page: Open, tmp_path: Path) -> None:
    """A script that did get into the page would be stopped by its policy."""
    graph, plan = hostile_graph()
    text = assemble(part, page_document(Shown(title="x", graph=graph, plan=plan)))
    attack = f"<script>{ATTACK}</script><img src='https://example.org/x' onerror='{ATTACK}'></body>"
    (tmp_path / "page.html").write_text(text.replace("</body>", attack), encoding="utf-8")
    page = open_page(tmp_path / "page.html")
    assert page.run("typeof globalThis.hacked") == "undefined"
    assert any("Content Security Policy" in complaint for complaint in page.complaints)
    assert page.run("fetch('data:,x').then(() => 'fetched', () => 'refused')") == "refused"


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") for name, _ in attributes)
        assert not any(name in ("src", "style") for name, _ in attributes)
        if tag == "script":
            self.scripts.append(dict(attributes))


def test_the_document_cannot_end_its_element() -> None:
    graph, plan = hostile_graph()
    elements = _Elements()
    elements.feed(assemble(part, page_document(Shown(title="x", graph=graph, plan=plan))))
    assert [script.get("type") for script in elements.scripts] == ["application/json", "text/plain", None]


def test_the_still_picture_holds_hostile_names_as_text(open_page: Open, tmp_path: Path) -> None:
    graph, plan = hostile_graph()
    own = replace(plan, against="x")
    (tmp_path / "graph.svg").write_text(svg(graph, own), encoding="utf-8", errors="strict")
    page = open_page(tmp_path / "graph.svg", laid_out=False)
    assert page.run("document.documentElement.localName") == "svg"
    assert page.run("document.querySelectorAll('g > title').length") == len(HOSTILE)
    assert page.run("typeof globalThis.hacked") == "undefined"


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_come_through_unchanged(text: str) -> None:
    from planner.explain.page.assemble import embedded

    written = embedded({"text": text})
    assert json.loads(written) == {"text": text}
    assert written.isascii()
    assert not set("<>&") & set(written)
