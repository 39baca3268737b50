"""`planner doctor` finds what is wrong, says what to do, and changes nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from planner.cli.doctor import ran
from planner.model.finding import Finding, Severity
from tests.build.family import Family
from tests.cli.test_documents import check
from tests.workspace import Workspace


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "family")
    workspace.write(
        {"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM scratch\nCOPY f /\n", "f": "f\n"}
    )
    workspace.commit()
    return workspace


def findings(space: Workspace, *arguments: str, **environment: str) -> dict[str, list[tuple[str, str]]]:
    """Severity and text of every finding, by check, without an engine."""
    import json

    run = space.planner("doctor", "--format", "json", *arguments, **environment)
    document: dict[str, Any] = json.loads(run.stdout)
    check("doctor", document)
    errors = any(one["severity"] == "error" for one in document["findings"])
    assert (run.returncode, document["ok"]) == (int(errors), not errors)
    found: dict[str, list[tuple[str, str]]] = {}
    for one in document["findings"]:
        found.setdefault(one["check"], []).append((one["severity"], f"{one['what']} → {one['advice']}"))
    return found


def listing(space: Workspace) -> list[str]:
    """All paths, but for the disposable files that any look at a worktree leaves in git's own folder."""
    paths = (path.relative_to(space.root).as_posix() for path in space.root.rglob("*"))
    return sorted(path for path in paths if not path.startswith(".git/planner"))


def test_a_sound_family_and_nothing_changes(space: Workspace) -> None:
    before = listing(space)
    found = findings(space)
    assert found["git"][0][0] == found["repository"][0][0] == found["state"][0][0] == found["graph"][0][0] == "ok"
    assert "context" not in found
    assert "registry" not in found
    assert listing(space) == before


