"""A policy as records: registries, scopes with their readers and writers, builders, budgets and retention."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.model.names import DEFAULT_REGISTRY
from planner.policy.identity import Identity
from planner.policy.levels import Level
from planner.policy.scopes import Scope
from planner.policy.signing import Signing

NUMBER = "{number}"
"""Stands for the number of a pull request in the paths of the scope `pr`."""


class Isolation(enum.StrEnum):
    """What a registry can keep apart: paths, the first two parts of a path, itself as a whole, or nothing.

    With `repository` one credential writes all below PROJECT/REPOSITORY, with `registry` all that is there.
    """

    PATH = "path"
    REPOSITORY = "repository"
    REGISTRY = "registry"
    NONE = "none"


KEPT = ((Isolation.REGISTRY, "ghcr.io"), (Isolation.REPOSITORY, "-docker.pkg.dev"))
"""What a registry keeps apart at best, by the end of its host: GitHub grants a token all packages that its repository
may write (docs.github.com, "About permissions for GitHub Packages"), IAM grants repositories of Artifact Registry and
knows no attributes below them (docs.cloud.google.com/iam/docs/conditions-resource-attributes)."""


class Backend(enum.StrEnum):
    """Where the layer cache of a scope is."""

    REGISTRY = "registry"
    GITHUB = "github"
    LOCAL = "local"
    S3 = "s3"


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryRule:
    """A registry by its address, and what it keeps apart."""

    name: str
    address: str
    isolation: Isolation


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopeRule:
    """Where a scope is kept, and which levels read and write it.

    `cache` is the path of its layer cache, `images` that of its images, records and leases; `attributes` are more of
    the backend's own (`bucket`, `region`).
    """

    kind: str
    registry: str
    cache: str
    images: str
    write: tuple[Level, ...]
    read: tuple[Level, ...]
    backend: Backend = Backend.REGISTRY
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that belongs to the scope."""
        return tuple(dict.fromkeys([self.cache, self.images]))


_HUBS = frozenset({"index.docker.io", "registry-1.docker.io"})


def plain_address(address: str) -> str:
    """A registry's address in its one form: names do not differ by case, and a default port may be left out.

    Docker Hub has several, and engines give the one login for it to each (BuildKit's `authprovider`).
    """
    host, _, port = address.lower().partition(":")
    host, port = host.rstrip("."), port.lstrip("0")
    host = DEFAULT_REGISTRY if host in _HUBS else host
    return host if port in ("", "443", "80") else f"{host}:{port}"


def kept_at_best(address: str) -> Isolation:
    """The finest isolation that the registry of an address can have, as far as its host tells."""
    host = plain_address(address).partition(":")[0]
    return next((kept for kept, end in KEPT if host.endswith(end)), Isolation.PATH)


def filled(path: str, scope: Scope) -> str:
    """A path of a scope with the number of its pull request."""
    return path.replace(NUMBER, str(scope.number))


@dataclass(frozen=True, kw_only=True, slots=True)
class BuilderRule:
    """A builder and the levels that it serves. An `ephemeral` one serves one run and is thrown away."""

    name: str
    levels: tuple[Level, ...]
    ephemeral: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenServer:
    """What the token server of a policy answers to.

    `issuers` are those of identity tokens with their provider, `audience` is what such a token must be made for,
    `service` and `issuer` are what the registry's configuration calls the same.
    """

    issuers: tuple[tuple[str, str], ...]
    audience: str
    service: str
    issuer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayRule:
    """What a trusted run builds for pull requests: after which label, how many images at once, for how many minutes."""

    label: str
    images: int
    minutes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Everything that a policy file says.

    `reviewed`: nothing gets into a protected branch without a review. `guarded`: no workflow that outsiders can start
    runs code of theirs in the context of the default branch, which `planner policy lint` looks for. `budget` is that of
    GitHub's cache in bytes, `retention` holds days by scope.
    """

    identity: Identity
    registries: Mapping[str, RegistryRule]
    scopes: Mapping[str, ScopeRule]
    builders: tuple[BuilderRule, ...] = ()
    reviewed: bool = True
    guarded: bool = False
    budget: int = 10 << 30
    retention: Mapping[str, int] = field(default_factory=dict)
    token_server: TokenServer | None = None
    signing: Signing | None = None
    relay: RelayRule | None = None
