"""`planner token-server`: the service that exchanges a CI's identity for a registry token, and its keys."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from planner.cli import arguments as shared
from planner.cli.policy import policy_of
from planner.errors import PlannerError, UsageError
from planner.policy.check import check
from planner.policy.policy import Policy, TokenServer

if TYPE_CHECKING:
    from planner.trust.key_sets import Keys

EXAMPLE = "planner token-server serve --policy policy.yaml --keys keys.json --listen 127.0.0.1:5001"
OWNERS = {
    "jwks": "init or rotate",
    **dict.fromkeys(("policy", "listen", "tls-cert", "tls-key", "issuer-keys", "audit"), "serve"),
    **dict.fromkeys(("rate", "connections", "uses", "any-address"), "serve"),
}
RATE, BURST = 50.0, 200.0
"""Requests a second for each client, and how many at once."""
MOST_RATE = 1e6
CONNECTIONS = 64
"""Of each client at once."""
MOST_USES = 1000
"""How often one identity token may be exchanged: a build asks once for each repository and a few times more."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the command line of this command."""
    parser.add_argument("action", choices=("serve", "init", "rotate"), help="serve, make the first keys, or the next")
    shared.policy(parser)
    parser.add_argument("--keys", required=True, metavar="FILE", help="the private signing keys")
    parser.add_argument("--jwks", default="", metavar="FILE", help="the public keys for the registry [beside --keys]")
    parser.add_argument("--listen", default="127.0.0.1:5001", metavar="HOST:PORT", help="[127.0.0.1:5001]")
    parser.add_argument("--tls-cert", metavar="FILE", help="serve over TLS with this certificate")
    parser.add_argument("--tls-key", metavar="FILE", help="the certificate's key")
    parser.add_argument(
        "--issuer-keys",
        action="append",
        default=[],
        metavar="PROVIDER=FILE",
        help="an identity provider's keys [fetched from the provider]",
    )
    parser.add_argument("--audit", default="", metavar="FILE", help="append the audit log to a file [standard output]")
    parser.add_argument(
        "--rate", type=_rate, default=RATE, metavar="N", help=f"requests a second, each client [{RATE:.0f}]"
    )
    parser.add_argument(
        "--connections",
        type=shared.whole(1, 65_536),
        default=CONNECTIONS,
        metavar="N",
        help=f"open at once, each client [{CONNECTIONS}]",
    )
    parser.add_argument(
        "--uses", type=shared.whole(1, 10**9), default=MOST_USES, metavar="N", help="of one identity token [1000]"
    )
    parser.add_argument("--any-address", action="store_true", help="let one identity token be used from many addresses")


def _rate(text: str) -> float:
    """Requests a second. No limit holds anybody back that is no number, or infinite."""
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= MOST_RATE:
        raise argparse.ArgumentTypeError(f"is a number above 0, at most {MOST_RATE:,.0f}")
    return rate


def run(options: argparse.Namespace) -> int:
    """Serve until the process is ended, or make keys."""
    shared.refuse_foreign(options, arguments, options.action, OWNERS)
    for name in ("joserfc", "starlette", "uvicorn"):
        if importlib.util.find_spec(name) is None:
            raise PlannerError(f"{name} is not installed\n  pip install 'image-family-planner[trust]'")
    if options.action == "serve":
        return _serve(options)
    return _make_keys(options)


def _make_keys(options: argparse.Namespace) -> int:
    from planner.trust import signing_keys

    path = Path(options.keys)
    if not path.name:
        raise UsageError(f"--keys {options.keys}: names no file")
    public = Path(options.jwks) if options.jwks else path.with_suffix(".jwks")
    if os.path.realpath(public) == os.path.realpath(path):
        raise UsageError(
            f"{path}: would hold the private keys and be handed to the registry\n  --jwks names another file"
        )
    if options.action == "init":
        if path.exists():
            raise PlannerError(f"{path}: is there already\n  planner token-server rotate makes the next key")
        keys = signing_keys.new_keys()
    else:
        keys = signing_keys.load(path).rotated()
    signing_keys.save(keys, path, public)
    print(f"{path}: signs with {keys.current.kid}, then with {keys.following.kid}; {public} is for the registry")
    return 0


