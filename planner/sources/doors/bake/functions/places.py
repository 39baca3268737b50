"""Functions on paths and on networks."""

from __future__ import annotations

import ipaddress
import posixpath
from collections.abc import Mapping

from planner.sources.doors.bake.functions.signature import Function
from planner.sources.doors.bake.number import whole
from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import NUMBER, STRING, List, Value

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _basename(path: str) -> str:
    return posixpath.basename(path.rstrip("/")) or ("/" if path else ".")


def clean(path: str) -> str:
    """A path without `.`, `..` and double slashes, as Go's path.Clean gives it."""
    found = posixpath.normpath(path) if path else "."
    return found[1:] if found.startswith("//") else found


def _dirname(path: str) -> str:
    return clean(path[: path.rfind("/") + 1])


def _network(text: str) -> Network:
    try:
        if "/" not in text:
            raise ValueError("a length after / is missing")
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise Wrong(f'"{text[:60]}" is no network: {error}') from error


def _cidrhost(text: str, number: Value) -> str:
    network, host = _network(text), whole(number)
    bits = network.max_prefixlen - network.prefixlen
    if not -(2**bits) <= host < 2**bits:
        raise Wrong(f"the network has no host {host}")
    return str(network.network_address + (host if host >= 0 else 2**bits + host))


def _subnet(network: Network, bits: int, number: int) -> Network:
    length = network.prefixlen + bits
    if not 0 <= bits <= 32 or length > network.max_prefixlen or not 0 <= number < 2**bits:
        raise Wrong(f"{network} has no part {number} of {bits} more bits")
    first = int(network.network_address) + (number << (network.max_prefixlen - length))
    return type(network)((first, length))


def _cidrsubnets(text: str, *bits: Value) -> Value:
    network = _network(text)
    found: list[str] = []
    at = int(network.network_address)
    for one in bits:
        more = whole(one)
        length = network.prefixlen + more
        if not 1 <= more <= 32 or length > network.max_prefixlen:
            raise Wrong(f"{network} cannot be extended by {more} bits")
        size = 1 << (network.max_prefixlen - length)
        at = -(-at // size) * size
        if at + size > int(network.broadcast_address) + 1:
            raise Wrong(f"{network} has no room for all these parts")
        found.append(str(type(network)((at, length))))
        at += size
    return List(found)


FUNCTIONS: Mapping[str, Function] = {
    "basename": Function(_basename, (STRING,)),
    "dirname": Function(_dirname, (STRING,)),
    "cidrhost": Function(_cidrhost, (STRING, NUMBER)),
    "cidrnetmask": Function(lambda text: str(_network(text).netmask), (STRING,)),
    "cidrsubnet": Function(
        lambda text, bits, number: str(_subnet(_network(text), whole(bits), whole(number))), (STRING, NUMBER, NUMBER)
    ),
    "cidrsubnets": Function(_cidrsubnets, (STRING,), NUMBER),
}
"""By the name that a file calls them with."""
