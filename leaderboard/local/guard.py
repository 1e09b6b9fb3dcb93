"""A process that outlives its parent just long enough to end the parent's children.

Run as a script it reads from standard input, which only the parent holds open, and at its end stops what is left.
Standard library only and no import of ours: it must start in milliseconds and never fail.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO

PATIENCE = 6.0  # seconds between asking children to stop and killing them


class Guard:
    """The parent's side: tell the guard of every child, so that none survives a `kill -9` of this process."""

    def __init__(self, hold: int | None = None) -> None:
        """Start the guard. `hold` is a file it keeps open until the last child is gone (the lock of the data)."""
        # -I: the folder of this script holds modules named after servers, which must not shadow anybody's.
        command = [sys.executable, "-I", "-S", __file__]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=() if hold is None else (hold,),
        )

    def watch(self, group: int, stop_signal: signal.Signals) -> None:
        """End the process group `group` when this process dies: with `stop_signal` first, then SIGKILL."""
        self._tell(f"{group} {stop_signal.value}\n")

    def forget(self, group: int) -> None:
        """The group has ended; its number may soon belong to somebody else."""
        self._tell(f"{group} 0\n")

    def close(self) -> None:
        """Let the guard go; it first ends whatever is still watched."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE + 2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # somebody killed the guard: the children still run, so do we
            os.write(self._process.stdin.fileno(), line.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def watched_at_end(lines: TextIO) -> dict[int, int]:
    """Read until the parent is gone; return its living groups and the signal that stops each."""
    groups: dict[int, int] = {}
    for line in lines:
        group, number = map(int, line.split())
        if number:
            groups[group] = number
        else:
            groups.pop(group, None)
    return groups


def end(groups: dict[int, int]) -> None:
    """Stop every group: its own signal, up to PATIENCE seconds, then SIGKILL."""
    living = {group for group, number in groups.items() if reaches(group, number)}
    deadline = time.monotonic() + PATIENCE
    while living and time.monotonic() < deadline:
        time.sleep(0.1)
        living = {group for group in living if reaches(group, 0)}
    for group in living:
        reaches(group, signal.SIGKILL)


def reaches(group: int, number: int) -> bool:
    """Send a signal to a process group; false when nothing of it is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return False
    return True


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    end(watched_at_end(sys.stdin))


if __name__ == "__main__":
    main()
