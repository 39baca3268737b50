"""A family under a policy, in whose registry pull requests and main left things."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from planner.registry.catalog import tags_of
from planner.registry.client import HttpRegistry
from tests.cli.test_documents import check
from tests.engine.engine import Engine
from tests.engine.registry import running_registry
from tests.registry.stocked import key_of, stock, stock_cache
from tests.workspace import Workspace

DAY = 86_400.0
CLIENT = HttpRegistry()
GRAPH = (
    "version: 1\nregistry: {host}/images\nkeys: {{algorithm: sha256}}\nimages: {{app: {{dockerfile: Dockerfile}}}}\n"
)
POLICY = """\
version: 1
repositories: {{github: {{name: acme/images, id: 4711, owner: 42}}}}
protected: {{branches: [main], tags: ["v*"]}}
registries: {{cache: {{address: "{host}", isolation: path}}}}
scopes:
  main:
    {{registry: cache, cache: cache/main, images: images, write: [trusted], read: [release, trusted, pr, untrusted]}}
  release: {{registry: cache, cache: cache/release, images: release, write: [release], read: [release]}}
  pr: {{registry: cache, cache: "cache/pr/{{number}}", images: "pr/{{number}}", write: [pr], read: [pr]}}
retention: {{pr: 7d}}
"""


class Space(Workspace):
    """A family under a policy, with a registry of its own in which pull requests and main left things."""

    host: str

    def gc(self, *arguments: str, **environment: str) -> dict[str, Any]:
        run = self.planner("gc", "--scopes", *arguments, "--format", "json", **environment)
        assert run.returncode == 0, run.stderr
        document: dict[str, Any] = json.loads(run.stdout)
        check("gc", document)
        return document

    def there(self) -> set[str]:
        """The repositories in which anything is tagged."""
        names = ("images/app", "cache/main/app", "release/app")
        pulls = [f"{place}/{number}/app" for place in ("pr", "cache/pr") for number in (1, 17, 18)]
        return {name for name in (*names, *pulls) if tags_of(CLIENT, f"{self.host}/{name}")}


@contextmanager
def scopes_space(tmp_path: Path, engine: Engine) -> Iterator[Space]:
    with running_registry(engine.programs / "registry", tmp_path / "registry") as registry:
        made = Space(tmp_path / "family")
        made.host = registry.address
        made.write(
            {
                "images.yaml": GRAPH.format(host=made.host),
                "Dockerfile": "FROM scratch\nCOPY Dockerfile /\n",
                "policy.yaml": POLICY.format(host=made.host),
            }
        )
        made.commit()
        for number, place in enumerate(("images", "release", "pr/1", "pr/17", "pr/18")):
            stock(CLIENT, f"{made.host}/{place}/app", key_of(number), at=time.time() - 2 * DAY)
        for place in ("cache/main", "cache/pr/1", "cache/pr/17"):
            stock_cache(CLIENT, f"{made.host}/{place}/app")
        yield made


EVERYTHING = {
    "images/app",
    "release/app",
    "cache/main/app",
    "pr/1/app",
    "pr/17/app",
    "pr/18/app",
    "cache/pr/1/app",
    "cache/pr/17/app",
}
OF_17 = {"pr/17/app", "cache/pr/17/app"}
EVENT = Path(__file__).parents[1] / "policy" / "recorded" / "github-closed.json"
