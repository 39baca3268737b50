"""Frontends and what ADD fetches: what is locked is what is built, whatever the name means by now."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.build.family import BuildSpace
from tests.engine.engine import Engine
from tests.engine.gomodule import package
from tests.workspace import Workspace

GRAPH = "version: 1\nimages:\n  {0}: {{dockerfile: {0}.Dockerfile}}\n  {1}: {{dockerfile: {1}.Dockerfile}}\n"


class Elsewhere:
    """A server of files and a server of git repositories, both on loopback."""

    def __init__(self, http: str, git: str, repository: Workspace) -> None:
        self.http = http
        self.git = git
        self.repository = repository
        self.files: dict[str, bytes] = {}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    made = Elsewhere("", "", Workspace(tmp_path / "git" / "tool.git"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = made.files.get(self.path)
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(found or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(found or b"")

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    daemon = subprocess.Popen(
        [
            *("git", "daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}"),
            *(f"--base-path={tmp_path / 'git'}", os.fspath(tmp_path / "git")),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.05)
        made.http = f"http://127.0.0.1:{server.server_address[1]}"
        made.git = f"git://127.0.0.1:{port}"
        yield made
    finally:
        daemon.terminate()
        daemon.wait()
        server.shutdown()
        thread.join()
        server.server_close()


def ask(space: BuildSpace, *arguments: str, status: int = 0) -> str:
    run = space.planner("lock", *arguments, **space.engine.environment)
    assert run.returncode == status, run.stderr
    return run.stdout


def test_what_add_fetches_is_what_is_locked(engine: Engine, elsewhere: Elsewhere, tmp_path: Path) -> None:
    elsewhere.files["/tool"] = b"one"
    elsewhere.repository.write({"sub/a.txt": "one", "b.txt": "b"})
    elsewhere.repository.commit()
    url, repository = f"{elsewhere.http}/tool", f"{elsewhere.git}/tool.git#main"
    space = BuildSpace(tmp_path / "family", engine)
    space.write(
        {
            "images.yaml": GRAPH.format("web", "git"),
            "web.Dockerfile": f"FROM scratch\nADD {url} /tool\n",
            "git.Dockerfile": f"FROM scratch\nADD {repository}:sub /sub/\nADD {repository} /all/\n",
        }
    )
    space.commit()
    assert space.rebuilds() == {"web": {"unsure"}, "git": {"unsure"}}
    assert "3 locked, 3 changed" in ask(space)
    locked = json.loads((space.root / "images.lock").read_text())["sources"]
    assert set(locked) == {url, repository, f"{repository}:sub"}
    space.commit()
    assert space.rebuilds() == {}
    assert f"ADD {url}\n  web: web.Dockerfile" in ask(space, "--why", url)

    # A policy of the user's own holds beside what is locked.
    deny = tmp_path / "deny.json"
    deny.write_text(json.dumps({"version": 1, "rules": [{"action": "DENY", "selector": {"identifier": url}}]}))
    variables = {**engine.environment, "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY": os.fspath(deny)}
    run = space.planner("build", "web", "--all", **variables)
    assert run.returncode == 1
    assert "denied by policy" in run.stderr
    deny.write_text("no policy")
    run = space.planner("build", "web", "--all", **variables)
    assert run.returncode != 0
    assert f"EXPERIMENTAL_BUILDKIT_SOURCE_POLICY={deny}: is no source policy" in run.stderr
    assert "Traceback" not in run.stderr

    # The branch moves on, the file changes: nothing rebuilds, and what is built anew is what is locked.
    elsewhere.repository.write({"sub/a.txt": "two", "c.txt": "c"})
    elsewhere.repository.commit()
    assert space.rebuilds() == {}
    files = space.image(space.build("git")["git"]["digest"]).files
    assert {"sub/a.txt", "all/b.txt"} <= set(files)
    assert "all/c.txt" not in files
    elsewhere.files["/tool"] = b"two"
    refused = space.build("web", status=1)[""]["error"]
    assert "sha256" in refused, refused

    assert f"~ ADD {url}" in ask(space, "--check", status=3)
    assert ask(space, "--upgrade", f"{elsewhere.http}/*").count("~") == 1
    assert space.rebuilds() == {"web": {"external-changed"}}
    assert "tool" in space.image(space.build("web")["web"]["digest"]).files
    assert "2 changed" in ask(space, "--upgrade")
    assert space.rebuilds() == {"web": {"external-changed"}, "git": {"external-changed"}}
    assert "all/c.txt" in space.image(space.build("git")["git"]["digest"]).files
    run = space.planner("plan", "--offline", "--all")
    assert "float" not in run.stderr

    elsewhere.files.clear()
    shutil.rmtree(elsewhere.repository.root / ".git")
    run = space.planner("lock", "--upgrade")
    assert run.returncode == 1
    assert f"{url}: answers with status 404" in run.stderr
    assert "does not answer git" in run.stderr
    assert "nothing was written" in run.stderr


def frontend(engine: Engine, name: str, folder: Path, last: str = "") -> str:
    """Push BuildKit's own frontend as an image; gives its digest."""
    folder.mkdir(exist_ok=True)
    program = package("dockerfile-frontend", "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend")
    shutil.copy(program, folder / "dockerfile-frontend")
    (folder / "Dockerfile").write_text(
        "FROM scratch\nCOPY dockerfile-frontend /bin/dockerfile-frontend\n"
        f'ENTRYPOINT ["/bin/dockerfile-frontend"]\n{last}\n'
    )
    run = engine.run(
        "buildx",
        "build",
        "--provenance=false",
        f"--metadata-file={folder / 'metadata.json'}",
        f"--output=type=image,name={engine.registry.address}/{name},push=true",
        os.fspath(folder),
    )
    assert run.returncode == 0, run.stderr
    digest: str = json.loads((folder / "metadata.json").read_text())["containerimage.digest"]
    return digest


def test_a_frontend_is_what_is_locked(engine: Engine, tmp_path: Path) -> None:
    name = f"lock-{tmp_path.name.replace('_', '-')}/frontend:1".lower()
    first = frontend(engine, name, tmp_path / "frontend")
    reference = f"{engine.registry.address}/{name}"
    space = BuildSpace(tmp_path / "family", engine)
    space.write(
        {
            "images.yaml": GRAPH.format("app", "other"),
            "app.Dockerfile": f"# syntax={reference}\nFROM scratch\nCOPY a.txt /\n",
            "other.Dockerfile": "FROM scratch\nCOPY a.txt /\n",
            "a.txt": "a",
        }
    )
    space.commit()
    assert f"{reference} (frontend)" in space.planner("plan", "--offline", "--all").stderr
    assert f"+ syntax {reference}  {first}" in ask(space)
    space.commit()
    assert space.outcomes() == {"app": "built", "other": "built"}

    # The tag comes to name what is no frontend at all.
    second = frontend(engine, name, tmp_path / "frontend", "ENTRYPOINT /none")
    assert first != second
    assert space.rebuilds() == {}
    space.write({"a.txt": "edited"})
    assert space.outcomes() == {"app": "built", "other": "built"}, "what is locked reads the Dockerfile"
    space.commit()
    assert f"→ {second}" in ask(space, "--upgrade")
    assert space.rebuilds() == {"app": {"frontend-changed"}}
    assert space.outcomes(status=1)["app"] == "failed"
