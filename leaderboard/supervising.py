"""Keeps the services running: restarts what exits, stops all in reverse order."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leaderboard.local.child import Child, Launch
from leaderboard.local.guard import Guard

FIRST_PAUSE = 0.2  # seconds before the first restart; doubles with each further one
LONGEST_PAUSE = 5.0
HEALTHY_AFTER = 30.0  # seconds of life after which an exit counts as the first again
STOP_WITHIN = 8.0  # seconds until a service that was asked to stop is killed
LOOK_EVERY = 0.1


@dataclass(frozen=True)
class Command:
    """A service to keep running; `env` is its whole environment."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    ours: bool = True
    """Whether it runs our code, and so has to begin anew when that changes."""


class Supervisor:
    """Runs commands as child processes under a guard, each with its own log file in `logs`."""

    def __init__(
        self, commands: Sequence[Command], *, guard: Guard, logs: Path, cwd: Path, say: Callable[[str], None]
    ) -> None:
        self._services = [Service(command, guard, logs / f"{command.name}.log", cwd) for command in commands]
        self._ours = [service for service, command in zip(self._services, commands, strict=True) if command.ours]
        self._say = say
        self._changed = threading.Event()

    def code_has_changed(self) -> None:
        """Restart, soon, what runs our code. From any thread."""
        self._changed.set()

    def run(self, until: threading.Event) -> None:
        """Start all in order and keep them running until the event is set; then stop all, the last one first.

        Raises LocalServerError when a command cannot be started at all.
        """
        try:
            for service in self._services:
                service.start()
            while not until.wait(LOOK_EVERY):
                if self._changed.is_set():
                    self._begin_anew()
                self._look_after()
        finally:
            for service in reversed(self._services):
                service.stop()

    @property
    def pids(self) -> dict[str, int]:
        """The process of each service that is running now."""
        return {service.name: service.pid for service in self._services if service.pid}

    def _begin_anew(self) -> None:
        self._changed.clear()
        self._say("the code has changed: restarting the services")
        for service in reversed(self._ours):
            service.stop()
        for service in self._ours:
            service.start()

    def _look_after(self) -> None:
        for service in self._services:
            if service.has_exited():
                self._say(service.schedule_restart())
            elif service.is_due():
                service.start()


class Service:
    """One command: its process, or the time of its next start."""

    def __init__(self, command: Command, guard: Guard, log: Path, cwd: Path) -> None:
        self.name = command.name
        self._launch = Launch(command.argv, cwd, command.env)
        self._guard = guard
        self._log = log
        self._child: Child | None = None
        self._pause = FIRST_PAUSE
        self._started = 0.0
        self._due = 0.0

    @property
    def pid(self) -> int:
        """0 between an exit and the restart."""
        child = self._child
        return child.pid if child is not None and child.running() else 0

    def start(self) -> None:
        self._child = Child(self.name, self._launch, self._log, self._guard)
        self._started = time.monotonic()

    def has_exited(self) -> bool:
        return self._child is not None and not self._child.running()

    def is_due(self) -> bool:
        return self._child is None and time.monotonic() >= self._due

    def schedule_restart(self) -> str:
        """Plan the next start, later each time it fails early; returns the line that says so."""
        assert self._child is not None
        code, lived = self._child.exit_code, time.monotonic() - self._started
        pause = FIRST_PAUSE if lived >= HEALTHY_AFTER else self._pause
        self._child.kill()  # what it may have left behind
        self._child = None
        self._due = time.monotonic() + pause
        self._pause = min(pause * 2, LONGEST_PAUSE)
        return f"{self.name} exited with code {code} after {lived:.1f} s; restarting in {pause:.1f} s, see {self._log}"

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop(STOP_WITHIN)
