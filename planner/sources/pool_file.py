"""Turns `pool.yaml` into remote builders: where each listens, what it takes, and the certificates to speak with it.

Paths in it are relative to its folder; this knows no files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from planner.errors import DefinitionError
from planner.model.frozen import dataclass
from planner.sources.yaml_nodes import Node, Reader, compose

TOP = ("version", "tls", "builders")
TLS = ("ca", "cert", "key", "server_name")
ADDRESS = re.compile(r"tcp://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}", re.ASCII)
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
WEIGHT = re.compile(r"\d{1,3}(?:\.\d{1,3})?", re.ASCII)
Entries = Mapping[str, tuple[Node, Node]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """One builder. `ca`, `cert` and `key` are paths as written, all empty where it is spoken to in the clear.

    `server_name` is the name that its certificate must have, "" for the one of the address.
    """

    name: str
    address: str
    weight: float = 1.0
    ca: str = ""
    cert: str = ""
    key: str = ""
    server_name: str = ""

    @property
    def spec(self) -> str:
        """The same builder as `--builder` takes it by its address; notes of builders go by it."""
        return f"buildkit:{self.address}"

    @property
    def host(self) -> str:
        """The host of the address."""
        return self.address.removeprefix("tcp://").rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of the address."""
        return int(self.address.rpartition(":")[2])


def read(data: bytes, file: str) -> tuple[Remote, ...]:
    """The builders of a pool, in the order of the file. Raises DefinitionError with everything that is wrong in it."""
    reader, node = compose(data, file)
    top = reader.fields(node, "pool", TOP)
    if "version" not in top:
        reader.wrong(node, "pool: has no version", "begin with version: 1")
    elif reader.text(top["version"][1], "version") != "1":
        reader.wrong(top["version"][1], "version: must be 1")
    if "builders" not in top:
        reader.wrong(node, "pool: names no builders", "builders: {big: {address: tcp://big.example:1234}}")
    shared = _texts(reader, reader.fields(top["tls"][1], "tls", TLS), "tls") if "tls" in top else {}
    entries = reader.fields(top["builders"][1], "builders") if "builders" in top else {}
    found = tuple(_remote(reader, name, key, value, shared) for name, (key, value) in entries.items())
    seen: dict[str, str] = {}
    for one in found:
        if one.address and seen.setdefault(one.address, one.name) != one.name:
            reader.wrong(entries[one.name][0], f"builders.{one.name}: is at the address of {seen[one.address]}")
    if reader.mistakes:
        raise DefinitionError(reader.mistakes)
    return found


def _texts(reader: Reader, fields: Entries, path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, (_, node) in fields.items():
        text = reader.text(node, f"{path}.{name}") or ""
        if not text.isprintable() or "," in text or '"' in text:
            reader.wrong(node, f"{path}.{name}: holds a comma, a quote or a control character")
            text = ""
        found[name] = text
    return found


def _remote(reader: Reader, name: str, key: Node, value: Node, shared: Mapping[str, str]) -> Remote:
    path = f"builders.{name}"
    if not NAME.fullmatch(name):
        reader.wrong(key, f"{path}: a name is letters, digits and . _ -, 63 at most")
    fields = reader.fields(value, path, ("address", "weight", *TLS))
    texts = {**shared, **_texts(reader, fields, path)}
    address, weight = texts.get("address", ""), texts.get("weight", "1")
    if not ADDRESS.fullmatch(address) or int(address.rpartition(":")[2]) > 65535:
        reader.wrong(value, f"{path}.address: must be tcp://HOST:PORT")
        address = ""
    if not WEIGHT.fullmatch(weight) or not float(weight):
        reader.wrong(value, f"{path}.weight: must be a number above 0, such as 2 or 0.5")
        weight = "1"
    given = [part for part in ("ca", "cert", "key") if texts.get(part)]
    if given and len(given) < 3:
        reader.wrong(value, f"{path}: mTLS takes ca, cert and key, all three", "or none, for a builder in the clear")
    return Remote(
        name=name,
        address=address,
        weight=float(weight),
        **{part: texts.get(part, "") for part in TLS},
    )
