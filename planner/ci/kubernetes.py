"""Writes a pool of BuildKits for Kubernetes: a StatefulSet that keeps its layers, its Service, and who may reach it.

Each builder has a name that stays, so that an image can go to the same one every time (`planner.ci.affinity`). All of
them speak mTLS only; certificates come from a Secret that the manifests name and never hold.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.ci import cluster
from planner.ci.yaml_text import yaml_text
from planner.errors import PlannerError

PORT = 1234
CERTS = "/certs"
MOST = 1000
HEAD = """\
# Written by `{command}`; `{command} --check FILE` says whether FILE is stale.
# {count} builders behind mTLS. The Secret {secret} holds ca.pem, cert.pem and key.pem, made for the names *.{name}.
# Pods of this namespace that carry the label {label} may reach them, nobody else.
"""
CLIENT = "planner-build"
"""The label of pods that may reach the builders; tasks of `planner export argo` carry it."""
Part = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """A pool to write: builders NAME-0, NAME-1, …; `asked` are the resources of each, as Kubernetes calls them."""

    name: str = "buildkitd"
    namespace: str = "default"
    replicas: int = 2
    storage: str = "100Gi"
    storage_class: str = ""
    secret: str = "buildkitd-certs"  # noqa: S105 -- the name of an object
    rootless: bool = False
    buildkit: str = cluster.BUILDKIT
    asked: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The builders, by the names of their pods."""
        return tuple(f"{self.name}-{number}" for number in range(self.replicas))

    def host(self, builder: str) -> str:
        """Where a builder is reached within the cluster (Kubernetes, StatefulSet, stable network ID)."""
        return f"{builder}.{self.name}.{self.namespace}.svc"


def manifests(settings: Settings, command: str) -> str:
    """The documents, with `command` told as the one that wrote them. Raises PlannerError for names that are none."""
    _refuse(settings)
    labels = {"app.kubernetes.io/name": settings.name, "app.kubernetes.io/component": "buildkitd"}
    documents = (_service(settings, labels), _policy(settings, labels), _set(settings, labels))
    head = HEAD.format(
        command=command, count=settings.replicas, secret=settings.secret, name=settings.name, label=CLIENT
    )
    return head + "---\n".join(yaml_text(document) for document in documents)