def test_no_buildx(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to(subprocess.run(["which", "git"], capture_output=True, text=True).stdout.strip())
    found = findings(space, PATH=os.fspath(tmp_path / "bin"))
    assert found["buildx"][0][0] == "error"
    assert "install Docker" in found["buildx"][0][1]
    assert found["Docker Engine"] == [("hint", "there is no docker here; another BuildKit will do → None")]


def test_nobody_at_an_address(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "buildx").write_text("#!/bin/sh\necho buildx v1\n")
    (tmp_path / "buildx").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    found = findings(space, "--builder", f"buildkit:unix://{tmp_path}/none", PATH=path)
    assert found["buildx"] == [("ok", "buildx v1 → None")]
    assert found["BuildKit"][0][0] == "error"


def test_a_builder_of_a_pool(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "buildx").write_text("#!/bin/sh\necho buildx v1\n")
    (tmp_path / "buildx").chmod(0o755)
    surroundings = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PLANNER_POOL": os.fspath(tmp_path / "pool.yaml")}
    with socket.create_server(("127.0.0.1", 0)) as there:
        address = f"tcp://127.0.0.1:{there.getsockname()[1]}"
        (tmp_path / "pool.yaml").write_text(f'version: 1\nbuilders: {{big: {{address: "{address}"}}}}\n')
        found = findings(space, "--builder", "pool:big", **surroundings)
        assert found["BuildKit"] == [("ok", "pool:big answers → None")]
    found = findings(space, "--builder", "pool:big,pool:none", **surroundings)
    assert [one[0] for one in found["BuildKit"]] == ["error", "error"]
    assert 'no builder is named "none"' in found["BuildKit"][1][1]


def test_a_real_engine(family: Family) -> None:
    space = family()
    found = findings(space, **space.engine.environment)
    assert [found[name][0][0] for name in ("buildx", "BuildKit")] == ["ok", "ok"]


def test_a_shallow_clone_and_no_clone(space: Workspace, tmp_path: Path) -> None:
    space.write({"f": "g\n"})
    space.commit()
    space.git("clone", "-q", "--depth", "1", f"file://{space.root}", os.fspath(tmp_path / "shallow"))
    assert "git fetch --unshallow" in findings(Workspace(tmp_path / "shallow", init=False))["repository"][0][1]
    plain = Workspace(tmp_path / "plain", init=False)
    plain.write({"Dockerfile": "FROM scratch\n"})
    assert findings(plain)["repository"][0][0] == "hint"


def test_modes_that_the_disk_does_not_have(space: Workspace) -> None:
    assert [severity for severity, _ in findings(space)["repository"]] == ["ok"]
    space.git("config", "core.fileMode", "off")
    assert [severity for severity, _ in findings(space)["repository"]] == ["ok", "hint"]
    assert "git update-index --chmod=+x FILE" in findings(space)["repository"][1][1]


def test_mistakes_and_what_cannot_be_told(space: Workspace) -> None:
    space.write({"images.yaml": "version: 1\nimages: {a: {dokerfile: x}, b: {nme: x}}\n"})
    assert [severity for severity, _ in findings(space)["graph"]] == ["error", "error"]
    space.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM ${X}\n"})
    assert "Dockerfile:1: FROM ${X}: ARG X has no value → give X a default" in findings(space)["graph"][0][1]


def test_traps_of_a_context(space: Workspace) -> None:
    space.write({"Dockerfile": "FROM scratch\nCOPY . /\n", ".gitignore": ".env\n", ".env": "secret\n"})
    texts = [text for _, text in findings(space)["context"]]
    assert len(texts) == 2
    assert "no .dockerignore leaves anything out" in texts[0]
    assert "a copies what git ignores (Dockerfile:2): .env" in texts[1]
    space.write({".dockerignore": ".env\n"})
    assert "context" not in findings(space)


def test_a_state_folder_that_cannot_be_written(space: Workspace) -> None:
    assert findings(space, "--state", "/proc/none")["state"][0][0] == "error"


class _Answers(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    found = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


def test_registries(space: Workspace, server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    host = f"127.0.0.1:{server.server_port}"
    space.write({"images.yaml": f"version: 1\nregistry: {host}/team\nimages: {{a: {{}}}}\n"})
    answers = findings(space)["registry"]
    assert answers[0] == ("ok", f"{host} answers → None")
    assert answers[1] == ("hint", f"no login for {host} is stored, so pushes may be refused → docker login {host}")
    monkeypatch.setattr(_Answers, "status", 500)
    assert findings(space)["registry"][0][0] == "error"
    space.write({"images.yaml": "version: 1\nregistry: 127.0.0.1:1/team\nimages: {a: {}}\n"})
    assert "does not answer" in findings(space)["registry"][0][1]


def test_a_check_that_fails_is_a_finding() -> None:
    def fails() -> Iterator[Finding]:
        raise OSError(13, "Permission denied", "somebody/.config")

    (found,) = ran({"a": fails}, 5)
    assert (found.severity, found.what) == (Severity.ERROR, "[Errno 13] Permission denied: 'somebody/.config'")


def test_a_check_that_hangs_is_a_finding() -> None:
    told = threading.Event()

    def hangs() -> Iterator[Finding]:
        told.wait(60)
        yield Finding(check="b", severity=Severity.OK, what="late")

    found = ran({"a": lambda: iter([Finding(check="a", severity=Severity.OK, what="x")]), "b": hangs}, 0.3)
    told.set()
    assert [(one.check, one.severity) for one in found] == [("a", Severity.OK), ("b", Severity.ERROR)]


def test_what_images_read_and_the_clone_lacks(tmp_path: Path) -> None:
    """A plain clone has an empty folder for a submodule, and where git-lfs is not there, pointers to large files."""
    library, space = Workspace(tmp_path / "library"), Workspace(tmp_path / "family")
    library.write({"file": "text\n"})
    library.commit()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'1' * 64}\nsize 3\n"
    space.write(
        {
            "images.yaml": "version: 1\nimages: {a: {}}\n",
            "Dockerfile": "FROM scratch\nCOPY third big.bin /\n",
            ".gitattributes": "*.bin filter=lfs -text\n",
            "big.bin": pointer,
            "other.bin": pointer,
        }
    )
    for name in ("third", "unread"):
        space.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", os.fspath(library.root), name)
    space.commit()
    assert [said.split(":")[0] for _, said in findings(space)["context"]] == ["big.bin"]
    space.git("submodule", "deinit", "-q", "-f", "third", "unread")
    assert [(kind, said.split(":")[0]) for kind, said in findings(space)["context"]] == [
        ("warning", "third"),
        ("warning", "big.bin"),
    ]
