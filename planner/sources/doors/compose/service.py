"""Turns the merged fields of a service into a Service with its Build: every field checked, none passed over."""

from __future__ import annotations

import re
from collections.abc import Mapping

from planner.errors import one_of
from planner.model.image import Pairs
from planner.sources.doors.compose.mistakes import Mistakes
from planner.sources.doors.compose.records import Build, Secret, Service
from planner.sources.doors.compose.template import Lookup
from planner.sources.doors.compose.values import Fields, Listing, Scalar, Type, Value

TEXTS = ("context", "dockerfile", "dockerfile_inline", "target", "network", "isolation")
LISTS = ("tags", "platforms", "cache_from", "cache_to", "entitlements", "extra_hosts")
FLAGS = ("no_cache", "pull", "privileged")
MAPPINGS = ("args", "labels", "additional_contexts", "ssh")
OTHERS = ("no_cache_filter", "provenance", "sbom", "secrets", "shm_size", "ulimits")
KNOWN = (*TEXTS, *LISTS, *FLAGS, *MAPPINGS, *OTHERS)
_YES, _NO = ("true", "y", "yes", "on"), ("false", "n", "no", "off")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(?:([kKmMgGtTpP])?(?:[iI]?[bB])?)?")
_PREFIXES = "kmgtp"


def service_of(name: str, fields: Fields, secrets: Mapping[str, Fields], lookup: Lookup, mistakes: Mistakes) -> Service:
    """The service that its fields say."""
    reader = _Reader(f"services.{name}", fields, mistakes)
    build = fields.entries.get("build")
    if build is not None and not isinstance(build, Fields):
        mistakes.wrong(build.place, f"services.{name}.build: must be a folder or a mapping")
    return Service(
        name=name,
        span=fields.places.get("", fields.place),
        image=reader.text("image"),
        platform=reader.text("platform"),
        profiles=reader.texts("profiles"),
        is_provided="provider" in fields.entries,
        build=_build(f"services.{name}.build", build, secrets, lookup, mistakes) if isinstance(build, Fields) else None,
    )


def _build(path: str, fields: Fields, secrets: Mapping[str, Fields], lookup: Lookup, mistakes: Mistakes) -> Build:
    reader = _Reader(path, fields, mistakes)
    reader.refuse_unknown()
    inline, dockerfile = reader.text("dockerfile_inline"), reader.text("dockerfile")
    if inline and dockerfile:
        reader.wrong("dockerfile_inline", "stands beside dockerfile:", "keep one of them")
    return Build(
        span=fields.place,
        context=reader.text("context") or ".",
        dockerfile=dockerfile or ("" if inline else "Dockerfile"),
        dockerfile_inline=inline,
        target=reader.text("target"),
        args=reader.arguments(lookup),
        contexts=reader.pairs("additional_contexts"),
        platforms=reader.texts("platforms"),
        tags=reader.texts("tags"),
        labels=reader.pairs("labels"),
        secrets=tuple(reader.secrets(secrets)),
        ssh=reader.pairs("ssh"),
        network=reader.text("network"),
        cache_from=reader.texts("cache_from"),
        cache_to=reader.texts("cache_to"),
        no_cache=reader.flag("no_cache"),
        no_cache_filter=reader.texts("no_cache_filter", or_one=True),
        pull=reader.flag("pull"),
        privileged=reader.flag("privileged"),
        entitlements=reader.texts("entitlements"),
        extra_hosts=reader.hosts(),
        shm_size=reader.size("shm_size"),
        ulimits=tuple(reader.ulimits()),
        isolation=reader.text("isolation"),
        provenance=reader.plain("provenance"),
        sbom=reader.plain("sbom"),
        extensions={name: value for name, value in fields.entries.items() if name.startswith("x-")},
        places={name: value.place for name, value in fields.entries.items()},
    )


