"""Opens the builders of a `pool.yaml`: the files that it names, which of them are drained, how buildx reaches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from planner.build import drained
from planner.errors import PlannerError, one_of
from planner.sources.pool_file import Remote, read
from planner.system import given_files

FILE = "pool.yaml"
VARIABLE = "PLANNER_POOL"
"""The variable that names another file."""
MAX_FILE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Pool:
    """The builders of a file. `drained` tells since when each takes no new builds, of those that do not."""

    file: Path
    members: tuple[Remote, ...]
    drained: Mapping[str, str]

    @property
    def open(self) -> tuple[Remote, ...]:
        """Those that take new builds."""
        return tuple(one for one in self.members if one.name not in self.drained)

    def member(self, name: str) -> Remote:
        """The builder of a name. Raises PlannerError."""
        for one in self.members:
            if one.name == name:
                return one
        names = [one.name for one in self.members]
        hint = one_of(name, names) or f"there are {', '.join(names)}"
        raise PlannerError(f'{self.file}: no builder is named "{name}"\n  {hint}')

    def path(self, text: str) -> Path:
        """A path of the file, which is relative to its folder."""
        return self.file.parent / text


def open_pool(file: str, environment: Mapping[str, str]) -> Pool:
    """The pool of a file; "" is that of PLANNER_POOL, else pool.yaml here. Raises PlannerError."""
    path = Path(file or environment.get(VARIABLE) or FILE).absolute()
    try:
        data = given_files.read(path, MAX_FILE)
    except OSError as error:
        hint = f"name a pool.yaml with --pool FILE or {VARIABLE}"
        raise PlannerError(f"{path}: cannot be read: {error.strerror}\n  {hint}") from error
    members = read(data, str(path))
    told = {one.name: since for one in members if (since := drained.since(environment, one.spec))}
    return Pool(file=path, members=members, drained=told)


def driver_options(pool: Pool, remote: Remote) -> list[str]:
    """How buildx's remote driver is told of certificates. Raises PlannerError for a file that is not there."""
    options: list[str] = []
    named = (("cacert", remote.ca), ("cert", remote.cert), ("key", remote.key))
    for option, text in named:
        if not text:
            continue
        path = pool.path(text)
        if not path.is_file():
            raise PlannerError(f"{pool.file}: builders.{remote.name}: there is no file {path}")
        options += ["--driver-opt", f'"{option}={path}"' if "," in str(path) else f"{option}={path}"]
    if remote.ca:
        options += ["--driver-opt", f"servername={remote.server_name or remote.host}"]
    return options
