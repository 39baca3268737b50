"""Looks at a remote builder: whether it answers, its certificates and their days, what it offers and keeps on disk."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from planner.build.engine import find_engine
from planner.build.remotes import Pool
from planner.errors import BuilderError, PlannerError
from planner.sources.pool_file import Remote
from planner.system import given_files

MAX_CERTIFICATES = 1 << 20
ANSWER = 8.0
"""Seconds within which a builder must greet."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""What a client of HTTP/2 says first, with empty settings (RFC 9113, 3.4); a server answers with its own."""
DAY = 86400.0
_TOTAL = re.compile(r"^Total:\s+([0-9.]+)([kKMGTP]?i?B)", re.MULTILINE)
UNITS = {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}
WHY = (
    ("certificate has expired", "the builder's certificate has expired: renew it"),
    ("not yet valid", "the builder's certificate is not valid yet: look at both clocks"),
    ("mismatch", "the builder's certificate is for another name: set server_name, or renew it for this address"),
    ("unable to get local issuer", "the builder's certificate is of another CA than the pool's ca"),
    ("self-signed certificate", "the builder's certificate is of another CA than the pool's ca"),
    ("CERTIFICATE_EXPIRED", "the builder refuses the client's certificate: it has expired"),
    ("CERTIFICATE_REQUIRED", "the builder asks for a client's certificate, and got none"),
    ("UNKNOWN_CA", "the builder refuses the client's certificate: it is of a CA that the builder does not know"),
    ("BAD_CERTIFICATE", "the builder refuses the client's certificate: expired, or of a CA that it does not know"),
    ("WRONG_VERSION_NUMBER", "what listens there does not speak TLS: leave out ca, cert and key, or give it --tlscert"),
)
"""What OpenSSL says, and what it means here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """A certificate, and for how many days it is valid still (less than 0 when it is not). `until` is in UTC."""

    what: str
    days_left: float
    until: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What was seen of a builder. `error` says why it cannot be used; `disk` counts bytes of its layers, if known."""

    remote: Remote
    drained: str = ""
    error: str = ""
    version: str = ""
    platforms: tuple[str, ...] = ()
    disk: int | None = None
    certificates: tuple[Certificate, ...] = ()

    @property
    def days_left(self) -> float:
        """Those of the certificate that ends first."""
        return min((cert.days_left for cert in self.certificates), default=float("inf"))


def look(pool: Pool, remote: Remote, environment: Mapping[str, str], folder: Path) -> Look:
    """Look at a builder, also at one that is drained. `folder` is private, for buildx's notes. Raises nothing."""
    drained = pool.drained.get(remote.name, "")
    certificates: list[Certificate] = []
    try:
        certificates += _own_certificates(pool, remote)
        certificates += _greeted(pool, remote)
        inside = {**environment, "PLANNER_POOL": str(pool.file), "PLANNER_BUILDERS": str(folder / "notes")}
        engine = find_engine(f"pool:{remote.name}", inside, folder)
        disk = _disk(_said([*engine.argv, "du"], engine.environment))
    except (PlannerError, OSError) as error:
        return Look(remote=remote, drained=drained, error=str(error), certificates=tuple(certificates))
    return Look(
        remote=remote,
        drained=drained,
        version=engine.version,
        platforms=(*engine.native, *engine.emulated),
        disk=disk,
        certificates=tuple(certificates),
    )


def _own_certificates(pool: Pool, remote: Remote) -> Iterator[Certificate]:
    """Those of the pool: the client's and the CA. Raises BuilderError for a file that holds none."""
    for what, text in (("the client's certificate", remote.cert), ("the CA", remote.ca)):
        if text:
            yield _read(what, pool.path(text))


def _read(what: str, path: Path) -> Certificate:
    try:
        from cryptography import x509
    except ImportError as error:
        raise BuilderError(
            "reading certificates needs the package cryptography: pip install 'image-family-planner[pool]'"
        ) from error
    try:
        found = x509.load_pem_x509_certificates(given_files.read(path, MAX_CERTIFICATES))
    except OSError as error:
        raise BuilderError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BuilderError(f"{path}: holds no certificate as PEM") from error
    return _certificate(what, min(one.not_valid_after_utc.timestamp() for one in found))


def _certificate(what: str, end: float) -> Certificate:
    until = time.strftime("%Y-%m-%d %H:%M", time.gmtime(end))
    return Certificate(what=what, days_left=(end - time.time()) / DAY, until=until)


def _greeted(pool: Pool, remote: Remote) -> Iterator[Certificate]:
    """The builder's certificate, once it has greeted us. Raises BuilderError.

    With TLS 1.3 a server looks at the client's certificate only after the client is done, so its first words count.
    """
    try:
        with socket.create_connection((remote.host, remote.port), timeout=ANSWER) as plain:
            if not remote.ca:
                return
            with _context(pool, remote).wrap_socket(plain, server_hostname=remote.server_name or remote.host) as secure:
                end = ssl.cert_time_to_seconds(str((secure.getpeercert() or {}).get("notAfter", "")))
                secure.sendall(PREFACE)
                if not secure.recv(1):
                    raise BuilderError(f"{remote.address}: hung up without a word")
                yield _certificate("the builder's certificate", end)
    except ssl.SSLError as error:
        raise BuilderError(f"{remote.address}: {_meaning(error)}") from error
    except TimeoutError as error:
        raise BuilderError(f"{remote.address}: does not answer within {ANSWER:.0f} s") from error
    except OSError as error:
        raise BuilderError(f"{remote.address}: cannot be reached: {error.strerror or error}") from error


def _context(pool: Pool, remote: Remote) -> ssl.SSLContext:
    """What buildx uses: the pool's CA alone, and the client's certificate. Raises BuilderError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    try:
        context.load_verify_locations(cafile=pool.path(remote.ca))
        context.load_cert_chain(pool.path(remote.cert), pool.path(remote.key), password=_no_password)
    except ssl.SSLError as error:
        said = f"{pool.file}: builders.{remote.name}: ca, cert and key do not hold what belongs together as PEM"
        raise BuilderError(f"{said}: {error.reason or error}") from error
    return context


def _no_password() -> str:
    """An encrypted key is refused, rather than asked about on the terminal."""
    return ""


def _meaning(error: ssl.SSLError) -> str:
    said = f"{error.reason or ''} {error.strerror or error}"
    return next((why for words, why in WHY if words in said), f"TLS failed: {said.strip()}")


def _said(argv: list[str], environment: Mapping[str, str]) -> str:
    """What buildx says, "" where it fails: these facts are told, and decide nothing."""
    try:
        run = subprocess.run(
            argv, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.decode("utf-8", "replace") if not run.returncode else ""


def _disk(text: str) -> int | None:
    found = _TOTAL.search(text)
    return int(float(found[1]) * UNITS.get(found[2], 0.0)) if found else None
