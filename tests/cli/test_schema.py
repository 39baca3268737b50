"""`planner schema`, and the schema of images.yaml: what it accepts is what the reader accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from planner.errors import DefinitionError
from planner.sources import yaml_file
from planner.sources.image_fields import IMAGE_FIELDS, LISTS, MAPPINGS, NETWORKS, TEXTS
from planner.sources.yaml_file import ALGORITHMS, DEFAULT_FIELDS, TOP
from tests.bench.family import write_family
from tests.build.family import FILES as BUILD
from tests.cli.test_affected import FILES as AFFECTED
from tests.cli.test_bad_input import CASES
from tests.cli.test_documents import schema
from tests.plan.edits import FILES as EDITS
from tests.workspace import Workspace

GRAPHS = Path(__file__).parents[2] / "graphs"
DESIGN = """\
version: 1
registry: ghcr.io/acme
keys: {algorithm: sha256}
variables: {PYTHON: "3.11"}
defaults: {context: ., platforms: [linux/amd64]}
kinds:
  cuda: {runner: large-disk, resources: {disk: 20GB}}
images:
  base:   {dockerfile: docker/base.Dockerfile}
  python: {dockerfile: docker/python.Dockerfile, args: {PYTHON_VERSION: "${PYTHON}"}}
  cuda:
    kind: cuda
    matrix: {cuda: ["11.8", "12.4"], cudnn: ["8.9", "9.1"], exclude: [{cuda: "11.8", cudnn: "9.1"}]}
    name: cuda${cuda}-cudnn${cudnn}
    dockerfile: docker/cuda.Dockerfile
    args: {CUDA_VERSION: "${cuda}", CUDNN_VERSION: "${cudnn}"}
    tags: ["gcr.io/acme/cuda:${cuda}"]
"""
ODD = """\
version: "1"
images:
  a: {args: {N: 3.10, B: true}, tags: r.example/a, platforms: linux/arm64, inherits: b, secrets: [id=x], ssh: default}
  b: {network: "${NET}", kind: derived, contexts: {c: "target:a"}, labels: {x: 1}, target: t, context: d}
  c: {name: "c${n}", matrix: {n: [1, 2], m: x}}
variables: {NET: none}
"""
GRAPH_FILES: dict[str, str] = {
    **{path.parent.name: path.read_text() for path in sorted(GRAPHS.glob("*/images.yaml"))},
    "tests of edits": EDITS["images.yaml"],
    "tests of builds": BUILD["images.yaml"],
    "tests of affected": AFFECTED["images.yaml"],
    "the design's example": DESIGN,
    "odd but right": ODD,
}


def accepted(text: str) -> bool:
    """Whether the schema accepts a graph file."""
    validator = jsonschema.Draft202012Validator(schema("images"))
    return bool(validator.is_valid(yaml.safe_load(text)))


def is_read(text: str) -> bool:
    try:
        yaml_file.read(text.encode(), "images.yaml", {}, {})
    except DefinitionError:
        return False
    return True


@pytest.mark.parametrize("text", GRAPH_FILES.values(), ids=GRAPH_FILES)
def test_every_graph_file_of_the_tests_is_accepted(text: str) -> None:
    jsonschema.validate(yaml.safe_load(text), schema("images"))
    assert is_read(text)


def test_the_family_of_the_benchmark_is_accepted(tmp_path: Path) -> None:
    space = write_family(tmp_path / "family", images=6, files=2)
    assert accepted((space.root / "images.yaml").read_text())


WRONG = [
    "images: {a: {}}",
    "version: 1",
    "version: 2\nimages: {}",
    "version: 1\nimages: []",
    "version: 1\nimages: {a: {contxt: x}}",
    "version: 1\nimages: {a: {tags: {x: y}}}",
    "version: 1\nimages: {a: {tags: [[x]]}}",
    "version: 1\nimages: {a: {target: [x]}}",
    "version: 1\nimages: {a: {target: null}}",
    "version: 1\nimages: {a: {args: [x]}}",
    "version: 1\nimages: {a: {args: {x: [y]}}}",
    "version: 1\nimages: {a: {network: bridge}}",
    "version: 1\nimages: {a: {kind: gpu}}",
    "version: 1\nimages: {a: {matrix: [x]}}",
    "version: 1\nimages: {a: {matrix: {x: {y: z}}}}",
    "version: 1\nimages: {a: {matrix: {x: [1], exclude: [x]}}}",
    "version: 1\nimages: {a: }",
    "version: 1\nimages: {}\nkeys: {algorithm: md5}",
    "version: 1\nimages: {}\nkeys: {x: y}",
    "version: 1\nimages: {}\nkinds: {gpu: {}}",
    "version: 1\nimages: {}\nkinds: {cuda: {x: y}}",
    "version: 1\nimages: {}\ndefaults: {inherits: a}",
    "version: 1\nimages: {}\nvariables: [x]",
    "version: 1\nimages: {}\nother: x",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_the_reader_refuses_the_schema_refuses(text: str) -> None:
    assert not is_read(text)
    assert not accepted(text)


@pytest.mark.parametrize(
    "text", [case[1]["images.yaml"] for case in CASES if case[0] in ("unknown field", "wrong type")]
)
def test_the_cases_of_bad_input_are_refused(text: str) -> None:
    assert not accepted(text)


def properties(*path: str) -> dict[str, Any]:
    at: Any = schema("images")
    for name in path:
        at = at["properties"][name]
        at = at.get("additionalProperties") or at
    found: dict[str, Any] = at["properties"]
    return found


def test_it_knows_exactly_the_fields_that_the_reader_knows() -> None:
    assert properties().keys() == set(TOP)
    image = properties("images")
    assert image.keys() == set(IMAGE_FIELDS)
    assert properties("defaults").keys() == set(DEFAULT_FIELDS)
    assert {name for name, part in image.items() if part.get("$ref") == "#/$defs/list"} == {*LISTS, "inherits"}
    assert {name for name, part in image.items() if part.get("$ref") == "#/$defs/mapping"} == set(MAPPINGS)
    one_of = {"network", "kind"}
    assert {name for name, part in image.items() if part.get("$ref") == "#/$defs/text"} == set(TEXTS) - one_of
    assert set(image["network"]["anyOf"][0]["enum"]) == {*NETWORKS, ""}
    assert set(properties("keys")["algorithm"]["enum"]) == set(ALGORITHMS)


def test_every_field_says_what_it_is_for() -> None:
    for path in ((), ("images",), ("defaults",)):
        for name, part in properties(*path).items():
            assert part.get("description"), name


def test_the_command(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    everything = json.loads(space.planner("schema").stdout)
    schemas = Path(__file__).parents[2] / "planner" / "schemas"
    assert sorted(everything) == sorted(path.stem for path in schemas.glob("*.json"))
    for name, found in everything.items():
        jsonschema.Draft202012Validator.check_schema(found)
        assert json.loads(space.planner("schema", name).stdout) == found
    run = space.planner("schema", "imges")
    assert (run.returncode, 'did you mean "images"?' in run.stderr) == (1, True)
