"""A workflow that is written has room for the status that Argo's controller keeps in it."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import yaml

from tests.workspace import Workspace

MOST = 1024 * 1024
"""Argo 3.7.3, workflow/packer: what it fails a workflow above, unless a database takes the status."""
COUNT = 400


def status(spec: dict[str, Any]) -> str:
    """The nodes as the controller keeps them where they do not fit as they are: gzip, base64.

    A task is two nodes, of its tries and of its pod, and each holds the inputs, with what is raw (`operator.go`,
    initializeExecutableNode).
    """
    (tasks,) = (one["dag"]["tasks"] for one in spec["templates"] if "dag" in one)
    common = {one["name"]: one for one in spec["arguments"]["artifacts"]}
    nodes = {}
    for number, task in enumerate(tasks):
        artifacts = [
            {**one, **{key: value for key, value in common.get(one["name"], {}).items() if "from" in one}}
            for one in task["arguments"]["artifacts"]
        ]
        for kind in ("Retry", "Pod"):
            name = f"images-{number * 2654435761 % 2**32}-{kind}"
            nodes[name] = {
                "id": name,
                "name": name,
                "displayName": task["name"],
                "type": kind,
                "templateName": task["template"],
                "phase": "Succeeded",
                "startedAt": "2026-01-01T00:00:00Z",
                "finishedAt": "2026-01-01T00:00:00Z",
                "inputs": {"parameters": task["arguments"]["parameters"], "artifacts": artifacts},
            }
    return base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()


def test_the_status_of_a_large_family_fits_beside_its_workflow(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    images = "".join(f"  image-{n}: {{dockerfile: docker/{n}.Dockerfile}}\n" for n in range(COUNT))
    bases = ["scratch" if n < 3 else f"r.example/f/image-{n // 3 - 1}" for n in range(COUNT)]
    files = {f"docker/{n}.Dockerfile": f"FROM {base}\nCOPY images.yaml /\n" for n, base in enumerate(bases)}
    space.write({"images.yaml": f"version: 1\nregistry: r.example/f\nimages:\n{images}", **files})
    space.commit()
    words = ("--all", "--image", "r.example/planner:1", "--source", "https://git.example/a.git")
    run = space.planner("export", "argo", *words)
    assert run.returncode == 0, run.stderr
    document = yaml.safe_load(run.stdout)
    assert len(json.dumps(document)) + len(status(document["spec"])) < MOST
