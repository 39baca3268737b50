"""Tells from what BuildKit said of a failed build whether the same build may well succeed a moment later.

Pure: texts in, a cause out. A step that ran and failed never counts, whatever it printed. Written against the answers
of BuildKit v0.32.2 and buildx v0.36.1 that `tests/build/recorded` holds; what none of them shows is marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from planner.ports import Passing

_LASTING = re.compile(
    r"did not complete successfully"  # a RUN that failed; its command stands in the message
    r"|failed to calculate checksum of ref"  # a file that is not there; its name stands in the message
    r"|dockerfile parse error|target stage "
    r"|x509:|server gave HTTP response to HTTPS client|unsupported protocol scheme"
)
"""Wins over everything else: these messages hold text of a Dockerfile, which may look like anything."""
_ENGINE = re.compile(
    r"^Unavailable: |rpc error: code = Unavailable"
    r"|error reading from server|transport: (?:Error while dialing|is closing)"  # the latter from grpc-go, not provoked
    r"|no active session|closing transport"  # when the daemon ends in order
)
_REQUEST = re.compile(
    r"unexpected status from [A-Z]+ request to \S+: (?:408|425|429|5\d\d)\b"
    r"|invalid response status (?:408|425|429|5\d\d)\b"  # of ADD
    r"|failed to do request: "
)
_NETWORK = re.compile(
    r"connection refused$|connection reset by peer$|broken pipe$|\bEOF$|i/o timeout$|no such host$"
    r"|server misbehaving$|TLS handshake timeout$|network is unreachable$|no route to host$"  # not provoked
    r"|stream error: .*(?:INTERNAL_ERROR|REFUSED_STREAM)|http2: server sent GOAWAY"  # not provoked
    r"|failed to fetch remote (?:.|\n)*(?:Failed to connect|Could not resolve host|Connection reset|"
    r"The requested URL returned error: (?:429|5\d\d))",  # of git
)

END = 2000
"""Letters of a message that are read from either end."""


def passing(messages: Iterable[str], *, connected: bool = True) -> Passing | None:
    """Why a failed build is worth another try, None where it is not.

    `messages` are the engine's words on one failure, `connected` is off where buildx never reached the engine.
    """
    said = [_bounded(message.strip()) for message in messages if message.strip()]
    if any(_LASTING.search(message) for message in said):
        return None
    if not connected:
        return Passing.ENGINE
    if any(_REQUEST.search(message) for message in said):
        return Passing.NETWORK
    if any(_ENGINE.search(message) for message in said):
        return Passing.ENGINE
    return Passing.NETWORK if any(_NETWORK.search(message) for message in said) else None


def _bounded(message: str) -> str:
    """Both ends of a long message, which a registry may have filled: what tells stands there."""
    return message if len(message) <= 2 * END else f"{message[:END]} … {message[-END:]}"
