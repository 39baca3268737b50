"""The client's side: the credential helper as Docker calls it, and the configuration that names it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.trust.stack import HELPERS
from tests.workspace import Workspace

HOST = "registry.acme.example"


def helper(action: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "HOME": "/nowhere", **environment}
    program = os.fspath(HELPERS / "docker-credential-planner")
    return subprocess.run([program, action], input=given, env=clean, capture_output=True, text=True, check=False)


@pytest.fixture
def github() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """GitHub's own end of `ACTIONS_ID_TOKEN_REQUEST_URL`: it answers the right bearer alone."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization", "")))
            right = self.headers.get("Authorization") == "bearer of-this-job"
            body = json.dumps({"value": "a.b.c"} if right else {"message": "no"}).encode()
            self.send_response(200 if right else 401)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/token?api-version=2.0", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_github_is_asked_for_a_token_of_this_audience(github: tuple[str, list[tuple[str, str]]]) -> None:
    url, asked = github
    job = {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-this-job"}
    run = helper("get", f"{HOST}\n", **job)
    assert json.loads(run.stdout) == {"ServerURL": HOST, "Username": "oidc", "Secret": "a.b.c"}
    assert asked == [(f"/token?api-version=2.0&audience={HOST}", "bearer of-this-job")]
    assert "audience=other" in (helper("get", HOST, **job, PLANNER_AUDIENCE="other"), asked)[1][-1][0]
    refused = helper("get", HOST, **{**job, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-another"})
    assert refused.returncode == 1
    assert "id-token: write" in refused.stdout
    assert "of-another" not in refused.stdout + refused.stderr


def test_gitlab_hands_the_token_in_the_environment() -> None:
    given = "x.y.z"
    assert json.loads(helper("get", HOST, PLANNER_ID_TOKEN=given).stdout)["Secret"] == given


def test_without_a_ci_there_is_no_login() -> None:
    run = helper("get", HOST)
    assert (run.returncode, run.stdout.strip()) == (1, "credentials not found in native keychain")
    assert helper("list").stdout == "{}\n"
    assert helper("store", "{}").returncode == 0
    assert helper("burn").returncode == 1


def test_login_names_the_helper_and_leaves_the_rest(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "w", init=True)
    folder = tmp_path / "docker"
    folder.mkdir()
    (folder / "config.json").write_text('{"auths": {"other": {"auth": "eDp5"}}, "credHelpers": {"gcr.io": "gcloud"}}')
    path = f"{HELPERS}:{os.environ['PATH']}"
    run = space.planner("login", HOST, DOCKER_CONFIG=os.fspath(folder), PATH=path)
    assert run.returncode == 0, run.stderr
    assert json.loads((folder / "config.json").read_text()) == {
        "auths": {"other": {"auth": "eDp5"}},
        "credHelpers": {"gcr.io": "gcloud", HOST: "planner"},
    }
    assert (folder / "config.json").stat().st_mode & 0o777 == 0o600
    (folder / "config.json").write_text("{")
    broken = space.planner("login", HOST, DOCKER_CONFIG=os.fspath(folder), PATH=path)
    assert broken.returncode == 1
    assert (folder / "config.json").read_text() == "{"
    wrong = space.planner("login", "https://x/y\x1b[2J", PATH=path)
    assert (wrong.returncode, "is no HOST or HOST:PORT\n  name it as images do" in wrong.stderr) == (2, True)
    bare = os.fspath(tmp_path)
    assert "is not on PATH" in space.planner("login", HOST, DOCKER_CONFIG=os.fspath(folder), PATH=bare).stderr


def test_the_server_needs_a_policy_that_holds(tmp_path: Path) -> None:
    from tests.policy.policies import changed

    (tmp_path / "bad.yaml").write_text(changed(("isolation: path", "isolation: none")))
    (tmp_path / "none.yaml").write_text(changed(("isolation: path", "isolation: path")).partition("token_server:")[0])
    words = [sys.executable, "-m", "planner.cli.main", "token-server"]

    def serve(*more: str) -> str:
        ended = subprocess.run([*words, *more], capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode in (1, 2)
        assert "Traceback" not in ended.stderr
        return ended.stderr

    keys = f"--keys={tmp_path}/keys.json"
    assert "does not hold" in serve("serve", keys, f"--policy={tmp_path}/bad.yaml")
    assert "no token_server: section" in serve("serve", keys, f"--policy={tmp_path}/none.yaml")
    subprocess.run([*words, "init", keys], check=True, capture_output=True)
    assert "is there already" in serve("init", keys)
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
    before = json.loads((tmp_path / "keys.jwks").read_text())["keys"]
    subprocess.run([*words, "rotate", keys], check=True, capture_output=True)
    after = json.loads((tmp_path / "keys.jwks").read_text())["keys"]
    assert [key["kid"] for key in after][:2] == [key["kid"] for key in before]
