"""Hostile Bake files end in one error with its place, soon and in little memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from planner.errors import DefinitionError
from planner.sources.doors.bake.files import read_files
from planner.sources.doors.bake.resolving import Resolver
from planner.sources.doors.bake.trouble import Wrong
from tests.sources.doors.bake.cases import CASES

TARGET = 'target "default" {{ args = {{ A = {} }} }}\n'
LAUGHS = "A0 = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"A{n} = [{', '.join([f'A{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
TEXTS = 'T0 = "xxxxxxxxxx"\n' + "".join(f'T{n} = "{("${T" + str(n - 1) + "}") * 10}"\n' for n in range(1, 12))
CALLS = 'function "f0" {\n  params = [x]\n  result = "${x}${x}${x}${x}"\n}\n' + "".join(
    f'function "f{n}" {{\n  params = [x]\n  result = f{n - 1}(f{n - 1}(x))\n}}\n' for n in range(1, 20)
)
FOR = "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]"

HOSTILE = {
    "laughs": LAUGHS,
    "texts": TEXTS,
    "calls": CALLS + TARGET.format('f19("x")'),
    "loops": TARGET.format(f"length({FOR})"),
    "brackets": "A = " + "[" * 100_000,
    "braces": "a {\n" * 100_000,
    "minus": "A = " + "-" * 100_000 + "1",
    "choices": "A = " + "true ? 1 : " * 50_000 + "2",
    "sums": "A = 1" + " + 1" * 50_000,
    "dots": "A = B" + ".b" * 50_000 + "[0]" * 50_000,
    "templates": "A = " + '"${' * 5_000,
    "directives": 'A = "' + "%{ if true }" * 5_000 + '"',
    "heredocs": "A = <<EOT\n" * 10,
    "a chain of variables": "".join(f"A{n} = A{n + 1}\n" for n in range(5_000)),
    "a circle of variables": "A = B\nB = C\nC = A\n",
    "a circle of functions": 'function "f" {\n  params = [x]\n  result = g(x)\n}\n'
    'function "g" {\n  params = [x]\n  result = f(x)\n}\n' + TARGET.format("f(1)"),
    "powers": "A = 1e999 * 1e999 * 1e999 * 1e999 * 1e999 * 1e999 * 1e999 * 1e999",
    "exponents": "A = 1e999999999",
    "fractions": "A = " + " / ".join(["1e999"] + ["7"] * 50),
    "formats": TARGET.format('format("%99999999d", 1)'),
    "indents": TARGET.format('indent(999999999, "\\n")'),
    "replacements": 'A = join("", [for x in range(1000) : "xxxxxxxxxx"])\n'
    'B = replace(A, "x", A)\nC = replace(B, "x", A)\n',
    "products": "A = setproduct(range(1000), range(1000), range(1000))",
    "patterns": TARGET.format('regex("((((a{1000}){1000}){1000}){1000})", "a")'),
    "a matrix": 'target "default" {\n  name = "x${a}${b}${c}"\n'
    "  matrix = { a = range(1000), b = range(1000), c = range(1000) }\n}\n",
    "a long name": f'target "{"a" * 100_000}" {{}}\nx',
    "inheritance": "".join(f'target "t{n}" {{ inherits = ["t{n + 1}"] }}\n' for n in range(3_000)),
    "links": "".join(f'target "t{n}" {{ contexts = {{ a = "target:t{n + 1}" }} }}\n' for n in range(3_000)),
    "groups": "".join(f'group "g{n}" {{ targets = ["g{n + 1}"] }}\n' for n in range(3_000)),
    "no letters": "\xff\xfe",
    "zeros": "\0" * 1000,
    "a comment that is not closed": "/*" * 10_000,
    "backslashes": 'A = "' + "\\" * 9_999,
}
JSON = {
    "brackets": "[" * 100_000,
    "objects": '{"a":' * 100_000,
    "templates": '{"A": "' + "${" * 5_000 + '"}',
    "numbers": '{"A": 1e999999999}',
    "digits": '{"A": ' + "9" * 1_000_000 + "}",
}


def read(name: str, data: bytes) -> str:
    """The first line of the error that reading and resolving everything ends in, "" for none."""
    try:
        config = read_files([(name, data)], {}, {})
        Resolver(config, (), {}).resolved(list(config.targets)[:1] or ["default"])
    except DefinitionError as error:
        return str(error).splitlines()[0]
    except Wrong as error:
        return error.what
    return ""


MEMORY, SECONDS = 1 << 30, 120
"""What reading all of them may take, in bytes of address space and in seconds of a processor."""


def answers() -> dict[str, str]:
    """What each hostile file ends in."""
    found = {name: read("docker-bake.hcl", text.encode("latin-1")) for name, text in HOSTILE.items()}
    return {**found, **{f"JSON {name}": read("docker-bake.json", text.encode()) for name, text in JSON.items()}}


def limit() -> None:
    """Let this process take no more than it may."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    words = [sys.executable, "-m", "tests.sources.doors.bake.test_hostile"]
    run = subprocess.run(words, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert run.returncode == 0, run.stderr[-2000:]
    found: dict[str, str] = json.loads(run.stdout)
    return found


@pytest.mark.parametrize("name", [*HOSTILE, *(f"JSON {name}" for name in JSON)])
def test_a_hostile_file_ends_in_one_short_error(name: str, said: dict[str, str]) -> None:
    assert said[name]
    assert len(said[name]) < 2_000


def test_a_cycle_tells_its_path() -> None:
    assert "A → B → C → A" in read("docker-bake.hcl", HOSTILE["a circle of variables"].encode())
    assert "calls itself" in read("docker-bake.hcl", HOSTILE["a circle of functions"].encode())


def test_try_does_not_go_on_after_a_circle_or_a_limit() -> None:
    assert "need one another" in read("docker-bake.hcl", b"A = try(B, 1)\nB = A\n")
    assert "1024 values" not in read("docker-bake.hcl", TARGET.format("try(range(9999), 1)").encode())
    assert "letters" in read("docker-bake.hcl", TARGET.format('try(indent(9999999, "\\n"), 1)').encode())


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200), st.sampled_from(["a.hcl", "a.json", "a"]))
@example(b"\r", "a.hcl")
def test_bytes_end_in_a_reading_or_an_error(data: bytes, name: str) -> None:
    read(name, data)


WORDS = """
target "a" { } args = { [ ] ( ) " ${ %{if%true} %{endif} ~} for x in y : ... => ?1:2 upper( 1 - null target.a.args . *
matrix name inherits variable function try( convert( list(string) , \\ $ # /* && :: é
"""
PIECES = st.sampled_from([*WORDS.split(), "\n", " ", "<<-EOT\n", "EOT\n", "\0"])


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(PIECES, max_size=25).map("".join))
def test_pieces_end_in_a_reading_or_an_error(text: str) -> None:
    read("a.hcl", text.encode())


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_files_that_are_cut_or_changed_end_in_a_reading_or_an_error(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    name, text = data.draw(st.sampled_from(sorted(case.files.items())))
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, min(len(text), at + 20)))
    read(name, (text[:at] + data.draw(PIECES | st.just("")) + text[end:]).encode())


if __name__ == "__main__":
    print(json.dumps(answers()))
