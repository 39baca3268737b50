"""A small family of real images, and a workspace that builds it with the embedded engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.build.images import BuiltImage, read_image
from tests.engine.engine import Engine
from tests.workspace import Workspace

PIN = "sha256:" + "1" * 64
FILES = {
    "images.yaml": """\
version: 1
registry: registry.example/fam
images:
  base: {dockerfile: base.Dockerfile}
  tool: {dockerfile: tool.Dockerfile}
  app: {dockerfile: app.Dockerfile}
  side: {dockerfile: side.Dockerfile}
""",
    "base.Dockerfile": "FROM ubuntu:22.04\nCOPY base.txt /base.txt\nRUN cp /base.txt /made.txt\n",
    "tool.Dockerfile": f"FROM registry.example/fam/base@{PIN}\nCOPY tool.txt /\nRUN cat /made.txt tool.txt > /tool\n",
    "app.Dockerfile": "FROM registry.example/fam/tool\nCOPY app /app\n",
    "side.Dockerfile": "FROM ubuntu:22.04\nCOPY --from=registry.example/fam/base /made.txt /\nRUN echo side > /side\n",
    "base.txt": "one\n",
    "tool.txt": "tool\n",
    "app/main.sh": "echo app\n",
}


class BuildSpace(Workspace):
    """A workspace whose planner has an engine."""

    def __init__(self, root: Path, engine: Engine, *, init: bool = True) -> None:
        super().__init__(root, init=init)
        self.engine = engine

    def build(self, *arguments: str, status: int = 0, **environment: str) -> dict[str, Any]:
        """Build, and answer what happened by image. `error` of the answer's `""` is what standard error says."""
        run = self.planner("build", *arguments, "--format", "json", **self.engine.environment, **environment)
        assert run.returncode == status, run.stderr
        assert "Traceback" not in run.stderr
        found: dict[str, Any] = {image["name"]: image for image in json.loads(run.stdout)["images"]}
        return {**found, "": {"error": run.stderr}}

    def outcomes(self, *arguments: str, status: int = 0) -> dict[str, str]:
        found = self.build(*arguments, status=status)
        return {name: image["outcome"] for name, image in found.items() if name}

    def image(self, digest: str) -> BuiltImage:
        """A built image out of the state folder's store."""
        return read_image(self.root / ".planner" / "store", digest)


Family = Callable[..., BuildSpace]
