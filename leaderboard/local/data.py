"""The data directory: one run at a time."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from leaderboard.local.errors import LocalServerError

CLEANING = 12.0  # seconds; a killed run's guard ends its servers within about 7


@contextmanager
def held(data: Path, say: Callable[[str], None]) -> Iterator[int]:
    """Hold the data directory, creating it; yields the locked file, for a guard to keep the lock while it cleans up.

    Raises LocalServerError when another run holds it or it cannot be written.
    """
    file = open_lock(data)
    try:
        lock(file, data, say)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield file
    finally:
        os.close(file)


def open_lock(data: Path) -> int:
    try:
        (data / "logs").mkdir(parents=True, exist_ok=True)
        return os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        message = f"cannot write the data directory {data} ({error.strerror}): choose another with --data"
        raise LocalServerError(message) from error


def lock(file: int, data: Path, say: Callable[[str], None]) -> None:
    """Lock the file. A run that was killed may hold it a few seconds longer through its guard: wait for that one."""
    if locked(file):
        return
    holder = int(os.pread(file, 20, 0) or b"0")
    if is_alive(holder):
        raise LocalServerError(f"{data} is in use by another run (process {holder}): stop it, or choose another --data")
    say("waiting for the servers of a killed run to end")
    deadline = time.monotonic() + CLEANING
    while not locked(file):
        if time.monotonic() > deadline:
            raise LocalServerError(
                f"{data} is still held by servers of a killed run: end them, or choose another --data"
            )
        time.sleep(0.1)


def locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_alive(pid: int) -> bool:
    """Whether a process has this number; 0, which a run writes nothing for yet, counts as alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
