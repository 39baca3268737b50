"""A table of expressions with their answers: Bazel's documented examples of each operator, and our own functions.

Bazel's examples are written over packages; here `//...` stands for `foo/...`, and a set of images for other packages.
"""

from __future__ import annotations

import pytest

from planner.errors import QueryError
from planner.model.image import Kind
from planner.query.evaluate import answer
from planner.query.targets import Target, Type, World
from tests.query.worlds import graph_of, world_of

FIGURE = {
    "n1": ["n2"],
    "n2": ["n3", "n10"],
    "n3": ["n10"],
    "n4": [],
    "n5": ["n6"],
    "n6": ["n4", "n9"],
    "n7": ["n5", "n2"],
    "n8": ["n6"],
    "n9": [],
    "n10": ["n4", "n11"],
    "n11": [],
}
"""The graph of Bazel's figures for somepath and allpaths: S1 is n7, S2 is n8, E is n4."""

UBUNTU = "docker.io/library/ubuntu:22.04"
ALPINE = "docker.io/library/alpine:3.20"
FAMILY = world_of(
    graph_of(
        {
            "base": [],
            "cuda12": ["base"],
            "python": ["base"],
            "torch": ["cuda12", "python"],
            "foo": ["python"],
            "foo_bin": ["foo", "torch"],
            "tool": [],
            "in": ["tool"],
            "a/b": ["tool"],
        },
        externals={"base": [UBUNTU], "tool": [ALPINE], "torch": [UBUNTU]},
        kinds={"cuda12": Kind.CUDA, "torch": Kind.CUDA},
        dockerfiles={"python": "py/Dockerfile", "foo": "py/Dockerfile"},
        args={"python": (("VERSION", "3.11"), ("DEBUG", "0")), "foo": (("VERSION", "3.12"),)},
        tags={"torch": ["gcr.io/x/torch:1", "value"], "foo": ["othervalue"]},
    ),
    files={"base": ["setup.sh", "src/a.cc"], "python": ["src/a.cc", "src/a.h"], "tool": ["base"]},
    affected={"HEAD~1": ["python", "foo"], "origin/main": [], "HEAD^": ["base"]},
)
ALL = "base cuda12 python torch foo foo_bin tool in a/b"

