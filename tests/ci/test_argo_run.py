"""The workflow for Argo, run here task by task: each in a clone of its own, with the plan out of the workflow alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from planner.ci.argo import NAMING, PLAN, SOCKET, SOURCE
from tests.build.family import BuildSpace
from tests.ci.test_github_run import published
from tests.ci.test_matrix import family
from tests.engine.engine import Engine
from tests.trust.forging import POLICY
from tests.trust.sealing import MAIN, pem, section
from tests.workspace import IDENTITY

TASKS = ("--image", "r.example/planner:1", "--source", "https://git.example/a.git", "--against", "published")

SIGNING = {"secretKeyRef": {"name": "signing", "key": "key.pem"}}


class Controller:
    """Stands in for Argo and the kubelet: artefacts, parameters, and the words of containers as they put them in."""

    def __init__(self, origin: BuildSpace, text: str, folder: Path, key: str = "") -> None:
        self.origin = origin
        self.key = key
        self.spec = yaml.safe_load(text)["spec"]
        self.folder = folder
        self.templates = {one["name"]: one for one in self.spec["templates"]}

    def run(self) -> list[str]:
        """Every task after those that it waits for; gives their images."""
        tasks = {task["name"]: task for task in self.templates["family"]["dag"]["tasks"]}
        done: list[str] = []
        while len(done) < len(tasks):
            ready = [
                name
                for name, one in tasks.items()
                if name not in done and set(one.get("dependencies", ())) <= set(done)
            ]
            assert ready, "they wait for one another"
            self.task(tasks[ready[-1]])  # the last one, so that no order but that of the needs holds
            done.append(ready[-1])
        return [tasks[name]["arguments"]["parameters"][0]["value"] for name in done if name != NAMING]

    def task(self, task: dict[str, Any]) -> None:
        container = self.templates[task["template"]]["container"]
        artefacts = {one["name"]: one for one in self.spec["arguments"]["artifacts"]}
        place = self.folder / task["name"]
        self.origin.git("clone", "-q", os.fspath(self.origin.root), os.fspath(place))
        self.origin.git("-C", os.fspath(place), "checkout", "-q", artefacts["source"]["git"]["revision"])
        plan = self.folder / f"{task['name']}.json"
        plan.write_text("".join(one["raw"]["data"] for one in task["arguments"]["artifacts"] if one["name"] == "plan"))
        values = task["arguments"].get("parameters", ())
        given = {f"{{{{inputs.parameters.{one['name']}}}}}": one["value"] for one in values}
        places = {PLAN: os.fspath(plan), f"buildkit:unix://{SOCKET}": f"buildkit:{self.origin.engine.address}"}
        words = [
            re.sub(r"\$\$", "$", {**given, **places}.get(word, word))
            for word in container["command"] + container["args"]
        ]
        socket = self.origin.engine.address.removeprefix("unix://")
        words = [word.replace(SOCKET, socket) for word in words]
        said = {one["name"]: one.get("value", "").replace(SOURCE, os.fspath(place)) for one in container["env"]}
        secret = [one["name"] for one in container["env"] if one.get("valueFrom") == SIGNING]
        environment = said | dict.fromkeys(secret, self.key)
        path = f"{Path(sys.executable).parent}:{self.origin.engine.environment['PATH']}"
        run = subprocess.run(
            words,
            cwd=place,
            env={**os.environ, **IDENTITY, **self.origin.engine.environment, **environment, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr + run.stdout


def test_tasks_sign_their_records(engine: Engine, tmp_path: Path) -> None:
    """A policy that believes signed records alone let no task publish: none had a key."""
    space = BuildSpace(tmp_path / "origin", engine)
    address = engine.registry.address
    policy = POLICY.format(address=address, path="argo-signed") + section()
    files = family(f"{address}/argo-signed")
    files["images.yaml"] += "keys: {algorithm: sha256}\n"
    space.write({**files, "policy.yaml": policy, ".dockerignore": "*.yaml\n*.Dockerfile\n"})
    space.commit()
    refused = space.planner("export", "argo", *TASKS)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--signing-secret" in refused.stderr
    run = space.planner("export", "argo", *TASKS, "--signing-secret", "signing")
    assert run.returncode == 0, run.stderr
    assert "--signing-secret signing" in run.stdout.partition("\n")[0]
    workflow = yaml.safe_load(run.stdout)
    for template in workflow["spec"]["templates"][1:]:
        assert [one["name"] for one in template["container"]["env"] if "valueFrom" in one] == ["PLANNER_SIGNING_KEY"]
        (sidecar,) = template["sidecars"]
        assert "env" not in sidecar, "what steps run sees no key"
    assert Controller(space, run.stdout, tmp_path, pem(MAIN)).run() == ["base", "cuda-x", "app"]
    again = space.planner("export", "argo", *TASKS, "--signing-secret", "signing")
    assert Controller(space, again.stdout, tmp_path / "again", pem(MAIN)).run() == [], "the records are believed"


def test_tasks_publish_what_one_build_publishes(engine: Engine, tmp_path: Path) -> None:
    space = BuildSpace(tmp_path / "origin", engine)
    space.write(family(f"{engine.registry.address}/argo-whole"))
    space.commit()
    assert {one["outcome"] for name, one in space.build("--push").items() if name} == {"built"}

    space.write(family(f"{engine.registry.address}/argo-run"))
    space.git("commit", "-q", "-a", "-m", "elsewhere")
    run = space.planner("export", "argo", *TASKS)
    assert run.returncode == 0, run.stderr
    assert Controller(space, run.stdout, tmp_path).run() == ["base", "cuda-x", "app"]
    assert published(engine, "argo-run") == published(engine, "argo-whole")

    again = space.planner("export", "argo", *TASKS).stdout
    assert Controller(space, again, tmp_path / "again").run() == [], "the registry has it all"


def test_tags_name_the_newer_of_two_workflows_that_are_planned_at_once(engine: Engine, tmp_path: Path) -> None:
    """The newer one has nothing to build, since what it reverts to was published before: tags named the older one's."""
    space = BuildSpace(tmp_path / "origin", engine)
    space.write(family(f"{engine.registry.address}/argo-twice"))
    space.commit()
    space.build("--push")
    newest = published(engine, "argo-twice")
    space.write({"cuda.txt": "edited\n"})
    space.git("commit", "-q", "-a", "-m", "edited")
    older = space.planner("export", "argo", *TASKS)
    space.git("revert", "--no-edit", "HEAD")
    newer = space.planner("export", "argo", *TASKS)
    locks = [yaml.safe_load(run.stdout)["spec"].get("synchronization") for run in (older, newer)]
    assert locks[0]
    assert locks[0] == locks[1], "one waits for the other"
    assert Controller(space, older.stdout, tmp_path / "older").run() == ["cuda-x", "app"]
    moved = published(engine, "argo-twice")
    assert {name: moved[name] for name in newest} != newest
    assert Controller(space, newer.stdout, tmp_path / "newer").run() == []
    found = published(engine, "argo-twice")
    assert {name: found[name] for name in newest} == newest
