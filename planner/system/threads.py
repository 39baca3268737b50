"""Threads that ask others, such as registries: whoever is interrupted waits for none, nor does the end of the process.

The standard library's pool waits in both places, for as long as a registry is silent.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

Given = ParamSpec("Given")
Found = TypeVar("Found")


class Threads(Executor):
    """So many threads at most, to be used as a block. What has not begun when it ends with an exception never does."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._over = False

    def submit(self, fn: Callable[Given, Found], /, *args: Given.args, **kwargs: Given.kwargs) -> Future[Found]:
        """See Executor."""
        future: Future[Found] = Future()
        with self._lock:
            if self._over:
                raise RuntimeError("these threads take no more work")
            self._waiting.put((future, functools.partial(fn, *args, **kwargs)))
            if len(self._threads) < self._most:
                self._threads.append(threading.Thread(target=self._work, daemon=True))
                self._threads[-1].start()
        return future

    def _work(self) -> None:
        while (one := self._waiting.get()) is not None:
            future, work = one
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
            del one, future, work  # Whatever comes next may be long in coming.

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See Executor."""
        with self._lock:
            self._over = True
            threads, self._threads = self._threads, []
        while cancel_futures:
            try:
                one = self._waiting.get_nowait()
            except queue.Empty:
                break
            if one is not None:
                one[0].cancel()
        for _ in threads:
            self._waiting.put(None)
        if wait:
            for thread in threads:
                thread.join()

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        """Wait for what was begun, unless somebody interrupts."""
        self.shutdown(wait=not isinstance(value, KeyboardInterrupt), cancel_futures=value is not None)