def _serve(options: argparse.Namespace) -> int:
    import uvicorn

    from planner.trust import signing_keys
    from planner.trust.exchange import Exchange
    from planner.trust.identity_token import Verifier
    from planner.trust.limits import RateLimit, Uses
    from planner.trust.patience import hasty_handshakes, patient
    from planner.trust.server import application

    policy = policy_of(options)
    server = _server(policy)
    host, port = _address(options.listen)
    if bool(options.tls_cert) != bool(options.tls_key):
        raise UsageError("--tls-cert and --tls-key go together")
    if options.tls_cert:
        _try_certificate(options.tls_cert, options.tls_key)
    with _audit(options.audit) as audit:
        exchange = Exchange(
            policy=policy,
            server=server,
            verifier=Verifier(issuers=_issuers(options, server), audience=server.audience, clock=time.time),
            keys=signing_keys.load(Path(options.keys)),
            clock=time.time,
            audit=audit,
            rate=RateLimit(options.rate, max(BURST, options.rate), time.monotonic),
            uses=Uses(options.uses, time.time, one_client=not options.any_address),
        )
        with hasty_handshakes(), _told_where(options.listen):
            uvicorn.run(
                application(exchange),
                host=host,
                port=port,
                ssl_certfile=options.tls_cert,
                ssl_keyfile=options.tls_key,
                log_level="warning",
                access_log=False,  # it would hold what clients send in addresses
                server_header=False,
                date_header=False,
                proxy_headers=False,  # anybody could say to be somebody else
                timeout_keep_alive=5,
                loop="asyncio",
                http=patient(options.connections),
                ws="none",
                limit_concurrency=512,
                h11_max_incomplete_event_size=32 << 10,
            )
    return 0


def _try_certificate(certificate: str, key: str) -> None:
    """Raise PlannerError for files that no TLS can be served with."""
    import ssl

    for file in (certificate, key):
        if not os.path.isfile(file) or not os.access(file, os.R_OK):  # noqa: PTH113
            raise PlannerError(f"{file}: cannot be read")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise PlannerError(
            f"{certificate}, {key}: are no certificate and its key\n  both are PEM, and the key has no password"
        ) from error


@contextlib.contextmanager
def _told_where(address: str) -> Iterator[None]:
    """uvicorn says what is wrong, and ends the process with a status of its own."""
    try:
        yield
    except SystemExit as ended:
        if ended.code:
            raise PlannerError(f"--listen {address}: nothing can be served there") from ended
        raise


def _server(policy: Policy) -> TokenServer:
    """What the policy says of the server. Raises PlannerError for a policy that does not hold."""
    if policy.token_server is None:
        raise PlannerError("the policy has no token_server: section\n  docs/trust.md tells what it holds")
    proof = check(policy, "sha256")
    if not proof.holds:
        raise PlannerError("the policy does not hold, so nothing is served by it\n  planner policy check tells why")
    return policy.token_server


def _issuers(options: argparse.Namespace, server: TokenServer) -> dict[str, tuple[str, Keys]]:
    from planner.trust.key_sets import FileKeys, IssuerKeys, fetch, is_safe

    given: dict[str, Path] = {}
    for text in options.issuer_keys:
        provider, equals, file = text.partition("=")
        if not equals or provider not in dict(server.issuers):
            raise UsageError(f"--issuer-keys {text}: is PROVIDER=FILE with a provider of the policy's token_server")
        given[provider] = Path(file)
    found: dict[str, tuple[str, Keys]] = {}
    for provider, issuer in server.issuers:
        if provider not in given and not is_safe(issuer):
            raise PlannerError(f"token_server.issuers.{provider}: is no https address")
        found[issuer] = (provider, FileKeys(given[provider]) if provider in given else IssuerKeys(issuer, fetch))
    return found


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or len(port) > 5 or int(port) > 65_535:
        raise UsageError(f"--listen {text}: is HOST:PORT")
    return host.strip("[]"), int(port)


@contextlib.contextmanager
def _audit(file: str) -> Iterator[TextIO]:
    if not file:
        yield sys.stdout
        return
    try:
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    except OSError as error:
        raise PlannerError(f"{file}: cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        yield stream
