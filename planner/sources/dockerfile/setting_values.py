"""Tells of the values of EXPOSE, STOPSIGNAL and VOLUME whether BuildKit is certain to take them.

It looks at them in every stage that is built (`dispatchExpose` and its like, v0.32.2), so a value that it might refuse
counts also where the configuration goes nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

JUDGED = frozenset({"EXPOSE", "STOPSIGNAL", "VOLUME"})
PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp)?)?", re.ASCII | re.IGNORECASE)
LAST_PORT = 65_535
SIGNALS = re.compile(
    "(?:SIG)?(?:ABRT|ALRM|BUS|CHLD|CONT|FPE|HUP|ILL|INT|IO|KILL|PIPE|PROF|PWR|QUIT|SEGV|STOP|SYS|TERM|TRAP|TSTP|TTIN"
    "|TTOU|URG|USR1|USR2|VTALRM|WINCH|XCPU|XFSZ)",
    re.IGNORECASE,
)


def is_taken(keyword: str, words: Sequence[str]) -> bool:
    """Whether BuildKit takes the expanded words of one of these; where that is not certain, False."""
    if keyword == "EXPOSE":
        return all(map(_is_port, (port for word in words for port in word.split())))
    if keyword == "STOPSIGNAL":
        return all(map(SIGNALS.fullmatch, words))
    return all(words)


def ports(words: Sequence[str]) -> tuple[str, ...]:
    """The expanded words of an EXPOSE in the spelling that most give them, where BuildKit takes all.

    `80/tcp`, `80/TCP`, `80/`, `080` and `80-80` give what `80` gives, in the image's history too (`parsePort`).
    """
    return tuple(map(_spelled, words)) if all(map(_is_port, words)) else tuple(words)


def _spelled(text: str) -> str:
    port = PORTS.fullmatch(text)
    if port is None:
        return text
    first, last = int(port[1]), int(port[2] or port[1])
    protocol = (port[3] or "tcp").lower()
    return f"{first}{f'-{last}' if last > first else ''}{'' if protocol == 'tcp' else f'/{protocol}'}"


def _is_port(text: str) -> bool:
    found = PORTS.fullmatch(text)
    if found is None:
        return False
    first, last = int(found[1]), int(found[2] or found[1])
    return first <= last <= LAST_PORT
