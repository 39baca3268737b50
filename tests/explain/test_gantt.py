"""Charts of a run: every bar is there, and no name is more than a name."""

from __future__ import annotations

import re
from xml.etree.ElementTree import fromstring

from hypothesis import given
from hypothesis import strategies as st

from planner.explain.gantt import MAX_LETTERS, Bar, gantt_mermaid, gantt_svg

LINE = re.compile(r"  \d+\.\d s [A-Za-z0-9._/+@ -]* :(done, |crit, )?\d+, \d+")
NAMES = st.text(max_size=80) | st.sampled_from(
    ("title x", "section", "%%{init: {}}%%", "```", "a:b;c#d", "click a href")
)
BARS = st.lists(
    st.builds(
        lambda name, start, took, ended: Bar(name=name, start=start, end=start + took, ended=ended),
        NAMES,
        st.floats(1.7e9, 1.8e9),
        st.floats(0, 1e5),
        st.sampled_from(("built", "failed", "not built")),
    ),
    max_size=12,
)


@given(BARS)
def test_each_line_of_mermaid_is_a_task(bars: list[Bar]) -> None:
    text = gantt_mermaid(bars)
    if not bars:
        assert text == ""
        return
    lines = text.split("\n")
    assert lines[:2] == ["```mermaid", "gantt"]
    assert lines[-1] == "```"
    assert len(lines) == len(bars) + 5
    for line, bar in zip(lines[4:-1], bars, strict=True):
        assert LINE.fullmatch(line), line
        start, end = map(int, line.rpartition(":")[2].removeprefix("done, ").removeprefix("crit, ").split(", "))
        assert end > start
        assert abs(start - bar.start * 1000) <= 1


@given(BARS)
def test_the_picture_is_whole(bars: list[Bar]) -> None:
    root = fromstring(gantt_svg(bars))  # noqa: S314 -- our own
    shapes = list(root.iter("{http://www.w3.org/2000/svg}rect"))
    assert [one.get("class") for one in shapes] == [one.ended if one.ended != "not built" else "other" for one in bars]
    for one in shapes:
        assert float(one.get("x", "-1")) >= 220
        assert float(one.get("x", "0")) + float(one.get("width", "0")) <= 220 + 640 + 1.1


def test_too_many_are_cut_by_length() -> None:
    bars = [Bar(name=f"image{number}", start=1.0, end=2.0 + number, ended="built") for number in range(5000)]
    text = gantt_mermaid(bars)
    assert len(text) < MAX_LETTERS + 200
    assert "image4999" in text
    assert "image0 " not in text
    assert "shorter ones" in text
