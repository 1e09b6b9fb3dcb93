"""A process that we started and that must not outlive us."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from leaderboard.local.account import Account, identity
from leaderboard.local.errors import LocalServerError
from leaderboard.local.guard import Guard

LOG_BYTES = 10 * 1024 * 1024  # a log that has grown beyond this starts anew, and one old one is kept


@dataclass(frozen=True)
class Launch:
    """How to start a process."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM


class Child:
    """A running process in a session of its own: Ctrl-C in the terminal reaches us, and we stop it in order."""

    def __init__(self, name: str, launch: Launch, log: Path, guard: Guard) -> None:
        """Start it; its output is appended to `log`. Raises LocalServerError when the program cannot be started."""
        self.name = name
        self._launch = launch
        self._guard = guard
        self._process = spawn(name, launch, log)
        guard.watch(self.pid, launch.stop_signal)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.poll()

    def running(self) -> bool:
        return self.exit_code is None

    def stop(self, within: float) -> None:
        """Ask it to stop and wait `within` seconds, then kill it."""
        if self.running():
            self._process.send_signal(self._launch.stop_signal)
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
        self._guard.forget(self.pid)

    def kill(self) -> None:
        """Kill it and all it started, also what left its process group as the backends of Postgres do."""
        started = descendants(self.pid)
        self._process.kill()
        for process in started:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._guard.forget(self.pid)


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def spawn(name: str, launch: Launch, log: Path) -> subprocess.Popen[bytes]:
    """Start the process with its output going to `log`."""
    turn_over(log)
    try:
        with log.open("ab") as output:
            return subprocess.Popen(
                launch.argv,
                cwd=launch.cwd,
                env=launch.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **identity(launch.account),
            )
    except OSError as error:
        raise LocalServerError(f"{name} cannot be started: {error.strerror}: {launch.argv[0]}") from error


def turn_over(log: Path) -> None:
    """Keep a log bounded: set it aside once it is large."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name(log.name + ".1"))


def last_lines(log: Path, count: int = 8) -> list[str]:
    """The end of a log file, empty when there is none."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16384))
        return file.read().decode(errors="replace").splitlines()[-count:]
