"""Keeps what proves to each registry who we are: logins, and tokens by scope, of which one may hold for several."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence

from planner.errors import RegistryError
from planner.registry import logins
from planner.registry.connections import Connections
from planner.registry.docker_config import Login, stored_login
from planner.registry.expected import Expected

LOGIN_HOLDS = 240.0
"""Seconds for which a stored login is used again: those that helpers make live for five minutes at least."""


class Proofs:
    """The header `Authorization` of each request. For several threads."""

    def __init__(self, connections: Connections, timeout: tuple[float, float]) -> None:
        self.connections = connections
        self.timeout = timeout
        self.expected = Expected()
        self._tokens: dict[str, str] = {}
        self._shared: set[str] = set()
        self._challenges: dict[str, str] = {}
        self._refused: set[str] = set()
        self._common: dict[str, str] = {}
        self._logins: dict[str, tuple[Login | None, float]] = {}
        self._lock = threading.Lock()

    def common(self, host: str) -> str | None:
        """The header for all of a host, "" where it wants none; None where that is not known, or each scope has one."""
        return self._common.get(host)

    def find(self, host: str, scope: str) -> str:
        """The header for a scope, "" for none. Where a registry sent us for another one before, a token is asked for
        without a question to the registry first.
        """
        name, challenge = f"{host} {scope}", self._challenges.get(host, "")
        if known := self._tokens.get(name):
            return known
        if not challenge or name in self._refused:
            return ""
        if common := self._of_group(host, scope, challenge):
            return common
        try:
            found = self._tokens[name] = self._ask(host, scope, challenge)
        except RegistryError:  # The registry may ask for none here, and says so itself.
            self._refused.add(name)
            return ""
        return found

    def is_refused(self, header: str, status: int) -> bool:
        """Whether a registry that answers with this status wants another header.

        Some call a token that does not hold for this scope no permission; one for several need not hold for each.
        """
        return status == 401 or (status == 403 and header in self._shared)

    def took(self, host: str, scope: str) -> None:
        """A registry answered what was asked with the header that `find` gave."""
        if f"{host} {scope}" not in self._tokens:
            self._common.setdefault(host, "")

    def renew(self, host: str, scope: str, status: int, challenges: Sequence[str]) -> str:
        """The header after a refusal. Raises RegistryError, and Broken where there may be one the next time."""
        challenge = self._challenges.get(host, "") if status == 403 else logins.preferred(challenges)
        found = self._tokens[f"{host} {scope}"] = self._ask(host, scope, challenge)
        if found.startswith("Basic "):
            self._common[host] = found
        else:
            self._challenges[host] = challenge
        return found

    def _of_group(self, host: str, scope: str, challenge: str) -> str:
        """A token for all that is expected beside this scope; "" where none is given. It need not hold for each of
        them: a registry that refuses it is asked with a token of the scope's own.
        """
        group = self.expected.group(host, scope)
        if group is None:
            return ""
        with group.lock:
            if not group.asked:
                found = ""
                with contextlib.suppress(RegistryError):  # One scope alone may be the reason.
                    found = self._ask(host, " ".join(group.scopes), challenge)
                group.asked = True
                if found:
                    self._tokens.update({f"{host} {one}": found for one in group.scopes})
                    self._shared.add(found)
        return self._tokens.get(f"{host} {scope}", "")

    def _ask(self, host: str, scope: str, challenge: str) -> str:
        return logins.authorization(self.connections, challenge, self._login(host), host, scope, self.timeout)

    def _login(self, host: str) -> Login | None:
        """Asked for once for many repositories, and anew before it can be much out of date."""
        with self._lock:
            found = self._logins.get(host)
            if found is None or time.monotonic() - found[1] > LOGIN_HOLDS:
                found = self._logins[host] = (stored_login(host), time.monotonic())
            return found[0]
