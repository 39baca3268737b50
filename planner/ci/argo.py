"""Writes what a plan rebuilds as a workflow for Argo Workflows: a template for each kind, a task for each image.

Each task has its image's part of the plan in the workflow itself, sources come from git, images pass from task to task
through the registry. A task waits for exactly what it reads. One workflow of a family runs at a time. An older one may
have moved tags after this one was planned, so a task lets them name again what is not built. Argo puts values in for
`{{…}}` everywhere, so no text of ours holds that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planner.ci import cluster
from planner.ci.affinity import home
from planner.ci.jobs import DEFAULT_RUNNER, Job, Rebuild
from planner.ci.limits import Limits, refuse_too_long
from planner.ci.names import job_id, refuse_alike, refuse_lines, refuse_unsafe
from planner.ci.yaml_text import yaml_text
from planner.errors import PlannerError
from planner.model.image import ImageName

ARGO = Limits(letters=700_000)
"""Argo's controller takes a workflow of 1 MiB with its compressed status (workflow/packer of 3.7.3), in which each task
stands twice, with its plan."""
HEAD = """\
# Written by `{command}`; `{command} --check FILE` says whether FILE is stale.
# {count} of {total} images, each in a task that waits for what it reads; images pass through {registry}.
"""
SOURCE, PLAN = "/src", "/plan/plan.json"
KEY = "key.pem"
"""What a Secret calls the private key. It is handed over as a variable: the planner takes no file that others can read,
and who owns one that Kubernetes mounts is not up to us."""
RUN = "/run/buildkit"
SOCKET = f"{RUN}/buildkitd.sock"
WAIT = f'until [ -S {SOCKET} ]; do sleep 1; done; exec "$@"'
"""Argo does not wait for sidecars (its page on them). Words that follow are the shell's arguments, never its text."""
LABEL = "planner-build"
NAMING = "name-what-is-kept"
"""The task that lets tags name images; those of images begin with `build-`."""
GIT = (("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "safe.directory"), ("GIT_CONFIG_VALUE_0", SOURCE))
"""Whoever cloned has another user id than whoever reads: git would refuse the clone."""

Part = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """A workflow to write. `plans` are saved plans of single images as JSON: a whole one would stand in the status of
    each task. `command` calls the planner in the clone.

    `kept` are images that are published as they are, and so have no task of their own.

    `needs` are resources by kind, `pools` what the cluster calls those that Kubernetes has no name for. `builders` are
    those of a pool by name, with their weights; without any, each task has a BuildKit of its own. `pool_secret` holds
    their pool.yaml and certificates, `signing_secret` the private key that records are signed with, for the planner's
    container alone. `environment` are variables that say of the family what its files do not. `allow` is what builds
    may have of their machine beside the workspace.
    """

    work: Rebuild
    jobs: Sequence[Job]
    total: int
    plans: Mapping[ImageName, str]
    image: str
    source: str
    revision: str
    command: tuple[str, ...] = ("planner",)
    kept: Sequence[ImageName] = ()
    needs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    pools: Mapping[str, str] = field(default_factory=dict)
    builders: Mapping[str, float] = field(default_factory=dict)
    pool_secret: str = "buildkit-pool"  # noqa: S105 -- the name of an object
    namespace: str = ""
    service_account: str = ""
    registry_secret: str = ""
    signing_secret: str = ""
    source_secret: str = ""
    node_label: str = "runner"
    buildkit: str = cluster.BUILDKIT
    environment: Mapping[str, str] = field(default_factory=dict)
    slots: int = 0
    retries: int = 2
    allow: tuple[str, ...] = ()


def workflow(settings: Settings, command: str) -> str:
    """The manifest, which tells the `command` that wrote it. Raises PlannerError for what it cannot hold safely."""
    _refuse(settings, command)
    kinds = {job.kind.value: job for job in settings.jobs}
    spec: Part = {"entrypoint": "family"}
    if settings.service_account:
        spec["serviceAccountName"] = settings.service_account
    templates = [_template(settings, kind, job) for kind, job in sorted(kinds.items())]
    if settings.kept:
        templates.append(_naming(settings))
    spec |= {
        "synchronization": {"mutexes": [{"name": job_id("images", settings.work.family.registry)}]},
        "arguments": {"artifacts": [_source(settings)]},
        "podGC": {"strategy": "OnPodSuccess"},
        **({"parallelism": settings.slots} if settings.slots else {}),
        **({"volumes": volumes} if (volumes := _volumes(settings)) else {}),
        "templates": [_family(settings), *templates],
    }
    if not templates:
        spec = {"entrypoint": "family", "templates": [_nothing(settings)]}
    metadata: Part = {"generateName": "images-"}
    if settings.namespace:
        metadata["namespace"] = settings.namespace
    document = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": metadata, "spec": spec}
    registry = settings.work.family.registry
    head = HEAD.format(command=command, count=len(settings.jobs), total=settings.total, registry=registry)
    return refuse_too_long(head + yaml_text(document), ARGO, "a cluster")


def _refuse(settings: Settings, command: str) -> None:
    """Raise PlannerError for settings that could say something else in a manifest than they say here."""
    if not settings.work.family.registry:
        raise PlannerError("images pass from task to task through a registry: give the graph file a registry: field")
    cluster.image(settings.image, "--image")
    cluster.image(settings.buildkit, "--buildkit")
    cluster.refuse_names(
        (
            ("--namespace", settings.namespace),
            ("--service-account", settings.service_account),
            ("--registry-secret", settings.registry_secret),
            ("--signing-secret", settings.signing_secret),
            ("--source-secret", settings.source_secret),
            ("--pool-secret", settings.pool_secret),
        )
    )
    if not cluster.LABEL_KEY.fullmatch(settings.node_label):
        raise PlannerError(f"--node-label {settings.node_label!r}: is no key of a label")
    for runner in {job.runner for job in settings.jobs} - {DEFAULT_RUNNER}:
        if not cluster.LABEL_VALUE.fullmatch(runner):
            raise PlannerError(f"the runner {runner!r}: is no value of a node's label {settings.node_label}")
    texts = (*settings.command, settings.source, settings.revision, command, *settings.builders, *settings.allow)
    refuse_unsafe(settings.kept, (), ())
    refuse_lines((*texts, *settings.environment.values()))
    for text in texts:
        if "{{" in text:
            raise PlannerError(f"{text!r}: Argo would put a value in for {{{{…}}}}, and has no way to write that")


def _inert(plan: str) -> str:
    """A plan in which no two braces open together, as JSON may write them: what it tells is hostile."""
    return plan.replace("{{", "\\u007b\\u007b")


def _source(settings: Settings) -> Part:
    git: Part = {"repo": settings.source, "revision": settings.revision}
    for field_name, key in (("usernameSecret", "username"), ("passwordSecret", "password")):
        if settings.source_secret:
            git[field_name] = {"name": settings.source_secret, "key": key}
    return {"name": "source", "git": git}


def _volumes(settings: Settings) -> list[Part]:
    found: list[Part] = []
    if settings.registry_secret:
        item = {"key": ".dockerconfigjson", "path": "config.json"}
        found.append({"name": "login", "secret": {"secretName": settings.registry_secret, "items": [item]}})
    if settings.builders:
        found.append({"name": "pool", "secret": {"secretName": settings.pool_secret}})
    return found


def _family(settings: Settings) -> Part:
    """The graph: a task for each image."""
    source: Part = {"name": "source", "from": "{{inputs.artifacts.source}}"}
    tasks: list[Part] = []
    names = {job.id: _task_name(job) for job in settings.jobs}
    refuse_alike(names.values())
    for job in settings.jobs:
        task: Part = {"name": names[job.id], "template": f"build-{job.kind.value}"}
        if job.needs:
            task["dependencies"] = [names[need] for need in job.needs]
        (image,) = job.images
        parameters = [{"name": "image", "value": image}]
        if settings.builders:
            parameters.append({"name": "builder", "value": f"pool:{home(image, settings.builders)}"})
        plan: Part = {"name": "plan", "raw": {"data": _inert(settings.plans[image])}}
        task["arguments"] = {"parameters": parameters, "artifacts": [source, plan]}
        tasks.append(task)
    if settings.kept:
        tasks.append({"name": NAMING, "template": NAMING, "arguments": {"artifacts": [source]}})
    inputs = {"artifacts": [{"name": "source"}]}
    return {"name": "family", "inputs": inputs, "dag": {"failFast": False, "tasks": tasks}}


def _task_name(job: Job) -> str:
    """The job's id. Argo takes no `_` in it; a digest keeps those apart that differ by nothing else."""
    if "_" not in job.id:
        return job.id
    return f"{job.id.replace('_', '-')}-{hashlib.sha256(job.id.encode()).hexdigest()[:10]}"


def _template(settings: Settings, kind: str, job: Job) -> Part:
    """What builds an image of a kind. Argo repeats what the cluster broke off, never a build that failed."""
    found: Part = {
        "name": f"build-{kind}",
        "inputs": {
            "parameters": [{"name": "image"}, *([{"name": "builder"}] if settings.builders else [])],
            "artifacts": [{"name": "source", "path": SOURCE}, {"name": "plan", "path": PLAN}],
        },
        "metadata": {"labels": {LABEL: kind}},
        "retryStrategy": _retried(settings),
    }
    if job.runner != DEFAULT_RUNNER:
        found["nodeSelector"] = {settings.node_label: job.runner}
        found["tolerations"] = [
            {"key": settings.node_label, "operator": "Equal", "value": job.runner, "effect": "NoSchedule"}
        ]
    needs = settings.needs.get(kind, {})
    if not settings.builders:
        found |= _own_buildkit(settings, needs)
    words = ["--plan", PLAN, "--only", "--push", "--builder", _builder(settings, "{{inputs.parameters.builder}}")]
    words += [word for text in settings.allow for word in ("--allow", cluster.word(text))]
    return {**found, "container": _container(settings, [*words, "--", "{{inputs.parameters.image}}"])}


def _naming(settings: Settings) -> Part:
    """What lets tags name images that are not built, where they name another state of them by now."""
    at = f"pool:{home(settings.kept[0], settings.builders)}" if settings.builders else ""
    found: Part = {
        "name": NAMING,
        "inputs": {"artifacts": [{"name": "source", "path": SOURCE}]},
        "metadata": {"labels": {LABEL: NAMING}},
        "retryStrategy": _retried(settings),
        **({} if settings.builders else _own_buildkit(settings, {})),
    }
    words = ["--only", "--push", "--builder", _builder(settings, at), "--", *settings.kept]
    return {**found, "container": _container(settings, words)}


def _retried(settings: Settings) -> Part:
    backoff = {"duration": "10", "factor": 2, "maxDuration": "10m"}
    return {"limit": settings.retries, "retryPolicy": "OnError", "backoff": backoff}


def _builder(settings: Settings, of_pool: str) -> str:
    return of_pool if settings.builders else f"buildkit:unix://{SOCKET}"


def _container(settings: Settings, options: Sequence[str]) -> Part:
    """The planner, which builds as these options say."""
    words = [*(cluster.word(text) for text in settings.command), "build", *options]
    environment: list[Part] = [{"name": key, "value": value} for key, value in (*GIT, *settings.environment.items())]
    mounts: list[Part] = []
    if settings.registry_secret:
        environment.append({"name": "DOCKER_CONFIG", "value": "/login"})
        mounts.append({"name": "login", "mountPath": "/login", "readOnly": True})
    if settings.signing_secret:
        secret = {"secretKeyRef": {"name": settings.signing_secret, "key": KEY}}
        environment.append({"name": "PLANNER_SIGNING_KEY", "valueFrom": secret})
    if settings.builders:
        environment.append({"name": "PLANNER_POOL", "value": "/pool/pool.yaml"})
        mounts.append({"name": "pool", "mountPath": "/pool", "readOnly": True})
        command, words = words[:1], words[1:]
    else:
        mounts.append({"name": "run", "mountPath": RUN})
        command, words = ["sh", "-c", cluster.word(WAIT), "sh"], words
    found: Part = {"image": settings.image, "command": command, "args": words, "workingDir": SOURCE}
    return {**found, "env": environment, **({"volumeMounts": mounts} if mounts else {})}


def _own_buildkit(settings: Settings, needs: Mapping[str, float]) -> Part:
    """A BuildKit beside the task, without privileges, which has what the kind needs and is gone with its pod."""
    asked = cluster.amounts(needs, settings.pools)
    sidecar: Part = {
        "name": "buildkitd",
        "image": settings.buildkit + cluster.ROOTLESS,
        "args": ["--addr", f"unix://{SOCKET}", "--oci-worker-no-process-sandbox"],
        "securityContext": cluster.rootless_security(),
        "volumeMounts": [
            {"name": "run", "mountPath": RUN},
            {"name": "layers", "mountPath": "/home/user/.local/share/buildkit"},
        ],
    }
    if asked:
        sidecar["resources"] = cluster.limits_of(asked)
    found: Part = {"sidecars": [sidecar], "volumes": [{"name": name, "emptyDir": {}} for name in ("run", "layers")]}
    if needs.get("exclusive"):
        selector = {"matchExpressions": [{"key": LABEL, "operator": "Exists"}]}
        term = {"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"}
        found["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    return found


def _nothing(settings: Settings) -> Part:
    """A workflow without a task is refused, so one for nothing has a step that does nothing."""
    return {"name": "family", "container": {"image": settings.image, "command": ["true"]}}
