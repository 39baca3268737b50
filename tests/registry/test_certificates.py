"""Registries behind certificates that only `certs.d` knows: a real registry on TLS, with an authority of our own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.errors import RegistryError
from planner.registry import certificates
from planner.registry.client import HttpRegistry
from planner.registry.transport import Patience, Transport
from tests.engine.install import ENGINE
from tests.engine.registry import Registry, running_registry
from tests.registry.authority import Authority
from tests.workspace import Workspace

OURS, OTHERS = Authority("ours"), Authority("others")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's own `certs.d`."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    certificates.are_there.cache_clear()
    yield tmp_path / "config" / "docker" / "certs.d"
    certificates.are_there.cache_clear()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    yield from served(tmp_path, "127.0.0.1")


def served(folder: Path, address: str, **more: object) -> Iterator[Registry]:
    certificate, key = folder / "server.crt", folder / "server.key"
    OURS.write(certificate, key, address)
    tls = {"certificate": os.fspath(certificate), "key": os.fspath(key), **more}
    http = {"addr": "127.0.0.1:0", "secret": "of this run only", "tls": tls}
    program = ENGINE.bin_folder() / "registry"
    with running_registry(program, folder / "registry", settings={"http": http}) as running:
        yield running


def trust(places: Path, host: str, name: str, authority: bytes) -> Path:
    folder = places / host
    folder.mkdir(parents=True)
    (folder / name).write_bytes(authority)
    return folder


def client() -> HttpRegistry:
    return HttpRegistry(Transport(Patience(tries=2, first=0.001)))


def test_a_home_of_somebody_else_holds_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with root's home in a container that runs as another user."""
    locked = tmp_path / "root"
    locked.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(locked))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    if os.geteuid() != 0:
        locked.chmod(0)
        assert certificates.folders("localhost:1") == ()
        return
    os.seteuid(65534)
    try:
        assert certificates.folders("localhost:1") == ()
    finally:
        os.seteuid(0)


def test_an_authority_in_its_folder_is_trusted(places: Path, registry: Registry) -> None:
    trust(places, registry.address, "ca.crt", OURS.pem)
    repository = f"{registry.address}/tls/a"
    digest = client().put_blob(repository, b"over TLS")
    assert client().blob(repository, digest, 100) == b"over TLS"


def test_the_authority_of_another_host_is_not(places: Path, registry: Registry) -> None:
    trust(places, "127.0.0.1:1", "ca.crt", OURS.pem)
    trust(places, registry.address, "ca.crt", OTHERS.pem)
    with pytest.raises(RegistryError, match="not one that this machine trusts") as refused:
        client().digest_of(f"{registry.address}/tls/a", "1")
    assert f"certs.d/{registry.address}/ca.crt" in str(refused.value)


def test_a_certificate_for_another_address_is_refused(places: Path, tmp_path: Path) -> None:
    for registry in served(tmp_path, "127.0.0.2"):
        trust(places, registry.address, "ca.crt", OURS.pem)
        with pytest.raises(RegistryError, match="not one that this machine trusts"):
            client().digest_of(f"{registry.address}/tls/a", "1")


def test_a_file_that_is_no_certificate_is_named(places: Path, registry: Registry) -> None:
    folder = trust(places, registry.address, "ca.crt", b"no PEM")
    with pytest.raises(RegistryError, match=r"ca\.crt cannot be read"):
        client().digest_of(f"{registry.address}/tls/a", "1")
    (folder / "ca.crt").unlink()
    (folder / "own.cert").write_bytes(OURS.pem)
    with pytest.raises(RegistryError, match=r"own\.cert cannot be read"):
        client().digest_of(f"{registry.address}/tls/a", "1")


def test_a_registry_that_asks_for_a_certificate_of_ours(places: Path, tmp_path: Path) -> None:
    (tmp_path / "clients.crt").write_bytes(OTHERS.pem)
    for registry in served(tmp_path, "127.0.0.1", clientcas=[os.fspath(tmp_path / "clients.crt")]):
        folder = trust(places, registry.address, "ca.crt", OURS.pem)
        with pytest.raises(RegistryError):
            client().digest_of(f"{registry.address}/tls/a", "1")
        OTHERS.write(folder / "own.cert", folder / "own.key", "127.0.0.1")
        assert client().digest_of(f"{registry.address}/tls/a", "1") is None


def test_a_plan_against_it(places: Path, registry: Registry, tmp_path: Path) -> None:
    space = Workspace(tmp_path / "family")
    space.write({"images.yaml": "version: 1\nimages: {a: {}}\n", "Dockerfile": "FROM scratch\nCOPY a /\n", "a": "a"})
    space.commit()

    against = ("plan", "--against", f"{registry.address}/fam")
    assert space.planner(*against).returncode == 1
    trust(places, registry.address, "ca.crt", OURS.pem)
    run = space.planner(*against)
    assert run.returncode == 0, run.stderr
    assert "1 of 1 image rebuilds" in run.stdout
