"""Writes a synthetic family into a git repository: a few bases, chains and fans, each image with files of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.workspace import Workspace

BASES = 5
FAN = 3


def write_family(
    root: Path, images: int = 100, files: int = 100, *, packages: bool = False, size: int = 0
) -> Workspace:
    """`images` images with `files` files each (Dockerfile included), committed. The same every time.

    Each file that an image copies has `size` bytes, or the few that tell it from all others.
    With `packages`, each folder is a package of one npm workspace too, with the same edges, for Turborepo.
    """
    workspace = Workspace(root)
    graph = ["version: 1", "registry: registry.example/family", "images:"]
    for number in range(images):
        parent = f"registry.example/family/image{number // FAN}" if number >= BASES else "alpine:3.20"
        folder = f"{root}/image{number}"
        Path(folder, "src").mkdir(parents=True)
        _write(f"{folder}/Dockerfile", f"FROM {parent}\nARG LEVEL=1\nCOPY src /src\nRUN make LEVEL=$LEVEL\n")
        if packages:
            _write(f"{folder}/package.json", _package(number))
        for index in range(files - 1):
            _write(f"{folder}/src/file{index}.txt", f"{number} {index}\n".ljust(size, "x"))
        graph.append(f"  image{number}: {{context: image{number}}}")
    workspace.write({"images.yaml": "\n".join(graph) + "\n"})
    if packages:
        workspace.write(
            {
                "package.json": '{"name": "family", "packageManager": "npm@10.0.0", "workspaces": ["image*"]}\n',
                "turbo.json": '{"tasks": {"build": {"dependsOn": ["^build"]}}}\n',
                ".gitignore": "node_modules\n.turbo\n",
            }
        )
    workspace.git("config", "core.looseCompression", "0")
    workspace.git("config", "gc.auto", "0")
    workspace.commit()
    workspace.git("repack", "-q", "-a", "-d", "--window=0")
    return workspace


def without_graph_file(workspace: Workspace) -> None:
    """The same family as it is found by name."""
    (workspace.root / "images.yaml").unlink()
    workspace.commit()


def with_ignored(workspace: Workspace, files: int, *, left_out: bool) -> None:
    """Beside the family a folder that git ignores, and an image that copies the whole workspace, with or without it."""
    graph = workspace.root / "images.yaml"
    if graph.exists():
        graph.write_text(f"{graph.read_text()}  whole: {{context: .}}\n")
    workspace.write({"Dockerfile": "FROM alpine:3.20\nCOPY . /app\n", ".gitignore": "node_modules\n"})
    if left_out:
        workspace.write({".dockerignore": "node_modules\n"})
    workspace.commit()
    for start in range(0, files, 40):
        folder = f"{workspace.root}/node_modules/package{start}/lib"
        Path(folder).mkdir(parents=True)
        for number in range(start, min(start + 40, files)):
            _write(f"{folder}/{number}.js", f"module.exports = {number};\n" * 10)


def _package(number: int) -> str:
    parents = {f"image{number // FAN}": "*"} if number >= BASES else {}
    package = {"name": f"image{number}", "version": "1.0.0", "scripts": {"build": "true"}, "dependencies": parents}
    return json.dumps(package) + "\n"


def edit(workspace: Workspace, turn: int, images: int = 10) -> None:
    """Change one file of each of some images, spread over the family, to what it never was before."""
    folders = sorted(path.name for path in workspace.root.glob("image*") if path.is_dir())
    step = max(1, len(folders) // images)
    for folder in folders[::step][:images]:
        _write(f"{workspace.root}/{folder}/src/file0.txt", f"edited {turn}\n")


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(handle, text.encode())
    os.close(handle)
