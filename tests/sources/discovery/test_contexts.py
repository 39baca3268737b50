"""The build context of a Dockerfile, told by what it copies."""

from __future__ import annotations

import pytest

from planner.sources.discovery.contexts import Context, context_of
from planner.sources.discovery.look import look
from planner.sources.places import PlacesOf
from tests.sources.discovery.memory import MemoryTree


@pytest.mark.parametrize(
    ("dockerfile", "copies", "others", "context"),
    [
        ("a/b/Dockerfile", "RUN x", [], "a/b"),
        ("a/b/Dockerfile", "COPY run.sh /", ["a/b/run.sh"], "a/b"),
        ("a/b/Dockerfile", "COPY run.sh /", ["a/b/run.sh", "run.sh"], "a/b"),
        ("a/b/Dockerfile", "COPY b/run.sh /", ["a/b/run.sh"], "a"),
        ("a/b/Dockerfile", "COPY a/b/run.sh src /", ["a/b/run.sh", "src/x"], "."),
        ("a/b/Dockerfile", "COPY *.txt /", ["a/x.txt"], "a"),
        ("a/b/Dockerfile", "RUN --mount=source=req.txt,target=/r x", ["a/req.txt"], "a"),
        ("a/b/Dockerfile", "ARG D=src\nCOPY $D/x /", ["a/src/x"], "a"),
        ("a/b/Dockerfile", "COPY made run.sh /", ["a/b/run.sh"], "a/b"),
        ("a/b/Dockerfile", "COPY x.tx[t] /", [], "a/b"),
        ("a/b/Dockerfile", "COPY run.sh *py /", ["a/b/run.sh", "setup.py"], "a/b"),
        ("a/b/Dockerfile", "COPY . /", ["a/b/run.sh"], "a/b"),
        ("Dockerfile", "COPY . /", [], "."),
        ("docker/Dockerfile", "COPY docker/run.sh /\nCOPY . /", ["docker/run.sh"], "."),
        ("docker/Dockerfile", "ADD https://x.example/y /", [], "docker"),
    ],
)
def test_the_nearest_folder_that_has_everything(dockerfile: str, copies: str, others: list[str], context: str) -> None:
    found = told(dockerfile, copies, others)
    assert (found.folder, found.doubt) == (context, "")
    assert found.why


@pytest.mark.parametrize(
    ("dockerfile", "copies", "others"),
    [
        ("a/b/Dockerfile", "COPY made /", []),
        ("docker/Dockerfile", "COPY . /", ["docker/x.Dockerfile", "src/x"]),
        ("a/b/Dockerfile", "COPY one two /", ["a/b/one", "two"]),
    ],
)
def test_what_cannot_be_told(dockerfile: str, copies: str, others: list[str]) -> None:
    assert told(dockerfile, copies, others).doubt


def told(dockerfile: str, copies: str, others: list[str]) -> Context:
    text = f"FROM x\n{copies}\n"
    tree = MemoryTree({dockerfile: text, **dict.fromkeys(others, "")})
    return context_of(dockerfile, look(text.encode(), dockerfile).sources, PlacesOf(tree))
