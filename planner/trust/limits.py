"""What bounds the token server: a rate for each client, and uses of each identity token. Bounded themselves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_CLIENTS = 20_000
MAX_TOKENS = 200_000


class RateLimit:
    """A bucket for each client that fills by `rate` a second up to `burst`. Keeps the clients seen last."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, client: str) -> bool:
        """Whether this client may ask once more now."""
        now = self._clock()
        level, then = self._buckets.pop(client, (self.burst, now))
        level = min(self.burst, level + (now - then) * self.rate)
        allowed = level >= 1
        self._buckets[client] = (level - 1 if allowed else level, now)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return allowed


@dataclass
class _Use:
    client: str
    count: int
    ends: float


class Uses:
    """Who used an identity token, and how often: one token serves one machine, and not for ever.

    BuildKit exchanges the same token for each repository, so it cannot be good for one use alone.
    """

    def __init__(self, most: int, clock: Callable[[], float], *, one_client: bool = True) -> None:
        self.most = most
        self.one_client = one_client
        self._clock = clock
        self._uses: OrderedDict[str, _Use] = OrderedDict()

    def allows(self, token_id: str, client: str, ends: float) -> bool:
        """Note a use. False for a token that another client used first, or that was used too often.

        When more tokens are alive than can be kept, new ones are refused: forgetting one would let it be replayed.
        """
        use = self._uses.get(token_id)
        if use is None:
            self._drop_ended()
            if len(self._uses) >= MAX_TOKENS:
                return False
            self._uses[token_id] = _Use(client=client, count=1, ends=ends)
            return True
        use.count += 1
        return use.count <= self.most and (use.client == client or not self.one_client)

    def _drop_ended(self) -> None:
        """Drop from the oldest on; those that end out of order are dropped later, but none is kept beyond an hour."""
        now = self._clock()
        while self._uses:
            first = next(iter(self._uses.values()))
            if first.ends > now:
                break
            self._uses.popitem(last=False)
