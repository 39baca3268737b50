"""Docker's configuration in a file and the login that comes out of it; helpers are real programs."""

from __future__ import annotations

import argparse
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from planner.cli.login import run
from planner.errors import PlannerError, RegistryError
from planner.registry.certificates import folders
from planner.registry.docker_config import Login, stored_login
from tests.trust.stack import HELPERS

ALI = base64.b64encode(b"ali:a:b").decode()
HELPER = """#!/bin/sh
read host
case "$1 $host" in
  "get helped.example") echo '{"ServerURL": "", "Username": "bea", "Secret": "s"}';;
  "get token.example") echo '{"Username": "<token>", "Secret": "t"}';;
  "get broken.example") echo "secret s" >&2; echo 'secret s'; exit 1;;
  "get nonsense.example") echo 'secret s';;
  *) echo "credentials not found in native keychain"; exit 1;;
esac
"""


def named(name: str, word: str) -> Login:
    return Login(name=name, password=word)


def proven(token: str) -> Login:
    return Login(token=token)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program = tmp_path / "docker-credential-made"
    program.write_text(HELPER)
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("document", "host", "login"),
    [
        ({}, "a.example", None),
        ({"auths": {"a.example": {}}}, "a.example", None),
        ({"auths": {"a.example": {"auth": ALI}}}, "a.example", named("ali", "a:b")),
        ({"auths": {"a.example": {"auth": ALI}}}, "b.a.example", None),
        ({"auths": {"a.example": {"auth": ALI}}}, "a.example:5000", None),
        ({"auths": {"https://a.example/v1/": {"auth": ALI}}}, "a.example", named("ali", "a:b")),
        ({"auths": {"https://index.docker.io/v1/": {"auth": ALI}}}, "docker.io", named("ali", "a:b")),
        ({"auths": {"a.example": {"username": "ali", "password": "p"}}}, "a.example", named("ali", "p")),
        ({"auths": {"a.example": {"auth": ALI, "identitytoken": "t"}}}, "a.example", proven("t")),
        ({"credsStore": "made"}, "helped.example", named("bea", "s")),
        ({"credHelpers": {"token.example": "made"}}, "token.example", proven("t")),
        ({"credHelpers": {"token.example": "made"}}, "helped.example", None),
        ({"credsStore": "made", "auths": {"a.example": {"auth": ALI}}}, "a.example", named("ali", "a:b")),
    ],
)
def test_what_is_stored(folder: Path, document: dict[str, Any], host: str, login: Login | None) -> None:
    (folder / "config.json").write_text(json.dumps(document))
    assert stored_login(host) == login


def test_without_a_file(folder: Path) -> None:
    assert stored_login("a.example") is None


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("secret s", "a.example"),
        ("[]", "a.example"),
        ('{"auths": ["secret s"]}', "a.example"),
        ('{"auths": {"a.example": {"auth": "secret s"}}}', "a.example"),
        ('{"auths": {"a.example": {"username": "secret s"}}}', "a.example"),
        ('{"credsStore": "made"}', "broken.example"),
        ('{"credsStore": "made"}', "nonsense.example"),
        ('{"credsStore": "not-there"}', "a.example"),
        ('{"credsStore": "../secret s"}', "a.example"),
    ],
)
def test_what_cannot_be_read_is_said_and_not_shown(
    folder: Path, capfd: pytest.CaptureFixture[str], text: str, host: str
) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(RegistryError, match="the stored login cannot be read") as refused:
        stored_login(host)
    out, err = capfd.readouterr()
    assert "secret s" not in f"{refused.value} {out} {err}"
    assert "secret s" not in f"{named('secret s', 'secret s')} {proven('secret s')}"


def test_without_a_home_folder_nothing_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user nobody knows. A folder that is named ~ is nobody's home."""
    for name in ("HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(_: int) -> object:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setenv("PATH", str(HELPERS))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~/.docker").mkdir(parents=True)
    (tmp_path / "~/.docker/config.json").write_text('{"auths": {"r.example": {"auth": "YTpi"}}}')
    (tmp_path / "~/.config/docker/certs.d/r.example").mkdir(parents=True)
    assert stored_login("r.example") is None
    assert folders("r.example") == ()
    with pytest.raises(PlannerError, match="no home folder"):
        run(argparse.Namespace(host="r.example", config=""))
