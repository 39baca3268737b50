"""Draws Bake files: variables, functions, groups, inheritance, matrices, links, overrides, in HCL or JSON."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from tests.sources.doors.bake.oracle import Case

NAMES = ("a", "b", "c", "d")
WORDS = st.sampled_from(["x", "1.2", "", "a b", "é", "${V}", "$${z}", "%%{q}", "${upper(V)}", "${N + 1}", "a${V}b${N}"])
NUMBERS = st.integers(-3, 12) | st.sampled_from([0.5, 1.25, 1e3])


def texts() -> st.SearchStrategy[str]:
    """An expression that is worth a text."""
    plain = WORDS.map(lambda word: f'"{word}"')
    return st.recursive(
        plain | st.just("V"),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda two: f'format("%s-%5s", {two[0]}, {two[1]})'),
            st.tuples(booleans(), inner, inner).map(lambda three: "({} ? {} : {})".format(*three)),
            st.tuples(
                inner, st.sampled_from(["upper", "lower", "title", "trimspace", "md5", "jsonencode", "twice"])
            ).map(lambda two: f"{two[1]}({two[0]})"),
            inner.map(lambda one: f'replace({one}, "x", "-")'),
            inner.map(lambda one: f'"<${{{one}}}>"'),
            lists().map(lambda one: f'join(",", {one})'),
            numbers().map(lambda one: f'"${{{one}}}"'),
            inner.map(lambda one: f"substr({one}, 1, 3)"),
        ),
        max_leaves=4,
    )


def numbers() -> st.SearchStrategy[str]:
    """An expression that is worth a number."""
    return st.recursive(
        NUMBERS.map(str) | st.just("N"),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda three: "({} {} {})".format(*three)),
            st.tuples(inner, st.sampled_from([2, 3, 7, 0.5])).map(lambda two: "({} / {})".format(*two)),
            st.tuples(inner, inner).map(lambda two: "max({}, {})".format(*two)),
            inner.map(lambda one: f"floor({one})"),
            st.just('length([1, "a"])'),
        ),
        max_leaves=4,
    )


def booleans() -> st.SearchStrategy[str]:
    """An expression that is worth a bool."""
    return st.one_of(
        st.sampled_from(["true", "false", 'V == "x"', "N > 1", "!(N < 3)", 'can(regex("x", V))', 'contains(["x"], V)']),
        numbers().map(lambda one: f"{one} >= 2"),
    )


def lists() -> st.SearchStrategy[str]:
    """An expression that is worth a list of texts."""
    return st.one_of(
        st.lists(st.sampled_from(['"x"', '"y"', "V", '"1"']), max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.sampled_from(
            [
                '[for x in ["a", "b"] : "${x}${V}"]',
                '[for k, v in {b = "1", a = "2"} : "${k}=${v}" if v != "1"]',
                'split(".", V)',
                'compact(["", V])',
                'concat(["p"], split("-", V))',
                'sort(["b", "a"])',
                'distinct(["x", V, "x"])',
                'formatlist("%s!", ["a", "b"])',
            ]
        ),
    )


# No cache entry stands twice in a list: what buildx v0.36.1 then makes of it is polluted by targets that inherit it.
ATTRIBUTES = {
    "tags": lists(),
    "dockerfile": texts(),
    "target": texts(),
    "platforms": st.sampled_from(['["linux/amd64"]', '["linux/amd64", "linux/arm64"]', "[]"]),
    "cache-from": st.sampled_from(
        ['["type=gha,scope=${V}"]', '["r/${N}", "r/x"]', '[{ type = "gha", scope = V }]', '["r/x", "r/y"]']
    ),
    "output": st.sampled_from(['["type=docker"]', '["type=image,name=x", "out"]']),
    "no-cache": booleans(),
    "annotations": st.sampled_from(['["a=${V}"]', '["a=b", "c=d", "a=b"]']),
    "network": st.sampled_from(['"host"', '"none"', "null"]),
    "description": texts(),
    "attest": st.sampled_from(['["type=sbom"]', '["type=provenance,mode=max", "type=sbom,disabled=true"]']),
    "entitlements": st.just('["network.host"]'),
    "pull": booleans(),
    "shm-size": st.just('"64m"'),
    "ulimits": st.just('["nofile=1024:2048"]'),
    "no-cache-filter": lists(),
}


@st.composite
def _body(draw: st.DrawFn, name: str, axes: bool) -> str:
    lines = []
    if draw(st.booleans()):
        parents = [one for one in NAMES if one < name]
        if parents:
            lines.append(f"  inherits = {json.dumps(draw(st.lists(st.sampled_from(parents), max_size=3)))}")
    for attribute in draw(st.lists(st.sampled_from(sorted(ATTRIBUTES)), max_size=5, unique=True)):
        lines.append(f"  {attribute} = {draw(ATTRIBUTES[attribute])}")
    entries = draw(st.dictionaries(st.sampled_from(["A", "B", "C"]), texts() | numbers() | st.just("null"), max_size=3))
    if axes:
        entries["AXIS"] = draw(st.sampled_from(["v", '"${v}-${w}"', "w"]))
    if entries:
        lines.append("  args = {\n" + "".join(f"    {key} = {value}\n" for key, value in entries.items()) + "  }")
    if draw(st.booleans()):
        others = [one for one in NAMES if one < name] or [""]
        link = draw(st.sampled_from(others))
        value = f"target:{link}" if link else "./x"
        lines.append(f'  contexts = {{ one = "{value}", two = V }}')
    if name > "a" and draw(st.booleans()):
        lines.append('  labels = { from = "${target.a.name}", n = N }')
    return "\n".join(lines)


@st.composite
def files(draw: st.DrawFn) -> Case:
    """A Bake file, with what a command line adds."""
    parts = [
        f'variable "V" {{\n  default = "{draw(st.sampled_from(["x", "1.2-a"]))}"\n}}',
        f'variable "N" {{\n  default = {draw(NUMBERS)}\n}}',
        'function "twice" {\n  params = [x]\n  result = "${x}${x}"\n}',
    ]
    for name in NAMES:
        axes = name == "c" and draw(st.booleans())
        body = draw(_body(name, axes))
        if axes:
            matrix = '  name = "c-${v}-${replace(w, ".", "_")}"\n  matrix = { v = [1, 2], w = ["p", "q.r"] }\n'
            body = f"{matrix}{body}"
        parts.append(f'target "{name}" {{\n{body}\n}}')
    if draw(st.booleans()):
        members = draw(st.lists(st.sampled_from([*NAMES, "more"]), min_size=1, max_size=3))
        parts.append(f'group "default" {{\n  targets = {json.dumps(members)}\n}}')
        parts.append(
            f'group "more" {{\n  targets = {json.dumps(draw(st.lists(st.sampled_from(NAMES), max_size=2)))}\n}}'
        )
    found = {"docker-bake.hcl": "\n".join(draw(st.permutations(parts))) + "\n"}
    if draw(st.integers(0, 3)) == 0:
        over = {"target": {"a": {"args": {"A": draw(WORDS)}, "tags": ["o:${N}"]}}, "V": "json"}
        found["docker-bake.override.json"] = json.dumps(over, ensure_ascii=draw(st.booleans()))
    environment = draw(st.sampled_from([{}, {"V": "env"}, {"N": "2.5"}, {"V": "", "N": "7"}]))
    sets = draw(
        st.lists(st.sampled_from(["*.args.S=1", "a.tags=s:1", "b.tags+=t", "?.platform=linux/arm64"]), max_size=2)
    )
    targets = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2))
    return Case(name="drawn", files=found, targets=targets, environment=environment, sets=sets)
