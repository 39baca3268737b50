"""What is written for Argo and Kubernetes is what they read, nothing in a name acts, and images keep their builder."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from planner.ci import argo, kubernetes
from planner.ci.affinity import home
from planner.errors import PlannerError
from tests.ci import cluster_judged as judged
from tests.ci.families import work
from tests.cli.test_documents import check
from tests.engine.install import ENGINE
from tests.workspace import Workspace

GRAPHS = Path(__file__).parents[2] / "graphs"
SOURCE = ("--image", "r.example/planner:1", "--source", "https://git.example/a.git")
FILES = {
    "images.yaml": "version: 1\nregistry: r.example/f\nkinds: {cuda: {runner: big, resources: {gpu: 1, memory: 4GB}}}\n"
    "images: {a: {}, b: {dockerfile: b}, c: {dockerfile: c, kind: cuda}}\n",
    "Dockerfile": "FROM x\nRUN echo {{workflow.name}}\n",
    "b": "FROM r.example/f/a\n",
    "c": "FROM r.example/f/b\n",
}


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    found = Workspace(tmp_path / "family")
    found.write(FILES)
    found.commit()
    return found


@pytest.mark.parametrize("name", list(judged.JUDGES))
def test_the_judges_take_every_manifest(name: str) -> None:
    judged.JUDGES[name](range(15))


def written(seed: int = 1, **changed: Any) -> str:
    return argo.workflow(replace(judged.argo_settings(seed), **changed), "planner export argo")


def test_the_judges_refuse_what_is_wrong() -> None:
    text = written(4, builders={})
    assert not judged.judged_by_argo([text])
    for wrong, into in (
        ("template: build-", "template: built-"),
        ("limit: 2", "limits: 2"),
        ("entrypoint: f", "entrypoint: g"),
    ):
        assert wrong in text
        assert judged.judged_by_argo([text.replace(wrong, into)]), wrong
    with pytest.raises(jsonschema.ValidationError):
        judged.crd().validate(yaml.safe_load(text.replace("limit: 2", "limits: 2")))
    pool = next(yaml.safe_load_all(kubernetes.manifests(kubernetes.Settings(), "x")))
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**pool, "specs": {}}, judged.KUBERNETES, strict=True)


@pytest.mark.parametrize("seed", range(15))
def test_a_task_for_each_image_that_waits_for_what_it_reads(seed: int) -> None:
    settings = judged.argo_settings(seed)
    document = yaml.safe_load(argo.workflow(settings, "x"))
    tasks = document["spec"]["templates"][0].get("dag", {}).get("tasks", [])
    tasks = [task for task in tasks if task["name"] != argo.NAMING]
    image = {task["name"]: task["arguments"]["parameters"][0]["value"] for task in tasks}
    found = {image[task["name"]]: {image[need] for need in task.get("dependencies", ())} for task in tasks}
    assert found == ({name: set(settings.work.parents[name]) for name in settings.work.order} if settings.jobs else {})


def test_only_our_own_braces_are_argos_to_fill_in() -> None:
    for seed in range(30):
        for tag in re.findall(r"\{\{.*?\}\}", written(seed)):
            assert re.fullmatch(r"\{\{inputs\.(parameters\.(image|builder)|artifacts\.source)\}\}", tag)
    plan = json.dumps({"why": "RUN echo {{workflow.name}} {{{x}}}"})
    plans = dict.fromkeys(judged.argo_settings(4).plans, plan)
    for raw in plans_of(yaml.safe_load(written(4, plans=plans))):
        assert "{{" not in raw
        assert json.loads(raw) == json.loads(plan)


def test_a_task_knows_why_its_image_is_built_whatever_was_published(space: Workspace) -> None:
    """What stands between images of `--all` has the key that it had: alone, its plan would take what was published."""
    run = space.planner("export", "argo", *SOURCE, "--since", "HEAD", "--all", "a", "c")
    plans = [json.loads(text)["images"] for text in plans_of(yaml.safe_load(run.stdout))]
    assert [[one["name"] for one in images] for images in plans] == [["a"], ["a", "b"], ["c"]]


def plans_of(document: dict[str, Any]) -> list[str]:
    """The part of the plan that each task of a workflow has."""
    tasks = [one for one in document["spec"]["templates"][0]["dag"]["tasks"] if one["name"] != argo.NAMING]
    given = [one for task in tasks for one in task["arguments"]["artifacts"] if one["name"] == "plan"]
    assert len(given) == len(tasks)
    return [one["raw"]["data"] for one in given]


@pytest.mark.parametrize(
    "changed",
    [
        {"command": ("planner", "-C", "{{x}}")},
        {"command": ("planner", "-C", "a\nb")},
        {"source": "https://e.example/{{x}}"},
        {"namespace": "A_B"},
        {"registry_secret": "${{ x }}"},
        {"image": "a b"},
        {"node_label": "a: b"},
        {"builders": {"{{x}}": 1.0}},
    ],
)
def test_settings_that_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(PlannerError):
        written(4, **changed)


def kubelet(word: str) -> str:
    """A word as a container gets it, where HOME is a variable (Kubernetes, third_party/forked/golang/expansion)."""
    return re.sub(r"\$(\$|\(HOME\))", lambda found: "$" if found[1] == "$" else "/home", word)


def test_words_reach_the_planner_as_they_are(tmp_path: Path) -> None:
    """The words of a task's container, after Kubernetes put its variables in, run with a stub for the planner."""
    nasty = "a $(HOME) $HOME `id` '\" {x}"
    container = yaml.safe_load(written(4, builders={}, command=("planner", "-C", nasty)))["spec"]["templates"][1][
        "container"
    ]
    stub = tmp_path / "planner"
    stub.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    stub.chmod(0o755)
    expanded = [kubelet(word) for word in (*container["command"], *container["args"])]
    ready = expanded[2].replace(argo.SOCKET, os.fspath(tmp_path / "socket")).replace("-S", "-e")
    (tmp_path / "socket").touch()
    path = f"{tmp_path}:{os.environ['PATH']}"
    argv = [*expanded[:2], ready, *expanded[3:]]
    run = subprocess.run(argv, env={"PATH": path}, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[:3] == ["-C", nasty, "build"]


def test_what_a_cluster_has_no_name_for_is_said() -> None:
    settings = judged.argo_settings(4)
    kinds = {job.kind.value for job in settings.jobs}
    with pytest.raises(PlannerError, match="--pool-name licence=NAME"):
        written(4, builders={}, needs={kind: {"licence": 1.0} for kind in kinds})
    with pytest.raises(PlannerError, match="whole ones only"):
        written(4, builders={}, needs={kind: {"gpu": 0.5} for kind in kinds})
    with pytest.raises(PlannerError, match="registry: field"):
        argo.workflow(replace(settings, work=work(4, 3, registry="")), "x")


def test_the_command_for_argo(space: Workspace, tmp_path: Path) -> None:
    file = os.fspath(tmp_path / "images.yaml")
    policy = tmp_path / "own policy.yaml"
    shutil.copy(GRAPHS / "trust-stack/policy.yaml", policy)
    words = ("export", "argo", *SOURCE, "--all", "--registry-secret", "login", "--policy", os.fspath(policy))
    run = space.planner(*words, "-o", file)
    assert run.returncode == 0, run.stderr
    text = Path(file).read_text()
    assert not judged.judged_by_argo([text])
    judged.crd().validate(document := yaml.safe_load(text))
    for plan in plans_of(document):
        (tmp_path / "plan.json").write_text(plan)
        assert space.planner("matrix", "--plan", os.fspath(tmp_path / "plan.json")).returncode == 0, "the plan is whole"
    assert space.planner(*words, "--check", file).returncode == 0
    told = shlex.split(text.split("`")[3])
    assert told[-2:] == ["--check", "FILE"]
    assert space.planner(*told[1:-1], file).returncode == 0, "what the file says of itself can be run"
    space.write({"Dockerfile": "FROM y\n"})
    space.commit()
    assert space.planner(*words, "--check", file).returncode == 3
    (space.root / "inner").mkdir()
    for name, content in FILES.items():
        (space.root / "inner" / name).write_text(content)
    space.commit()
    words = ("-C", "inner", "export", "argo", *SOURCE, "--all")
    inner = subprocess.run(
        [sys.executable, "-m", "planner.cli.start", *words], cwd=space.root, capture_output=True, text=True, check=True
    )
    args = yaml.safe_load(inner.stdout)["spec"]["templates"][1]["container"]["args"]
    assert args[:4] == ["planner", "-C", "inner", "build"]
    words = ("-C", ".", *words[2:])
    inside = subprocess.run(
        [sys.executable, "-m", "planner.cli.start", *words],
        cwd=space.root / "inner",
        capture_output=True,
        text=True,
        check=True,
    )
    assert yaml.safe_load(inside.stdout)["spec"]["templates"][1]["container"]["args"] == args, "it clones the whole"
    told = next(line for line in text.splitlines() if line.startswith("# Written by"))
    assert "--registry-secret login" in told
    assert f"--policy '{policy}'" in told
    words = ("export", "argo", *SOURCE, "--all")
    for wrong in (
        ("--source", "https://a:secret@e.example/x"),
        ("--source", "x;y"),
        ("--revision", "main"),
        ("--rootless",),
    ):
        run = space.planner(*words, *wrong)
        assert (run.returncode, run.stdout) == (2, ""), wrong
        assert "Traceback" not in run.stderr


def test_a_plan_of_what_no_clone_has_is_refused(space: Workspace, tmp_path: Path) -> None:
    """Every task would refuse its plan: a clone has the commit, and not what was edited since."""
    words = ("export", "argo", *SOURCE, "--all")
    before = space.git("rev-parse", "HEAD").strip()
    space.write({"unread.txt": "no image reads it\n"})
    assert space.planner(*words).returncode == 0
    space.write({"Dockerfile": "FROM y\n"})
    run = space.planner(*words)
    assert (run.returncode, run.stdout) == (1, "")
    assert "commit" in run.stderr
    plan = os.fspath(tmp_path / "plan.json")
    assert space.planner("plan", "--all", "--out", plan).returncode == 0
    space.commit()
    assert space.planner(*words).returncode == 0
    assert space.planner(*words[:-1], "--plan", plan).returncode == 0
    assert space.planner(*words, "--revision", before).returncode == 1
    assert space.planner(*words, "--revision", "a" * 40).returncode == 1, "nobody knows what it holds"


def test_the_command_for_kubernetes(space: Workspace) -> None:
    run = space.planner("export", "kubernetes", "--rootless", "--replicas", "3", "--cpu", "8")
    assert run.returncode == 0, run.stderr
    documents = {one["kind"]: one for one in yaml.safe_load_all(run.stdout)}
    for one in documents.values():
        kubernetes_validate.validate(one, judged.KUBERNETES, strict=True)
    container = documents["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "1", "memory": "4000000000"}
    assert "privileged" not in str(documents)
    homes = json.loads(space.planner("export", "kubernetes", "--homes").stdout)
    check("homes", homes)
    assert [image["name"] for image in homes["images"]] == ["a", "b", "c"]
    assert space.planner("export", "kubernetes", "--since", "HEAD").returncode == 2
    assert space.planner("export", "kubernetes", "--name", "A").returncode == 1


def test_tasks_go_to_the_builder_that_is_their_home(space: Workspace, tmp_path: Path) -> None:
    pool = tmp_path / "pool.yaml"
    pool.write_text(space.planner("export", "kubernetes", "--replicas", "5", "--pool-file").stdout)
    told = json.loads(space.planner("export", "kubernetes", "--replicas", "5", "--homes").stdout)
    run = space.planner("export", "argo", *SOURCE, "--all", "--pool", os.fspath(pool))
    assert run.returncode == 0, run.stderr
    tasks = yaml.safe_load(run.stdout)["spec"]["templates"][0]["dag"]["tasks"]
    found = {task["arguments"]["parameters"][0]["value"]: task["arguments"]["parameters"][1]["value"] for task in tasks}
    assert found == {image["name"]: f"pool:{image['builder']}" for image in told["images"]}


def test_buildx_takes_the_options_of_its_driver(space: Workspace, tmp_path: Path) -> None:
    """buildx checks them when it makes a builder; it speaks with no cluster for that."""
    config = tmp_path / "kubeconfig"
    parts = {"clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}], "users": [{"name": "a"}]}
    context = {"contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}], "current-context": "a"}
    config.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **parts, **context}))
    text = kubernetes.driver_commands(
        kubernetes.Settings(asked={"cpu": "2", "memory": "4Gi"}, nodes={"a": "b", "c": "d"}, rootless=True)
    )
    environment = {**os.environ, "KUBECONFIG": os.fspath(config), "BUILDX_CONFIG": os.fspath(tmp_path / "buildx")}

    def create(line: str) -> subprocess.CompletedProcess[str]:
        script = line.replace("docker buildx", os.fspath(ENGINE.bin_folder() / "buildx"))
        return subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)

    for line in text.splitlines():
        run = create(line)
        assert run.returncode == 0, run.stderr
    wrong = text.splitlines()[0].replace("requests.cpu", "requests.cpus").replace("buildkitd-0", "another")
    assert "invalid driver option" in create(wrong).stderr
    with pytest.raises(PlannerError, match=r"no option for nvidia\.com/gpu"):
        kubernetes.driver_commands(kubernetes.Settings(asked={"nvidia.com/gpu": "1"}))


BUILDERS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4), st.sampled_from((0.5, 1.0, 3.0)), min_size=2, max_size=9
)


@given(BUILDERS, st.lists(st.text("xyz-", min_size=1, max_size=6), max_size=30))
def test_a_builder_that_leaves_moves_only_its_own_images(builders: dict[str, float], images: list[str]) -> None:
    gone = min(builders)
    left = {name: weight for name, weight in builders.items() if name != gone}
    for image in images:
        before = home(image, builders)
        assert before == home(image, dict(reversed(builders.items())))
        assert before == gone or home(image, left) == before


def test_shares_are_as_the_weights() -> None:
    counts = dict.fromkeys(("a", "b", "c"), 0)
    for number in range(4000):
        counts[home(f"image{number}", {"a": 1.0, "b": 1.0, "c": 2.0})] += 1
    assert 900 < counts["a"] < 1100
    assert 900 < counts["b"] < 1100
    assert 1850 < counts["c"] < 2150
