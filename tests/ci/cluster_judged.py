"""Has Argo and Kubernetes read manifests of random families: `python -m tests.ci.cluster_judged --graphs 200`.

Workflows are read by Argo's own validation (its Go code, run here), by the published CRD with every object closed, and
by hera's models; pools by the JSON Schemas of Kubernetes in `kubernetes-validate`. Nothing is run on a cluster.
"""

from __future__ import annotations

import functools
import json
import os
import random
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from planner.ci import argo, kubernetes
from planner.ci.jobs import alone, jobs_of
from planner.model.image import ImageName
from tests.ci.families import work
from tests.ci.install import argo_crds, argo_validator
from tests.ci.judged import NAMES, run

KUBERNETES = "1.37"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def argo_settings(seed: int) -> argo.Settings:
    """A workflow of a random family, with the settings that chance gives it; one in twelve has nothing to build."""
    turn = random.Random(seed)  # noqa: S311 -- the same workflow each time is what is wanted
    family = work(
        seed, turn.randint(1, 40), names=turn.sample([*NAMES, "x_y", "x-y"], len(NAMES) + 2), rebuilt=turn.random()
    )
    names = [f"b{number}" for number in range(turn.randint(1, 5))]
    needs = {"cuda": {"gpu": 1.0, "disk": 2e10, "cpu": 1.5}, "base": {"exclusive": 1.0}, "derived": {"tpu": 4.0}}
    return argo.Settings(
        work=family,
        jobs=jobs_of(family, alone(family)) if turn.random() > 1 / 12 else (),
        total=40,
        plans={
            name: json.dumps(
                {"version": 1, "detail": turn.choice(("{{workflow.name}}", "}} {{=1+1}}", "${{ x }}", "'\n\""))}
            )
            for name in family.order
        },
        image="registry.example:5000/planner@sha256:" + "0" * 64,
        source=turn.choice(("https://git.example/a/b.git", "git@git.example:a/b.git")),
        revision=COMMIT,
        command=turn.choice((("planner",), ("planner", "-C", "my $(HOME) 'images'", "--var", "A=$B"))),
        needs=needs if turn.random() < 0.6 else {},
        pools={"tpu": "google.com/tpu"},
        builders={name: turn.choice((1.0, 2.5)) for name in names} if turn.random() < 0.4 else {},
        namespace=turn.choice(("", "builds")),
        service_account=turn.choice(("", "builder")),
        registry_secret=turn.choice(("", "login")),
        signing_secret=turn.choice(("", "signing")),
        source_secret=turn.choice(("", "git")),
        slots=turn.choice((0, 8)),
        kept=turn.choice(((), [ImageName("base"), ImageName("team/c++")])),
    )


def kubernetes_settings(seed: int) -> kubernetes.Settings:
    """A pool as chance has it."""
    turn = random.Random(seed)  # noqa: S311 -- see above
    return kubernetes.Settings(
        name=turn.choice(("buildkitd", "on", "b-1")),
        namespace=turn.choice(("default", "builds")),
        replicas=turn.randint(1, 40),
        storage=turn.choice(("100Gi", "500G")),
        storage_class=turn.choice(("", "fast")),
        rootless=turn.random() < 0.5,
        asked=turn.choice(({}, {"cpu": "4", "memory": "8Gi"}, {"nvidia.com/gpu": "1", "cpu": "1500m"})),
        nodes=turn.choice(({}, {"runner": "large-disk", "kubernetes.io/arch": "amd64"})),
    )


def closed(part: Any) -> Any:
    """A CRD's schema as JSON Schema, every object closed but those that say that they take anything.

    Kubernetes drops a field that nobody described, silently; here it is a mistake.
    """
    if isinstance(part, list):
        return [closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    inner = {key: closed(value) for key, value in part.items()}
    if part.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    described = part.get("type") == "object" and isinstance(part.get("properties"), dict)
    if described and not part.get("x-kubernetes-preserve-unknown-fields"):
        inner["additionalProperties"] = False
    return inner


@functools.cache
def crd() -> jsonschema.protocols.Validator:
    """The published CRD of workflows, as a validator."""
    text = (argo_crds() / "argoproj.io_workflows.yaml").read_text()
    document = yaml.load(text, Loader=yaml.CSafeLoader)
    schema = closed(document["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    return jsonschema.Draft202012Validator(schema)


def judged_by_argo(texts: Iterable[str]) -> str:
    """What Argo's own validation says against these workflows, "" where it takes them all."""
    with tempfile.TemporaryDirectory() as folder:
        paths: list[Path] = []
        for number, text in enumerate(texts):
            paths.append(Path(folder, f"{number}.yaml"))
            paths[-1].write_text(text)
        argv = [os.fspath(argo_validator()), *map(os.fspath, paths)]
        run = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert run.returncode in (0, 1), run.stderr
    return run.stdout


def judge_argo(seeds: Iterable[int]) -> None:
    """Raise AssertionError with what Argo refuses."""
    said = judged_by_argo(argo.workflow(argo_settings(seed), "planner export argo") for seed in seeds)
    assert not said, said


def judge_crd(seeds: Iterable[int]) -> None:
    """Raise where the CRD or hera's models refuse a workflow."""
    from hera.workflows.models import Workflow

    for seed in seeds:
        document = yaml.safe_load(argo.workflow(argo_settings(seed), "planner export argo"))
        crd().validate(document)
        Workflow.model_validate(document)


def judge_kubernetes(seeds: Iterable[int]) -> None:
    """Raise where a schema of Kubernetes refuses a document."""
    for seed in seeds:
        for document in yaml.safe_load_all(
            kubernetes.manifests(kubernetes_settings(seed), "planner export kubernetes")
        ):
            kubernetes_validate.validate(document, KUBERNETES, strict=True)


JUDGES: dict[str, Callable[[Iterable[int]], None]] = {
    "Argo's validation": judge_argo,
    "Argo's CRD and hera's models": judge_crd,
    "Kubernetes' schemas": judge_kubernetes,
}


if __name__ == "__main__":
    run(JUDGES, __doc__, "manifest")
