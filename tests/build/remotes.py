"""A CA of our own, its certificates, and buildkitds on loopback that speak mTLS only."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.engine.engine import Engine
from tests.engine.server import Server

CONFIGURATION = """\
root = {root}
[grpc]
address = [{socket}, {address}]
[grpc.tls]
ca = {ca}
cert = {cert}
key = {key}
[otel]
socketPath = {otel}
[worker.oci]
enabled = true
snapshotter = "auto"
gc = false
[worker.containerd]
enabled = false
[registry."docker.io"]
mirrors = [{mirror}]
[registry.{mirror}]
http = true
insecure = true
"""


class Authority:
    """A CA with its files in a folder."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path = folder / f"{name}.pem"
        folder.mkdir(parents=True, exist_ok=True)
        built = self._builder(self.name, self.key.public_key(), 3650).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.path.write_bytes(built.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, days: float) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=100))
            .not_valid_after(now + datetime.timedelta(days=days, minutes=30))
        )

    def issue(self, name: str, days: float = 365, host: str = "") -> tuple[Path, Path]:
        """The files of a certificate and its key, for 127.0.0.1 or for a host."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        if host:
            names = [x509.DNSName(host)]
        built = self._builder(subject, key.public_key(), days)
        built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
        cert, private = self.folder / f"{name}.pem", self.folder / f"{name}-key.pem"
        cert.write_bytes(built.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return cert, private


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextmanager
def running_remote(
    engine: Engine, folder: Path, authority: Authority, *, days: float = 365, host: str = ""
) -> Iterator[str]:
    """The address of a buildkitd that asks for certificates of the authority."""
    folder.mkdir(parents=True)
    cert, key = authority.issue(f"daemon-{folder.name}", days, host)
    address = f"tcp://127.0.0.1:{free_port()}"
    texts = {
        "root": folder / "state",
        "socket": f"unix://{folder / 's'}",
        "address": address,
        "ca": authority.path,
        "cert": cert,
        "key": key,
        "otel": folder / "otel.sock",
        "mirror": engine.registry.address,
    }
    config = folder / "buildkitd.toml"
    config.write_text(CONFIGURATION.format(**{name: json.dumps(os.fspath(text)) for name, text in texts.items()}))
    server = Server(
        [os.fspath(engine.programs / "buildkitd"), "--config", os.fspath(config)],
        log=folder / "log",
        ready=lambda text: text.count("running server on") == 2,
    )
    try:
        server.wait_until_ready()
        yield address
    finally:
        server.stop()
