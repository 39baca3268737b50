"""Writes a synthetic family into a git repository: a few bases, chains and fans, each image with files of its own."""

from __future__ import annotations

from pathlib import Path

from tests.workspace import Workspace

BASES = 5
FAN = 3


def write_family(root: Path, images: int = 100, files: int = 100) -> Workspace:
    """`images` images with `files` files each (Dockerfile included), committed. The same every time."""
    workspace = Workspace(root)
    graph = ["version: 1", "registry: registry.example/family", "images:"]
    for number in range(images):
        parent = f"registry.example/family/image{number // FAN}" if number >= BASES else "alpine:3.20"
        folder = f"image{number}"
        sources = {f"{folder}/src/file{index}.txt": f"{number} {index}\n" for index in range(files - 1)}
        dockerfile = f"FROM {parent}\nARG LEVEL=1\nCOPY src /src\nRUN make LEVEL=$LEVEL\n"
        workspace.write({**sources, f"{folder}/Dockerfile": dockerfile})
        graph.append(f"  image{number}: {{context: {folder}}}")
    workspace.write({"images.yaml": "\n".join(graph) + "\n"})
    workspace.commit()
    return workspace
