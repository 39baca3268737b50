"""Draws Compose projects: several files, services that extend, includes, variables, every field of a build."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.sources.doors.compose.judge import Case

VARIABLES = ("A", "B", "C", "DIR")
WORDS = ("one", "two", "three", "x-y", "a.b", "1", "")
SERVICES = ("app", "base", "web", "db")
COMMON = ("common-one", "common-two")
MARKS = ("", "", "", "", "", "!override ", "!reset ")


def generated(seed: int) -> Case:
    """One project."""
    draw = random.Random(seed)  # noqa: S311 -- drawn again by its seed
    common = draw.random() < 0.4
    files = {f"{name}.yaml": _file(draw, name, common=common) for name in ("a", "b", "c")[: draw.randint(1, 3)]}
    named = tuple(files)
    if common:
        files["common/base.yaml"] = _file(draw, "common")
    if draw.random() < 0.3:
        files["inc/compose.yaml"] = _file(draw, "inc")
        files["a.yaml"] = "include: [inc/compose.yaml]\n" + files["a.yaml"]
        if draw.random() < 0.5:
            files["inc/.env"] = _env(draw)
    if draw.random() < 0.6:
        files[".env"] = _env(draw)
    environment = {name: draw.choice(WORDS) for name in VARIABLES if draw.random() < 0.4}
    profiles = tuple(draw.sample(("p", "q", "*"), draw.randint(0, 2)))
    return Case(files=files, named=named, environment=environment, profiles=profiles)


def _env(draw: random.Random) -> str:
    values = ("x", "'q $A'", '"d $A"', "$A-${B:-b}", "a #c", "", " sp ", "a#b", '"a\\nb"', "${C:+c}")
    return "".join(f"{name}={draw.choice(values)}\n" for name in VARIABLES if draw.random() < 0.6)


def _file(draw: random.Random, name: str, *, common: bool = False) -> str:
    services = list(COMMON) if name == "common" else draw.sample(SERVICES, draw.randint(1, len(SERVICES)))
    lines = ["x-args: &args {X: 1, Y: '${A:-y}'}", "services:"]
    for at, service in enumerate(services):
        lines.append(f"  {service}:")
        lines.append(f"    image: {_text(draw)}i{draw.randint(0, 2)}")
        if draw.random() < 0.2:
            lines.append(f"    profiles: [{draw.choice(('p', 'q'))}]")
        if draw.random() < 0.1:
            lines.append("    platform: linux/arm64")
        if common and draw.random() < 0.3:
            lines.append(f"    extends: {{service: {draw.choice(COMMON)}, file: common/base.yaml}}")
        elif draw.random() < 0.02 or (at and draw.random() < 0.3):
            lines.append(f"    extends: {draw.choice(services[:at] or SERVICES)}")
        if draw.random() < 0.8:
            lines += _build(draw)
    lines.append(f"secrets: {{s: {{file: {name}.txt}}, t: {{environment: T}}}}")
    return "\n".join(lines) + "\n"


def _build(draw: random.Random) -> list[str]:
    if draw.random() < 0.15:
        return [f"    build: ./{draw.choice(('src', 'a/b', '.', '${DIR:-d}'))}"]
    lines = [f"    build: {draw.choice(MARKS[:6]).strip()}"]
    fields: dict[str, Any] = {
        "context": lambda: draw.choice((".", "src", "../up", "${DIR:-d}", "a/../b")),
        "dockerfile": lambda: draw.choice(("Dockerfile", "x/$A.Dockerfile")),
        "target": lambda: draw.choice(("t", "${B}")),
        "args": lambda: _pairs(draw),
        "labels": lambda: _pairs(draw),
        "additional_contexts": lambda: draw.choice(({"r": "./lib", "i": "docker-image://a:${A}"}, ["r=../lib"])),
        "tags": lambda: draw.sample(("a:1", "b:${A}", "c", "a:1"), draw.randint(0, 3)),
        "cache_from": lambda: draw.sample(("a", "b", "type=gha"), draw.randint(0, 2)),
        "platforms": lambda: draw.sample(("linux/amd64", "linux/arm64"), draw.randint(0, 2)),
        "network": lambda: draw.choice(("host", "none")),
        "no_cache": lambda: draw.choice((True, False, "true")),
        "shm_size": lambda: draw.choice((1000, "64m", "1.5gb", "2G")),
        "ulimits": lambda: draw.choice(({"n": 1}, {"n": {"soft": 1, "hard": 2}, "m": 3})),
        "extra_hosts": lambda: draw.choice((["a=1.1.1.1", "b:2.2.2.2"], {"a": "1.1.1.1", "c": "3.3.3.3"})),
        "secrets": lambda: draw.choice((["s"], [{"source": "t", "target": "x"}])),
        "entitlements": lambda: draw.sample(("network.host", "security.insecure"), draw.randint(0, 2)),
    }
    for name in draw.sample(sorted(fields), draw.randint(1, 7)):
        mark = draw.choice(MARKS if name != "context" else MARKS[:6])  # their `!reset` misses `build: FOLDER`
        lines.append(f"      {name}: {mark}{json.dumps(fields[name]())}")
    if draw.random() < 0.2 and not any(line.startswith("      args:") for line in lines):
        lines.append("      args: {<<: *args, Z: $C}")
    return lines


def _pairs(draw: random.Random) -> Any:
    names = draw.sample(("A", "B", "X", "Y", "N"), draw.randint(0, 4))
    if draw.random() < 0.5:
        return [f"{name}={_text(draw)}" if draw.random() < 0.7 else name for name in names]
    values = (lambda: _text(draw), lambda: None, lambda: 1.50, lambda: True, lambda: 10, lambda: "1.50")
    return {name: draw.choice(values)() for name in names}


def _text(draw: random.Random) -> str:
    return draw.choice(("", "x", "${A}", "${B:-b}", "$C", "${A:+a}", "$$A", "${B-${A:-n}}", "a-b"))
