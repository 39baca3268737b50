"""Takes Ctrl-C, and for a run the other requests to end, as notes.

Else it is an exception that ends whatever goes on at that moment, or beside it, or the end of the process at once.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator

NOTED = 2
"""Interrupts that are noted: the first asks for an end, the second for one at once."""
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, what `kill`, `timeout` and whoever supervises processes send, and a terminal that is gone."""


@contextlib.contextmanager
def heard(note: Callable[[int], None]) -> Iterator[None]:
    """Have `note` called with the number of the first interrupts; those after them raise KeyboardInterrupt.

    It is called in the middle of anything, so it may take no lock.
    """
    count = 0

    def hear(number: int, frame: object) -> None:
        nonlocal count
        count += 1
        if count > NOTED:
            raise KeyboardInterrupt
        note(number)

    with _handled(hear, ENDING):
        yield


@contextlib.contextmanager
def remembered() -> Iterator[Callable[[], int]]:
    """Says by which signal's number there was an interrupt last, 0 for none, Ctrl-C or a request to end (SIGTERM).

    It raises KeyboardInterrupt too, which Python may lose in a finaliser.
    """
    came = 0

    def hear(number: int, frame: object) -> None:
        nonlocal came
        came = number
        raise KeyboardInterrupt

    with _handled(hear, (signal.SIGINT, signal.SIGTERM)):
        yield lambda: came


@contextlib.contextmanager
def _handled(hear: Callable[[int, object], None], numbers: Iterable[signal.Signals]) -> Iterator[None]:
    """Whoever ignores one of these signals goes on to do so, and threads other than the first hear of none."""
    first = threading.current_thread() is threading.main_thread()
    usual = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: signal.getsignal(number) for number in numbers if first}
    ours = [number for number, handler in before.items() if handler in usual]
    for number in ours:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
