"""What manifests for a cluster have in common: names, words of containers and amounts as Kubernetes writes them.

Whatever a cluster would read something else into is escaped where there is a way, else refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from planner.ci.names import refuse_lines
from planner.errors import PlannerError

BUILDKIT = "moby/buildkit:v0.32.2"
"""The BuildKit that is run; its rootless form ends in `-rootless`."""
ROOTLESS = "-rootless"
DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
LABEL_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
_DNS = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
LABEL_KEY = re.compile(rf"(?:{_DNS}/)?{LABEL_VALUE.pattern}", re.ASCII)
IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/@-]{0,500}", re.ASCII)
QUANTITY = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?(?:[kMGTPE]|[KMGTPE]i|m)?", re.ASCII)
GPU = "nvidia.com/gpu"
NAMES = {"cpu": "cpu", "memory": "memory", "disk": "ephemeral-storage", "gpu": GPU}
"""What the graph file calls resources, and what Kubernetes does. Its own names go as they are: `amd.com/gpu`."""


def name(text: str, option: str) -> str:
    """A name of an object. Raises PlannerError for another text."""
    if not DNS_LABEL.fullmatch(text):
        raise PlannerError(f"{option} {text!r}: is a name of lower-case letters, digits and -, of 63 letters at most")
    return text


def image(text: str, option: str) -> str:
    """A reference of a container image. Raises PlannerError for another text."""
    if not IMAGE.fullmatch(text):
        raise PlannerError(f"{option} {text!r}: is no reference of an image")
    return text


def quantity(text: str, option: str) -> str:
    """An amount as Kubernetes writes it: `100Gi`, `500m`. Raises PlannerError for another text."""
    if not QUANTITY.fullmatch(text):
        raise PlannerError(f"{option} {text!r}: is an amount as Kubernetes writes it, such as 100Gi or 500m")
    return text


def word(text: str) -> str:
    """A word of a container's command. Kubernetes puts variables in for `$(NAME)`; a doubled dollar is a dollar.

    Raises PlannerError for control characters.
    """
    refuse_lines([text])
    return text.replace("$", "$$")


def amounts(needs: Mapping[str, float], pools: Mapping[str, str]) -> dict[str, str]:
    """What a container asks for. `pools` are further resources by the names that the cluster has for them.

    Raises PlannerError for a pool without one. `exclusive` is none: see `alone_on_its_node`.
    """
    known = {**NAMES, **pools}
    wrong = [pool for pool in needs if pool not in known and pool != "exclusive"]
    if wrong:
        told = ", ".join(f"--pool-name {pool}=NAME" for pool in wrong)
        raise PlannerError(f"a cluster has no resource {', '.join(wrong)}\n  say what it is called there: {told}")
    return {known[pool]: _written(pool, amount) for pool, amount in needs.items() if pool in known}


def _written(pool: str, amount: float) -> str:
    if amount == int(amount):
        return str(int(amount))
    if pool == "cpu":
        return f"{round(amount * 1000)}m"
    raise PlannerError(f"{pool}: a cluster gives whole ones only, not {amount:g}")


def limits_of(asked: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Requests of all, limits of what a build must not take more of. Without a limit of cpu a build uses what is idle;
    extended resources (`nvidia.com/gpu`) need equal limits (Kubernetes, Schedule GPUs)."""
    found = {"requests": dict(asked), "limits": {key: value for key, value in asked.items() if key != "cpu"}}
    return {key: value for key, value in found.items() if value}


def tls_mounts(secret: str, folder: str) -> tuple[dict[str, object], dict[str, object]]:
    """A volume of a secret, and where it is mounted."""
    volume: dict[str, object] = {"name": "certs", "secret": {"secretName": secret}}
    return volume, {"name": "certs", "mountPath": folder, "readOnly": True}


def rootless_security() -> dict[str, object]:
    """What BuildKit asks for without privileges: user namespaces of its own (docs/rootless.md of BuildKit)."""
    return {
        "runAsUser": 1000,
        "runAsGroup": 1000,
        "seccompProfile": {"type": "Unconfined"},
        "appArmorProfile": {"type": "Unconfined"},
    }


def refuse_names(values: Iterable[tuple[str, str]]) -> None:
    """Raise PlannerError for the first of (option, name) that is no name of an object; "" is none at all."""
    for option, text in values:
        if text:
            name(text, option)
