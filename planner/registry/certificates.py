"""Turns the folders where Docker keeps the certificates of registries into what TLS with one host needs.

Knows no requests. For HOST:PORT a folder `certs.d/HOST:PORT` may hold authorities (`*.crt`), which count beside those
that the machine trusts, and a certificate of our own (`NAME.cert` with `NAME.key`).
"""

from __future__ import annotations

import functools
import os
import ssl
from pathlib import Path

from planner.errors import RegistryError
from planner.registry.docker_config import home

PLACES = ("/etc/docker/certs.d", "/etc/containers/certs.d")
"""Where the certificates of a whole machine are: Docker's folder, and Podman's."""
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name a file of authorities in place of the machine's; SSL_CERT_FILE is OpenSSL's own."""


def folders(host: str) -> tuple[Path, ...]:
    """The certificate folders of a host (with its port) that are there: the user's own before the machine's."""
    own = home()
    config = os.environ.get("XDG_CONFIG_HOME") or (own / ".config" if own is not None else None)
    places = (f"{config}/docker/certs.d", *PLACES) if config is not None else PLACES
    # Not Path.is_dir: a home that is somebody else's, as root's often is in a container, holds none for us.
    return tuple(folder for place in places if os.path.isdir(folder := Path(place) / host))  # noqa: PTH112


@functools.cache
def are_there(host: str) -> bool:
    """Whether somebody set up certificates for a host: then it speaks TLS, on loopback too."""
    return bool(folders(host))


def context(host: str) -> ssl.SSLContext:
    """What is trusted when speaking with a host. Raises RegistryError for a certificate that cannot be read."""
    found = folders(host)
    if not found:
        return _plain()
    made = _trusting_the_machine()
    for folder in found:
        for authority in sorted(folder.glob("*.crt")):
            _add(host, authority, functools.partial(made.load_verify_locations, authority))
        for own in sorted(folder.glob("*.cert")):
            _add(host, own, functools.partial(made.load_cert_chain, own, own.with_suffix(".key")))
    return made


@functools.cache
def _plain() -> ssl.SSLContext:
    return _trusting_the_machine()


def _trusting_the_machine() -> ssl.SSLContext:
    bundle = next((os.environ[name] for name in BUNDLES if os.environ.get(name)), None)
    if bundle is not None:
        place = Path(bundle)
        try:
            return ssl.create_default_context(
                cafile=None if place.is_dir() else bundle, capath=bundle if place.is_dir() else None
            )
        except OSError as error:
            raise RegistryError(f"{bundle}: the authorities of {'/'.join(BUNDLES)} cannot be read") from error
    made = ssl.create_default_context()
    if not made.cert_store_stats()["x509_ca"]:
        # A machine without a bundle of its own, as slim images are; what Python packages bring does for it.
        import certifi

        made.load_verify_locations(certifi.where())
    return made


def _add(host: str, file: Path, load: functools.partial[None]) -> None:
    try:
        load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise RegistryError(f"{host}: its certificate {file} cannot be read: {type(error).__name__}") from error
