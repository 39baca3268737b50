"""A plan as a pull request's comment: what it says, and that hostile names stay text, by a real Markdown parser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from planner.explain.markdown import MAX_LETTERS, OPEN_ROWS, plan_markdown
from planner.explain.text import printable
from planner.model.image import ImageName, Span
from planner.plan.reasons import Code, Reason
from planner.plan.rebuild import Action, Plan, PlannedImage
from tests.workspace import Workspace

ALLOWED = {"p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "br", "details", "summary", "ul", "li"}
HOSTILE = [
    "a|b",
    "`a`",
    "``|``",
    "</code><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!-- ",
    "-->",
    "line\nline",
    "tab\tcr\r",
    "@everyone",
    "a@example.org",
    "#12 acme/repo#3",
    "[x](http://e.example)",
    "![x](http://e.example)",
    "https://e.example www.e.example WWW.e.example",
    "**b** _i_ ~~s~~ :+1: $x$",
    "&lt;script&gt; &amp; &#64;all",
    "\\| \\` \\",
    "| --- |",
    "\u202egnp.exe",
    "\udcff",
    "\x1b[31m",
]


class Text(HTMLParser):
    """The tags of a page, and the texts of its `<code>`."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.codes: list[str] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs, (tag, attrs)
        self.tags.append(tag)
        if tag == "code":
            self.inside = True
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "code"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.codes[-1] += data


def rendered(text: str) -> Text:
    page = Text()
    page.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))
    return page


def plan(texts: list[str], count: int = 1) -> Plan:
    reasons = tuple(
        Reason(code=Code.FILE_CHANGED, subject=text, detail=text, where=Span(file=text, line=3)) for text in texts
    )
    images = [
        PlannedImage(
            name=ImageName(text), action=Action.BUILD, key="x3-0", reasons=reasons[:3] * count, parents=(), level=0
        )
        for text in texts
    ]
    return Plan(against=texts[0], images=tuple(images), total=len(images), warnings=tuple(texts))


def check_stays_text(text: str) -> None:
    page = rendered(plan_markdown(plan([text])))
    shown = printable(text)
    assert set(page.tags) <= ALLOWED
    assert page.tags.count("td") == 3
    stripped = [code.strip() for code in page.codes]
    assert stripped == [shown.strip(), shown.strip(), shown.strip(), f"{shown}:3".strip(), shown.strip()]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_text(text: str) -> None:
    check_stays_text(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*HOSTILE, *"|`<>&@#[]()*_~:\\!$\"'-=. a/\n"]), min_size=1, max_size=8).map("".join))
def test_any_mixture_stays_text(text: str) -> None:
    if text.strip() and len(text) < 200:
        check_stays_text(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_letter_is_left_that_a_forge_reads(text: str) -> None:
    """Mentions, references to issues, links, emoji: a forge finds them by these letters in the source."""
    body = re.sub(r"&#[0-9]+;|<!-- -->", "", plan_markdown(plan([text]))).partition("| --- |")[2]
    for part in ("@", "http:", "www.", ":+1:", "`", "#1", "$x", "~~"):
        assert part not in body.lower()


def test_mentions_are_parted_also_where_references_are_read_first() -> None:
    assert "&#64;<!-- -->everyone" in plan_markdown(plan(["@everyone"]))


def test_what_it_says(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write(
        {
            "images.yaml": "version: 1\nregistry: r.example\nimages: {a: {}, b: {dockerfile: b}, c: {dockerfile: c}}\n",
            "Dockerfile": "FROM x\nCOPY s /\n",
            "b": "FROM r.example/a\n",
            "c": "FROM x\n",
            "s/1": "1",
        }
    )
    space.commit()
    space.write({f"s/{number}": "2" for number in range(1, 6)})
    run = space.planner("plan", "--since", "HEAD", "--format", "markdown", "--exit-code")
    assert run.returncode == 3
    assert run.stdout == (
        "**2 of 3 images rebuild** against <code>HEAD</code>\n"
        "\n"
        "| image | action | why |\n"
        "| --- | --- | --- |\n"
        "| <code>a</code> | build | file changed: <code>s/1 changed</code> (<code>Dockerfile&#58;2</code>)"
        "<br>file added: <code>s/2 is new</code> (<code>Dockerfile&#58;2</code>)"
        "<br>file added: <code>s/3 is new</code> (<code>Dockerfile&#58;2</code>)"
        "<br>… and 2 more |\n"
        "| <code>b</code> | build | parent changed: <code>a is rebuilt</code> (<code>b&#58;1</code>) |\n"
        "\n"
        "<details><summary>1 reused</summary>\n\n- <code>c</code>\n\n</details>\n"
    )
    space.commit()
    clean = space.planner("plan", "--since", "HEAD", "--format", "markdown").stdout
    assert clean.startswith("**0 of 3 images rebuild**")
    assert "| image |" not in clean


def test_a_long_table_is_folded_and_fits_a_comment() -> None:
    short = plan_markdown(plan([f"i{number}" for number in range(OPEN_ROWS)]))
    assert "images to build" not in short
    long = plan_markdown(plan([f"i{number}" for number in range(OPEN_ROWS + 1)]))
    assert f"<summary>{OPEN_ROWS + 1} images to build</summary>" in long
    assert rendered(long).tags.count("td") == 3 * (OPEN_ROWS + 1)
    huge = plan_markdown(plan([f"{'|' * 200}{number}" for number in range(3000)]))
    assert len(huge) < MAX_LETTERS + 2000
    assert "more" in huge
    assert set(rendered(huge).tags) <= ALLOWED
