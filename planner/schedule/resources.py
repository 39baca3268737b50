"""What builds need of a machine and what it has: cpu, memory, disk, the whole of it, and named pools such as gpu.

Amounts are vectors by name. A name that a machine does not tell is without limit on it. Knows nothing of images.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from planner.errors import PlannerError

EXCLUSIVE = "exclusive"
"""Needs the machine to itself."""
BYTES = ("memory", "disk")
UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?(?:([kmgt]i?)?b?)", re.IGNORECASE)
_NAME = re.compile(r"[a-z][a-z0-9._-]{0,40}")

Amounts = Mapping[str, float]


def amounts(pairs: Iterable[tuple[str, str]], where: str) -> dict[str, float]:
    """Names with amounts as written: `cpu: 2`, `memory: 4GiB`, `gpu: 1`, `exclusive: true`.

    Raises PlannerError, which says `where`.
    """
    found: dict[str, float] = {}
    for name, text in pairs:
        if not _NAME.fullmatch(name):
            raise PlannerError(f'{where}: "{name}" is no name of a resource; write cpu, memory, disk, exclusive or gpu')
        found[name] = _exclusive(text, where) if name == EXCLUSIVE else _amount(name, text, where)
    return found


def _exclusive(text: str, where: str) -> float:
    if text.lower() not in ("true", "false"):
        raise PlannerError(f'{where}: exclusive is true or false, not "{text}"')
    return float(text.lower() == "true")


def _amount(name: str, text: str, where: str) -> float:
    match = _AMOUNT.fullmatch(text.strip())
    unit = (match[2] or "").lower() if match else ""
    if match is None or (unit and name not in BYTES):
        hint = "such as 4GB or 4GiB" if name in BYTES else "without a unit"
        raise PlannerError(f'{where}: {name} is a number {hint}, not "{text}"')
    # Whole bytes: 1.07GB would be a little more than 1070MB.
    return float(round(float(match[1]) * UNITS[unit])) if unit else float(match[1])


def capacity(text: str) -> dict[str, float]:
    """What a machine has, as a command line says it: `cpu=8,memory=16GB,gpu=1`. Raises PlannerError."""
    pairs = [entry.partition("=") for entry in text.split(",") if entry.strip()]
    if any(not equals for _, equals, _ in pairs):
        raise PlannerError(f'--resources: write NAME=AMOUNT,…, not "{text}"')
    return amounts(((name.strip(), amount) for name, _, amount in pairs), "--resources")


def lacking(need: Amounts, have: Amounts, used: Amounts) -> list[str]:
    """The names of which a need is more than is left. What a machine does not tell is never lacking."""
    return [name for name, amount in need.items() if name in have and used.get(name, 0.0) + amount > have[name] + 1e-9]


def never(need: Amounts, have: Amounts) -> str:
    """What a machine could not give even if nothing else ran on it, for people; "" for nothing."""
    return ", ".join(f"{name} {need[name]:g} of {have[name]:g}" for name in lacking(need, have, {}))