def pool_text(settings: Settings) -> str:
    """The pool.yaml that names these builders, for a folder where the clients' certificates lie beside it."""
    _refuse(settings)
    builders = {name: {"address": f"tcp://{settings.host(name)}:{PORT}"} for name in settings.names}
    return yaml_text(
        {"version": 1, "tls": {"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}, "builders": builders}
    )


def driver_commands(settings: Settings) -> str:
    """Commands that have buildx make builders of its Kubernetes driver, one pod each, so that each has a name.

    Raises PlannerError for resources that the driver has no option for.
    """
    _refuse(settings)
    options = {"namespace": settings.namespace, "image": _image(settings), "rootless": str(settings.rootless).lower()}
    limits = cluster.limits_of(settings.asked)
    for side, amounts in limits.items():
        for name, amount in amounts.items():
            if name not in ("cpu", "memory", "ephemeral-storage"):
                raise PlannerError(f"the Kubernetes driver of buildx has no option for {name}: leave out --driver")
            options[f"{side}.{name}"] = amount
    if settings.nodes:
        options["nodeselector"] = ",".join(f"{key}={value}" for key, value in settings.nodes.items())
    words = [word for key, value in options.items() for word in ("--driver-opt", _csv(f"{key}={value}"))]
    start = ("docker", "buildx", "create", "--driver", "kubernetes")
    return "\n".join(shlex.join([*start, "--name", name, *words]) for name in settings.names)


def _csv(option: str) -> str:
    """One field of the CSV that buildx takes an option for."""
    return f'"{option}"' if "," in option else option


def _refuse(settings: Settings) -> None:
    for option, text in (("--name", settings.name), ("--namespace", settings.namespace), ("--secret", settings.secret)):
        cluster.name(text, option)
    if settings.storage_class:
        cluster.name(settings.storage_class, "--storage-class")
    cluster.quantity(settings.storage, "--storage")
    cluster.image(settings.buildkit, "--buildkit")
    if not 1 <= settings.replicas <= MOST:
        raise PlannerError(f"--replicas {settings.replicas}: is a number from 1 to {MOST}")
    if len(settings.names[-1]) > 63:
        raise PlannerError(f"--name {settings.name!r}: is too long for the names of pods")
    for key, value in settings.nodes.items():
        if not cluster.LABEL_KEY.fullmatch(key) or not cluster.LABEL_VALUE.fullmatch(value):
            raise PlannerError(f"--node {key}={value}: is no label of a node")


def _image(settings: Settings) -> str:
    return settings.buildkit + (cluster.ROOTLESS if settings.rootless else "")


def _meta(settings: Settings, labels: Mapping[str, str]) -> Part:
    return {"name": settings.name, "namespace": settings.namespace, "labels": dict(labels)}


def _service(settings: Settings, labels: Mapping[str, str]) -> Part:
    """Without an address of its own: a client names the builder that it wants."""
    ports = [{"name": "buildkit", "port": PORT, "targetPort": "buildkit", "protocol": "TCP"}]
    spec: Part = {"clusterIP": "None", "selector": dict(labels), "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _meta(settings, labels), "spec": spec}


def _policy(settings: Settings, labels: Mapping[str, str]) -> Part:
    client = {"podSelector": {"matchExpressions": [{"key": CLIENT, "operator": "Exists"}]}}
    spec: Part = {
        "podSelector": {"matchLabels": dict(labels)},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [client], "ports": [{"port": "buildkit", "protocol": "TCP"}]}],
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _meta(settings, labels),
        "spec": spec,
    }


def _set(settings: Settings, labels: Mapping[str, str]) -> Part:
    volume, mount = cluster.tls_mounts(settings.secret, CERTS)
    claim: Part = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": settings.storage}}}
    if settings.storage_class:
        claim["storageClassName"] = settings.storage_class
    pod: Part = {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 600}
    if settings.rootless:
        pod["securityContext"] = {"fsGroup": 1000, "fsGroupChangePolicy": "OnRootMismatch"}
    if settings.nodes:
        pod["nodeSelector"] = dict(settings.nodes)
    pod |= {"containers": [_buildkitd(settings, mount)], "volumes": [volume]}
    spec: Part = {
        "serviceName": settings.name,
        "replicas": settings.replicas,
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": dict(labels)},
        "template": {"metadata": {"labels": dict(labels)}, "spec": pod},
        "volumeClaimTemplates": [{"metadata": {"name": "layers"}, "spec": claim}],
    }
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": _meta(settings, labels), "spec": spec}


def _buildkitd(settings: Settings, certs: Part) -> Part:
    """The daemon, asked by its own socket whether it works, since a probe has no client's certificate."""
    socket = (
        "unix:///run/user/1000/buildkit/buildkitd.sock" if settings.rootless else "unix:///run/buildkit/buildkitd.sock"
    )
    layers = "/home/user/.local/share/buildkit" if settings.rootless else "/var/lib/buildkit"
    words = ["--addr", socket, "--addr", f"tcp://0.0.0.0:{PORT}"]
    for option, file in (("--tlscacert", "ca.pem"), ("--tlscert", "cert.pem"), ("--tlskey", "key.pem")):
        words += [option, f"{CERTS}/{file}"]
    probe = {"exec": {"command": ["buildctl", "--addr", socket, "debug", "workers"]}, "periodSeconds": 30}
    found: Part = {
        "name": "buildkitd",
        "image": _image(settings),
        "args": [*words, *(["--oci-worker-no-process-sandbox"] if settings.rootless else [])],
        "ports": [{"name": "buildkit", "containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": {**probe, "initialDelaySeconds": 5},
        "livenessProbe": {**probe, "initialDelaySeconds": 30, "timeoutSeconds": 10},
        "securityContext": cluster.rootless_security() if settings.rootless else {"privileged": True},
        "volumeMounts": [{"name": "layers", "mountPath": layers}, certs],
    }
    if settings.asked:
        found["resources"] = cluster.limits_of(settings.asked)
    return found