TABLE: list[tuple[str, str]] = [
    # Words and target patterns.
    ("//:base", "base"),
    (":base", "base"),
    ("base", "base"),
    ("'base'", "base"),
    ('"base"', "base"),
    ("//...", ALL),
    ("...", ALL),
    ("//...:all", ALL),
    ("//:all", ALL),
    ('"//:*"', ALL),
    ("//:*", ALL),
    (":all", ALL),
    ("//:a/b", "a/b"),
    ("a/b", "a/b"),
    ('"in"', "in"),
    ("ubuntu:22.04", UBUNTU),
    ("docker.io/library/ubuntu:22.04", UBUNTU),
    ("//:setup.sh", "file:setup.sh"),
    ("src/a.h", "file:src/a.h"),
    # Set operations: left associative, of equal precedence.
    ("base union tool", "base tool"),
    ("base + tool", "base tool"),
    ("//... except foo", ALL.replace("foo ", "", 1)),
    ("//... - foo", ALL.replace("foo ", "", 1)),
    ("base intersect base", "base"),
    ("base ^ tool", ""),
    ("foo intersect tool union base", "base"),
    ("(foo intersect tool) union base", "base"),
    ("foo intersect (tool union base)", ""),
    ("base + tool - base", "tool"),
    ("base + (tool - base)", "base tool"),
    ("base - base + base", "base"),
    ("foo_bin-base", "!"),
    ("foo_bin -base", "foo_bin"),
    ("((base))", "base"),
    # set
    ("set()", ""),
    ("set(base)", "base"),
    ("set(base tool foo)", "base tool foo"),
    ("set(//:base\n  'tool'\t:foo)", "base tool foo"),
    ("kind(cuda, set(torch foo))", "torch"),
    # let
    ("let v = //... in allpaths($v, base) intersect $v", "base cuda12 python torch foo foo_bin"),
    ("let v = base in $v + tool", "base tool"),
    ("let a = base in let b = tool in $a + $b", "base tool"),
    ("let a = base in let a = tool in $a", "tool"),
    ("foo + let v = base in $v + tool", "foo base tool"),
    ("(let v = base in $v) + (let v = tool in $v)", "base tool"),
    ("let v = (let v = base in $v) in deps($v)", "base"),
    # deps
    ("deps(foo)", "foo python base"),
    ("deps(//:all, 0)", ALL),
    ("deps(foo_bin, 0)", "foo_bin"),
    ("deps(foo_bin, 1)", "foo_bin foo torch"),
    ("deps(foo_bin, 2)", "foo_bin foo torch python cuda12"),
    ("deps(foo_bin, 999999999)", "foo_bin foo torch python cuda12 base"),
    ("deps(ubuntu:22.04)", UBUNTU),
    ("deps(foo + a/b) except deps(foo)", "a/b tool"),
    # rdeps, allrdeps
    ("rdeps(//..., python)", "python torch foo foo_bin"),
    ("rdeps(foo, base)", "base python foo"),
    ("rdeps(foo, base, 1)", "base python"),
    ("rdeps(foo_bin, base, 1)", "base python cuda12"),
    ("rdeps(foo, base, 0)", "base"),
    ("rdeps(foo, tool)", ""),
    ("rdeps(//..., ubuntu:22.04)", f"{UBUNTU} base cuda12 python torch foo foo_bin"),
    ("rdeps(//..., ubuntu:22.04, 1)", f"{UBUNTU} base torch"),
    ("rdeps(foo, //:src/a.h, 1)", "file:src/a.h python"),
    ("allrdeps(python)", "python torch foo foo_bin"),
    ("allrdeps(base, 1)", "base cuda12 python"),
    ("allrdeps(alpine:3.20)", f"{ALPINE} tool in a/b"),
    # somepath, allpaths
    ("somepath(foo, base)", "foo python base"),
    ("somepath(base, foo)", ""),
    ("somepath(foo, foo)", "foo"),
    ("somepath(//..., base:all)", "!"),
    ("somepath(foo, ubuntu:22.04)", f"foo python base {UBUNTU}"),
    ("allpaths(foo_bin, base)", "foo_bin foo torch python cuda12 base"),
    ("allpaths(torch, python)", "torch python"),
    ("allpaths(base, torch)", ""),
    ("allpaths(a/b + foo, tool + python)", "a/b foo tool python"),
    # kind
    ("kind(cuda, //...)", "cuda12 torch"),
    ('kind("cuda image", //...)', "cuda12 torch"),
    ('kind("(base|cuda) image", //...)', "base cuda12 torch tool"),
    ('kind("source file", inputs(deps(python)))', "file:setup.sh file:src/a.cc file:src/a.h"),
    ("kind(external, externals(//...))", f"{UBUNTU} {ALPINE}"),
    ('kind("cuda", deps(kind(".*image", //...)) except deps(foo))', "cuda12 torch"),
    ('kind("^image", //...)', ""),
    # filter
    ("filter(//:foo, deps(foo_bin))", "foo foo_bin"),
    (r'filter("\.cc$", inputs(deps(foo)))', "file:src/a.cc"),
    ('filter("foo$", //...)', "foo"),
    ('filter("^//:t", //...)', "torch tool"),
    # attr
    (r'attr("args", "\[\]", deps(foo))', "base"),
    ('attr("args", ".{3,}", //...)', "python foo"),
    (r'attr("tags", "[\[ ]value[,\]]", //...)', "torch"),
    ("attr(args, 'DEBUG=0', //...)", "python"),
    (r'attr(args, "VERSION=3\.1[12]", //...)', "python foo"),
    ("attr(kind, base, //...)", "base tool"),
    ("attr(level, 0, //...)", "base tool"),
    ('attr(parents, "//:python", //...)', "torch foo"),
    ("attr(name, foo, externals(//...) + //...)", "foo foo_bin"),
    # labels
    ("labels(parents, torch)", "cuda12 python"),
    ("labels(srcs, base)", "file:setup.sh file:src/a.cc"),
    ("labels(srcs, base + python)", "file:setup.sh file:src/a.cc file:src/a.h"),
    ("labels(from, torch)", f"cuda12 python {UBUNTU}"),
    ("labels(dockerfile, foo + python)", "file:py/Dockerfile"),
    ("labels(externals, //...)", f"{UBUNTU} {ALPINE}"),
    # some
    ("some(foo + foo)", "foo"),
    ("some(foo union base)", "base"),
    ("some(foo union base, 2)", "base foo"),
    ("some(foo union base, 3)", "base foo"),
    ("some(foo)", "foo"),
    ("some(foo, 0)", ""),
    # Our own.
    ("affected(HEAD~1)", "python foo"),
    ("affected(origin/main)", ""),
    ('affected("HEAD^")', "base"),
    ("inputs(python)", "file:src/a.cc file:src/a.h"),
    ("inputs(inputs(base))", ""),
    ("externals(deps(foo))", UBUNTU),
    ("siblings(foo)", "python foo"),
    ("siblings(base)", "base"),
    ("affected(HEAD~1) - allrdeps(foo)", "python"),
]


def targets(text: str) -> frozenset[Target]:
    """`file:PATH`, references (they hold a `:`), and names of images."""
    found = set()
    for word in text.split():
        type_ = Type.FILE if word.startswith("file:") else Type.EXTERNAL if ":" in word else Type.IMAGE
        found.add(Target(type_, word.removeprefix("file:")))
    return frozenset(found)


@pytest.mark.parametrize(("expression", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_expressions(expression: str, expected: str) -> None:
    if expected == "!":
        with pytest.raises(QueryError):
            answer(expression, FAMILY)
    else:
        assert answer(expression, FAMILY) == targets(expected)


def figure() -> World:
    return world_of(graph_of(FIGURE))


def test_the_figures_of_the_path_operators() -> None:
    assert answer("allpaths(n7 + n8, n4)", figure()) == targets("n2 n3 n4 n5 n6 n7 n8 n10")
    assert answer("somepath(n7 + n8, n4)", figure()) in (targets("n7 n2 n3 n10 n4"), targets("n8 n6 n4"))


def test_results_are_ordered_by_the_graph() -> None:
    found = FAMILY.ordered(answer("foo_bin + inputs(python) + externals(base) + deps(torch)", FAMILY))
    assert [target.name for target in found] == [
        UBUNTU,
        "src/a.cc",
        "src/a.h",
        "base",
        "cuda12",
        "python",
        "torch",
        "foo_bin",
    ]


def test_at_least_sixty_expressions() -> None:
    assert len({expression for expression, _ in TABLE}) >= 60
