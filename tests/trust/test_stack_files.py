"""The files of graphs/trust-stack are what the programs take: the policy holds, the registry starts with its file."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import yaml

from planner.policy.check import check
from planner.policy.policy_file import read
from tests.engine.engine import Engine
from tests.engine.registry import running_registry
from tests.engine.server import Server
from tests.trust import issuing
from tests.trust.stack import answers, free_port

FOLDER = Path(__file__).parents[2] / "graphs" / "trust-stack"


def test_the_policy_holds_and_the_family_plans() -> None:
    assert check(read((FOLDER / "policy.yaml").read_bytes(), "policy.yaml"), "sha256").holds
    run = subprocess.run(
        [sys.executable, "-m", "planner.cli.main", "-C", os.fspath(FOLDER), "graph", "--format", "json"],
        capture_output=True,
        check=True,
    )
    (image,) = json.loads(run.stdout)["images"]
    assert image["externals"] == ["docker.io/library/python:3.11-slim"]


def test_registry_and_compose_file_agree_with_the_policy(engine: Engine, tmp_path: Path) -> None:
    policy = read((FOLDER / "policy.yaml").read_bytes(), "policy.yaml").token_server
    assert policy is not None
    configuration = yaml.safe_load((FOLDER / "registry.yml").read_text())
    token = configuration["auth"]["token"]
    assert (token["service"], token["issuer"]) == (policy.service, policy.issuer)
    compose = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    assert all(service["read_only"] and service["cap_drop"] == ["ALL"] for service in compose.values())
    (tmp_path / "keys.jwks").write_text(issuing.key_set())
    token["jwks"] = os.fspath(tmp_path / "keys.jwks")
    with running_registry(
        engine.programs / "registry", tmp_path / "r", settings={"auth": {"token": token}}
    ) as registry:
        status, headers, _ = registry.request("GET", "/v2/")
    assert status == 401
    assert f'realm="{token["realm"]}"' in headers["www-authenticate"]


def test_the_token_server_of_the_compose_file_serves_over_tls(tmp_path: Path) -> None:
    words = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]["token-server"]["command"]
    key, cert = tmp_path / "tokens.key", tmp_path / "tokens.crt"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", os.fspath(key), "-out", os.fspath(cert)]
    subprocess.run(made, check=True, capture_output=True)
    port = free_port()
    places = {
        "=/etc/planner/": f"={FOLDER}/",
        "=/keys/": f"={tmp_path}/",
        "=/tls/": f"={tmp_path}/",
        "=0.0.0.0:8443": f"=127.0.0.1:{port}",
    }
    for before, after in places.items():
        words = [word.replace(before, after) for word in words]
    planner = [sys.executable, "-m", "planner.cli.main", "token-server"]
    subprocess.run([*planner, "init", "--keys", tmp_path / "keys.json"], check=True, capture_output=True)
    (tmp_path / "github.jwks").write_text(issuing.key_set())
    log = tmp_path / "log"
    server = Server(
        [*planner, *words, f"--issuer-keys=github={tmp_path / 'github.jwks'}"], log=log, ready=lambda _: answers(port)
    )
    try:
        server.wait_until_ready()
        context = ssl.create_default_context(cafile=os.fspath(cert))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(f"https://127.0.0.1:{port}/healthz", timeout=20) as answer:
            assert answer.read() == b"ok\n"
    finally:
        server.stop()
