"""Takes Ctrl-C as a note, instead of an exception that ends whatever goes on at that moment, or beside it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

NOTED = 2
"""Interrupts that are noted: the first asks for an end, the second for one at once."""


@contextlib.contextmanager
def heard(note: Callable[[], None]) -> Iterator[None]:
    """Have `note` called for the first interrupts; those after them raise KeyboardInterrupt, as always.

    It is called in the middle of anything, so it may take no lock.
    """
    count = 0

    def hear(number: int, frame: object) -> None:
        nonlocal count
        count += 1
        if count > NOTED:
            raise KeyboardInterrupt
        note()

    with _handled(hear):
        yield


@contextlib.contextmanager
def remembered() -> Iterator[Callable[[], bool]]:
    """Says whether there was an interrupt. It raises KeyboardInterrupt too, which Python may lose in a finaliser."""
    came = False

    def hear(number: int, frame: object) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    with _handled(hear):
        yield lambda: came


@contextlib.contextmanager
def _handled(hear: Callable[[int, object], None]) -> Iterator[None]:
    """Whoever ignores interrupts goes on to do so, and threads other than the first hear of none."""
    before = signal.getsignal(signal.SIGINT)
    first = threading.current_thread() is threading.main_thread()
    if not first or before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