class _Reader:
    """Reads the fields of one mapping."""

    def __init__(self, path: str, fields: Fields, mistakes: Mistakes) -> None:
        self.path = path
        self.fields = fields
        self.mistakes = mistakes

    def wrong(self, name: str, what: str, hint: str = "") -> None:
        value = self.fields.entries.get(name)
        place = self.fields.place if value is None else value.place
        self.mistakes.wrong(place, f"{self.path}.{name}: {what}", hint)

    def refuse_unknown(self) -> None:
        for name in self.fields.entries:
            if name not in KNOWN and not name.startswith("x-"):
                place = self.fields.places.get(name, self.fields.place)
                hint = one_of(name, KNOWN) or "the planner cannot tell what it changes: leave it out to plan"
                self.mistakes.wrong(place, f'{self.path}: unknown field "{name}"', hint)

    def text(self, name: str) -> str:
        value = self.fields.entries.get(name)
        if value is None:
            return ""
        if not isinstance(value, Scalar) or value.type is not Type.TEXT:
            self.wrong(name, "must be text", 'write it in quotes: "…"')
            return ""
        return value.text

    def plain(self, name: str) -> str:
        value = self.fields.entries.get(name)
        return value.text if isinstance(value, Scalar) else ""

    def texts(self, name: str, *, or_one: bool = False) -> tuple[str, ...]:
        """A list of texts; a later entry of the same name takes the place of an earlier one, as Compose has it."""
        value = self.fields.entries.get(name)
        if or_one and isinstance(value, Scalar) and value.type is Type.TEXT:
            return (value.text,)
        found: list[str] = []
        for item in self._items(name, value):
            if isinstance(item, Scalar) and item.type is Type.TEXT:
                found.append(item.text)
            else:
                self.wrong(name, "must be a list of texts")
        if name not in ("tags", "profiles"):
            return tuple(found)
        return tuple({text.partition("=")[0]: text for text in found}.values())

    def _items(self, name: str, value: Value | None) -> tuple[Value, ...]:
        if isinstance(value, Listing):
            return value.items
        if value is not None:
            self.wrong(name, "must be a list")
        return ()

    def _entries(self, name: str) -> Mapping[str, Value]:
        value = self.fields.entries.get(name)
        if isinstance(value, Fields):
            return value.entries
        if value is not None:
            self.wrong(name, "must be a mapping or a list")
        return {}

    def _scalars(self, name: str) -> dict[str, Scalar]:
        found: dict[str, Scalar] = {}
        for key, value in self._entries(name).items():
            if isinstance(value, Scalar):
                found[key] = value
            else:
                self.mistakes.wrong(value.place, f"{self.path}.{name}.{key}: must be text")
        return found

    def pairs(self, name: str) -> Pairs:
        found = self._scalars(name)
        for key, value in found.items():
            if name == "additional_contexts" and value.type is not Type.TEXT:
                self.mistakes.wrong(value.place, f"{self.path}.{name}.{key}: has no value")
            if name == "ssh" and value.type is Type.NULL and key != "default":
                hint = "only default stands alone; write ID=PATH"
                self.mistakes.wrong(value.place, f"{self.path}.ssh: {key} has no path", hint)
        return tuple((key, value.text) for key, value in found.items())

    def arguments(self, lookup: Lookup) -> Pairs:
        """Build arguments; one without a value has that of the environment, or is left out."""
        found: list[tuple[str, str]] = []
        for name, value in self._scalars("args").items():
            text = lookup(name) if value.type is Type.NULL else value.text
            if text is not None:
                found.append((name, text))
        return tuple(found)

    def flag(self, name: str) -> bool:
        value = self.fields.entries.get(name)
        text = value.text.lower() if isinstance(value, Scalar) and value.type in (Type.BOOL, Type.TEXT) else ""
        if value is not None and text not in (*_YES, *_NO):
            self.wrong(name, "must be true or false")
        return text in _YES

    def hosts(self) -> tuple[str, ...]:
        """Hosts as `NAME=ADDRESS`, sorted."""
        found: list[str] = []
        for text in self.texts("extra_hosts"):
            separator = "=" if "=" in text else ":"
            host, there, addresses = text.partition(separator)
            if not host or not there or not addresses:
                self.wrong("extra_hosts", f'"{text}" has no address', "write NAME=ADDRESS")
            for address in addresses.split(","):
                found.append(f"{host}={address.removeprefix('[').removesuffix(']') if '[' in address else address}")
        return tuple(sorted(found))

    def size(self, name: str) -> int:
        """A size in bytes, as go-units reads it: `64m` are 64 times 1024 times 1024."""
        value = self.fields.entries.get(name)
        if value is None:
            return 0
        text = value.text if isinstance(value, Scalar) and value.type is not Type.BOOL else ""
        found = _SIZE.fullmatch(text) if len(text) < 40 else None
        if found is None:
            if not re.fullmatch(r"-?\d{1,18}", text):
                self.wrong(name, f'"{text}" is no size', "write a number of bytes, or one with k, m or g")
                return 0
            return int(text)
        number, prefix = found.groups()
        factor = 1024 ** (_PREFIXES.index(prefix.lower()) + 1) if prefix else 1
        return int(number) * factor if number.isdigit() else int(float(number) * factor)

    def ulimits(self) -> list[tuple[str, int, int]]:
        """Limits with their soft and hard value."""
        found: list[tuple[str, int, int]] = []
        value = self.fields.entries.get("ulimits")
        if value is not None and not isinstance(value, Fields):
            self.wrong("ulimits", "must be a mapping")
        for name, one in value.entries.items() if isinstance(value, Fields) else ():
            entries = one.entries if isinstance(one, Fields) else {"soft": one, "hard": one}
            try:
                soft, hard = (int(entries[part].text) for part in ("soft", "hard"))  # type: ignore[union-attr]
            except (KeyError, ValueError, AttributeError):
                self.mistakes.wrong(one.place, f"{self.path}.ulimits.{name}: must be a number, or soft: and hard:")
                continue
            found.append((name, soft, hard))
        return sorted(found)

    def secrets(self, known: Mapping[str, Fields]) -> list[Secret]:
        found: list[Secret] = []
        for item in self._items("secrets", self.fields.entries.get("secrets")):
            fields = item if isinstance(item, Fields) else Fields({"source": item}, item.place)
            reader = _Reader(f"{self.path}.secrets", fields, self.mistakes)
            source = reader.text("source")
            given = _Reader(f"secrets.{source}", known.get(source, Fields({}, item.place)), self.mistakes)
            file, environment = given.text("file"), given.text("environment")
            found.append(Secret(id=reader.text("target"), source=source, file=file, environment=environment))
        return found
