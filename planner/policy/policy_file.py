"""Turns the text of `policy.yaml` into a Policy, or into all of its mistakes with their places."""

from __future__ import annotations

import re
from collections.abc import Mapping

from planner.errors import DefinitionError, one_of
from planner.policy.fields import Entries, choice, inside, levels_of, listed, text_of
from planner.policy.identity import BOTS, Identity, Ours
from planner.policy.policy import (
    NUMBER,
    Backend,
    BuilderRule,
    Isolation,
    Policy,
    RegistryRule,
    ScopeRule,
    TokenServer,
    kept_at_best,
    plain_address,
)
from planner.policy.relay_file import relay_of
from planner.policy.scopes import PR, SCOPES
from planner.policy.signing_file import signing_of
from planner.sources.yaml_nodes import Node, Reader, compose

TOP = (
    "version",
    "repositories",
    "protected",
    "runners",
    "refused",
    "registries",
    "scopes",
    "builders",
    "assume",
    "budget",
    "retention",
    "token_server",
    "signing",
    "relay",
)
PROVIDERS = ("github", "gitlab", "buildkite")
_PATH = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
_SIZE = re.compile(r"([1-9][0-9]{0,6})(KiB|MiB|GiB|TiB)")
_DAYS = re.compile(r"([1-9][0-9]{0,4})d")
_ATTRIBUTE = re.compile(r"[a-z_]+")
SIZES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def read(data: bytes, file: str) -> Policy:
    """The policy that a file holds. Raises DefinitionError with everything that is wrong in it."""
    reader, node = compose(data, file)
    top = reader.fields(node, "policy", TOP)
    _version(reader, node, top)
    registries = _registries(reader, top)
    assumed = _assumed(reader, top)
    policy = Policy(
        identity=_identity(reader, top),
        registries=registries,
        scopes=_scopes(reader, node, top, registries),
        builders=_builders(reader, top),
        reviewed=assumed.get("reviewed", True),
        guarded=assumed.get("guarded", False),
        budget=_budget(reader, top),
        retention=_retention(reader, top),
        token_server=_token_server(reader, top),
        signing=signing_of(reader, top),
        relay=relay_of(reader, top),
    )
    if reader.mistakes:
        raise DefinitionError(reader.mistakes)
    return policy


def _version(reader: Reader, node: Node, top: Entries) -> None:
    if "version" not in top:
        reader.wrong(node, "policy: has no version", "begin with version: 1")
    elif reader.text(top["version"][1], "version") != "1":
        reader.wrong(top["version"][1], "version: must be 1")


def _identity(reader: Reader, top: Entries) -> Identity:
    found: list[Ours] = []
    for provider, (key, node) in inside(reader, top, "repositories", "repositories", PROVIDERS).items():
        path = f"repositories.{provider}"
        fields = reader.fields(node, path, ("name", "id", "owner"))
        ours = Ours(
            provider=provider,
            name=text_of(reader, fields, "name", path),
            repository_id=text_of(reader, fields, "id", path),
            owner_id=text_of(reader, fields, "owner", path),
        )
        if not ours.name:
            reader.wrong(key, f"{path}: has no name", "name: OWNER/REPOSITORY")
        if provider != "buildkite" and not (ours.repository_id and ours.owner_id):
            hint = "a name can be given up and registered anew by others; ids cannot"
            reader.wrong(key, f"{path}: needs id and owner, the numbers of the repository and its owner", hint)
        found.append(ours)
    protected = inside(reader, top, "protected", "protected", ("branches", "tags"))
    identity = Identity()
    return Identity(
        repositories=tuple(found),
        branches=listed(reader, protected, "branches", "protected.", identity.branches),
        tags=listed(reader, protected, "tags", "protected.", ()),
        runners=listed(reader, top, "runners", "", identity.runners),
        refused=listed(reader, top, "refused", "", BOTS),
    )


def _registries(reader: Reader, top: Entries) -> dict[str, RegistryRule]:
    found: dict[str, RegistryRule] = {}
    for name, (key, node) in inside(reader, top, "registries", "registries").items():
        path = f"registries.{name}"
        fields = reader.fields(node, path, ("address", "isolation"))
        address = text_of(reader, fields, "address", path)
        if not address or "/" in address or any(not letter.isprintable() or letter in " ,\"'" for letter in address):
            reader.wrong(key, f"{path}: needs an address: HOST or HOST:PORT")
        if same := [one.name for one in found.values() if plain_address(one.address) == plain_address(address)]:
            what = f"is the registry {same[0]} again: what is written to one would be read from the other"
            reader.wrong(key, f"{path}.address: {what}", f"name {same[0]} in its place")
        isolation = Isolation.NONE
        if "isolation" in fields:
            told = choice(reader, fields, "isolation", path, list(Isolation))
            isolation = Isolation(told) if told else Isolation.NONE
            _expect_kept(reader, fields["isolation"][1], f"{path}.isolation", address, isolation)
        found[name] = RegistryRule(name=name, address=address, isolation=isolation)
    return found


def _expect_kept(reader: Reader, node: Node, path: str, address: str, isolation: Isolation) -> None:
    """A registry that is known to keep less apart than a policy believes would make its proof worth nothing."""
    best, order = kept_at_best(address), list(Isolation)
    if order.index(isolation) < order.index(best):
        what = "no paths" if best is Isolation.REPOSITORY else "neither paths nor repositories"
        hint = f"write isolation: {best}, and ask planner policy check what that leaves open"
        reader.wrong(node, f"{path}: {address} keeps {what} apart, so {isolation} is not so there", hint)


