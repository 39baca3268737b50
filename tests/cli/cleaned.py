"""A family of one image whose registry is cleaned, and a stand-in for GitHub's packages over that registry."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from planner.registry.client import HttpRegistry
from planner.registry.listing import listing
from tests.cli.test_documents import check
from tests.engine.engine import Engine
from tests.registry.faults import Proxy, faulty
from tests.registry.stocked import key_of, stock
from tests.workspace import Workspace

RECORDED = Path(__file__).parents[1] / "registry" / "recorded"
CLIENT = HttpRegistry()
DAY = 86_400.0


class Space(Workspace):
    """A family of one image in a registry that everything is asked of through a proxy."""

    proxy: Proxy
    repository: str
    current: str
    old: str

    def gc(self, *arguments: str, status: int = 0, **environment: str) -> dict[str, Any]:
        run = self.planner("gc", *arguments, "--format", "json", **environment)
        assert run.returncode == status, run.stderr
        assert "Traceback" not in run.stderr
        if status:
            return {"error": run.stderr}
        document: dict[str, Any] = json.loads(run.stdout)
        check("gc", document)
        return document


@contextmanager
def cleaned_space(tmp_path: Path, engine: Engine) -> Iterator[Space]:
    with faulty(engine.registry.address) as proxy:
        made = Space(tmp_path / "family")
        made.proxy = proxy
        prefix = f"acme/{tmp_path.name.lower().replace('_', '-')[-30:]}"
        made.write(
            {
                "images.yaml": f"version: 1\nregistry: {proxy.address}/{prefix}\nimages: {{tool: {{}}}}\n",
                "Dockerfile": "FROM scratch\nCOPY Dockerfile /\n",
            }
        )
        made.commit()
        made.repository = f"{engine.registry.address}/{prefix}/tool"
        made.current = stock(CLIENT, made.repository, made.keys()["tool"], at=time.time() - 40 * DAY)
        made.old = stock(CLIENT, made.repository, key_of(1), at=time.time() - 30 * DAY)
        yield made


def written(days: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * DAY))


LAST = "You cannot delete the last tagged version of a package. You must delete the package instead."


class Github:
    """The versions of one package, in the documented form, over the manifests that a registry holds.

    As the real one it deletes the last version with a tag only together with the package.
    """

    def __init__(self, repository: str, untagged: dict[str, float], owner: str = "orgs") -> None:
        self.repository = repository
        whose, _, name = repository.partition("/")[2].partition("/")
        self.package = f"/{owner}/{whose}/packages/container/{name.replace('/', '%2F')}"
        self.place = f"{self.package}/versions"
        form = json.loads((RECORDED / "ghcr-versions.json").read_text())[0]
        found = [(one.digest, one.tags, 30.0) for one in listing(CLIENT, repository).manifests]
        found += [(digest, (), days) for digest, days in untagged.items()]
        self.versions = {
            1000 + number: {
                **form,
                "id": 1000 + number,
                "name": digest,
                "created_at": written(days),
                "metadata": {"package_type": "container", "container": {"tags": list(tags)}},
            }
            for number, (digest, tags, days) in enumerate(found)
        }
        self.deleted: list[str] = []

    def __call__(self, method: str, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        if not self.versions or not path.startswith(self.package):
            return 404, {"message": "Not Found"}
        if method == "GET":
            return 200, list(self.versions.values())
        if path == self.package:
            for number in list(self.versions):
                self._delete(number)
            return 204, None
        number = int(path.rpartition("/")[2])
        if number not in self.versions:
            return 404, {"message": "Package not found."}
        tagged = [one for one, version in self.versions.items() if version["metadata"]["container"]["tags"]]
        if tagged == [number]:
            return 400, {"message": LAST}
        self._delete(number)
        return 204, None

    def _delete(self, number: int) -> None:
        digest = str(self.versions.pop(number)["name"])
        self.deleted.append(digest)
        CLIENT.delete(self.repository, digest)
