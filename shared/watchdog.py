"""Ends a process that makes no progress or has lost a part, so that its supervisor starts a new one.

A client library that hangs, a lock that is never released, a loop that is blocked: no exception tells of these.
"""

import asyncio
import faulthandler
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

PATIENCE = 30
"""Seconds without a beat."""
STALLED = 70
"""The exit code."""

log = structlog.get_logger()


class Watchdog:
    """Told of progress by `beat`. A thread counts seconds: those that a suspended process sleeps do not count."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._silent = 0
        self._over = threading.Event()

    def beat(self) -> None:
        """The process has got somewhere, or knows what it is waiting for."""
        self._silent = 0

    def watch(self) -> None:
        """Count until told to end."""
        while not self._over.wait(1.0):
            self._silent += 1
            if self._silent > self._patience:
                log.critical("no_progress", seconds=self._silent)
                faulthandler.dump_traceback()
                os._exit(STALLED)

    def end(self) -> None:
        """Watch no more."""
        self._over.set()


def stop_process(task: "asyncio.Task[None]") -> None:
    """Done callback of a task without which a process is of no use, and which nobody awaits."""
    if not task.cancelled():
        log.critical("task_failed", task=task.get_coro().__qualname__, exc_info=task.exception())  # type: ignore[union-attr]
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def watched(patience: int = PATIENCE) -> Iterator[Watchdog]:
    """Exit the process when it does not `beat` for `patience` seconds inside the block."""
    watchdog = Watchdog(patience)
    thread = threading.Thread(target=watchdog.watch, name="watchdog", daemon=True)
    thread.start()
    try:
        yield watchdog
    finally:
        watchdog.end()