def _scopes(reader: Reader, node: Node, top: Entries, registries: Mapping[str, RegistryRule]) -> dict[str, ScopeRule]:
    found: dict[str, ScopeRule] = {}
    names = ("registry", "cache", "images", "write", "read", "backend", "attributes")
    for kind, (key, value) in inside(reader, top, "scopes", "scopes", SCOPES).items():
        path = f"scopes.{kind}"
        fields = reader.fields(value, path, names)
        registry = text_of(reader, fields, "registry", path)
        if registry not in registries:
            hint = one_of(registry, list(registries)) or "declare it under registries:"
            reader.wrong(key, f'{path}.registry: no registry is named "{registry}"', hint)
        cache = _path(reader, fields, "cache", path, key, kind)
        backend = Backend.REGISTRY
        if "backend" in fields:
            backend = Backend(choice(reader, fields, "backend", path, list(Backend)) or Backend.REGISTRY)
        found[kind] = ScopeRule(
            kind=kind,
            registry=registry,
            cache=cache,
            images=_path(reader, fields, "images", path, key, kind) if "images" in fields else cache,
            write=levels_of(reader, fields, "write", path),
            read=levels_of(reader, fields, "read", path),
            backend=backend,
            attributes=_attributes(reader, fields, path),
        )
    if not found and not reader.mistakes:
        reader.wrong(node, "scopes: there is none", f"name {', '.join(SCOPES)}, each with registry, cache, read, write")
    return found


def _path(reader: Reader, fields: Entries, name: str, path: str, key: Node, kind: str) -> str:
    text = text_of(reader, fields, name, path)
    where = fields[name][1] if name in fields else key
    if not _PATH.fullmatch(text.replace(NUMBER, "0")):
        reader.wrong(where, f"{path}.{name}: is a path of a registry in lower case, such as cache/main")
    elif (f"/{NUMBER}" in f"/{text}") != (kind == PR) or text.count("{") > 1:
        what = f"holds {NUMBER} as one of its parts" if kind == PR else f"holds no {NUMBER}"
        reader.wrong(where, f"{path}.{name}: the path of this scope {what}")
    elif kind == PR and NUMBER not in text.split("/"):
        reader.wrong(where, f"{path}.{name}: {NUMBER} is a part on its own, else 1 would be the beginning of 17")
    return text


def _attributes(reader: Reader, fields: Entries, path: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for name, (key, value) in inside(reader, fields, "attributes", f"{path}.attributes").items():
        if not _ATTRIBUTE.fullmatch(name):
            reader.wrong(key, f'{path}.attributes: "{name}" is no attribute')
        elif "key" in name or "token" in name:
            reader.wrong(key, f"{path}.attributes.{name}: a secret has no place in this file", "set it in BuildKit")
        else:
            found.append((name, reader.text(value, f"{path}.attributes.{name}") or ""))
    return tuple(found)


def _builders(reader: Reader, top: Entries) -> tuple[BuilderRule, ...]:
    found: list[BuilderRule] = []
    for name, (_, node) in inside(reader, top, "builders", "builders").items():
        fields = reader.fields(node, f"builders.{name}", ("levels", "ephemeral"))
        levels = levels_of(reader, fields, "levels", f"builders.{name}")
        ephemeral = _truth(reader, fields, "ephemeral", f"builders.{name}", default=False)
        found.append(BuilderRule(name=name, levels=levels, ephemeral=ephemeral))
    return tuple(found)


def _assumed(reader: Reader, top: Entries) -> dict[str, bool]:
    fields = inside(reader, top, "assume", "assume", ("reviewed", "guarded"))
    return {name: _truth(reader, fields, name, "assume", default=False) for name in fields}


def _truth(reader: Reader, fields: Entries, name: str, path: str, *, default: bool) -> bool:
    if name not in fields:
        return default
    return choice(reader, fields, name, path, ("true", "false")) == "true"


def _budget(reader: Reader, top: Entries) -> int:
    fields = inside(reader, top, "budget", "budget", ("github_cache",))
    if "github_cache" not in fields:
        return 10 << 30
    found = _SIZE.fullmatch(text_of(reader, fields, "github_cache", "budget"))
    if found is None:
        reader.wrong(fields["github_cache"][1], "budget.github_cache: is a size such as 10GiB")
        return 0
    return int(found[1]) * SIZES[found[2]]


def _retention(reader: Reader, top: Entries) -> dict[str, int]:
    days: dict[str, int] = {}
    for name, (_, node) in inside(reader, top, "retention", "retention", SCOPES).items():
        found = _DAYS.fullmatch(reader.text(node, f"retention.{name}") or "")
        if found is None:
            reader.wrong(node, f"retention.{name}: is a number of days such as 14d")
        else:
            days[name] = int(found[1])
    return days


def _token_server(reader: Reader, top: Entries) -> TokenServer | None:
    if "token_server" not in top:
        return None
    names = ("issuers", "audience", "service", "issuer")
    fields = inside(reader, top, "token_server", "token_server", names)
    for name in names:
        if name not in fields:
            reader.wrong(top["token_server"][0], f"token_server: has no {name}")
    issuers: list[tuple[str, str]] = []
    for provider, (_, node) in inside(reader, fields, "issuers", "token_server.issuers", PROVIDERS[:2]).items():
        issuers.append((provider, reader.text(node, f"token_server.issuers.{provider}") or ""))
    return TokenServer(
        issuers=tuple(issuers),
        audience=text_of(reader, fields, "audience", "token_server"),
        service=text_of(reader, fields, "service", "token_server"),
        issuer=text_of(reader, fields, "issuer", "token_server"),
    )
