"""One local server: a child process with data of its own, started, asked for readiness, stopped, restarted."""

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from leaderboard.local.child import Child, Launch, last_lines
from leaderboard.local.errors import LocalServerError, failure
from leaderboard.local.guard import Guard
from leaderboard.local.ports import require_free

START_WITHIN = 60.0  # seconds until a server must answer
STOP_WITHIN = 8.0  # seconds until it is killed; all stop side by side, so this bounds the whole stop


class Engine(Protocol):
    """What differs between Kafka, Postgres and Redis."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def home(self) -> Path:
        """Its folder, which holds all it stores."""

    @property
    def logs(self) -> Sequence[Path]:
        """Files it writes beside its output."""

    def prepare(self) -> None:
        """Make `home` ready for a start: format it when it is new."""

    def launch(self) -> Launch: ...
    def answers(self) -> bool:
        """Ask the server itself whether it serves clients; returns within about a second."""


class Server:
    """A real Kafka, Postgres or Redis on this machine; its methods may be called from any thread."""

    def __init__(self, engine: Engine, output: Path, guard: Guard) -> None:
        self.name = engine.name
        self.url = engine.url
        self.port = engine.port
        self._engine = engine
        self._output = output
        self._guard = guard
        self._child: Child | None = None
        self._wanted = False
        self._changing = threading.Lock()

    @property
    def pid(self) -> int:
        """The process id; raises LocalServerError when it was never started."""
        if self._child is None:
            raise LocalServerError(f"{self.name} was not started")
        return self._child.pid

    def running(self) -> bool:
        return self._child is not None and self._child.running()

    def start(self) -> None:
        """Start it on its port and data and return once it answers. Raises LocalServerError with the log's end."""
        if self.running():
            return
        self._wanted = True
        require_free(self.name, self.port)
        self._engine.prepare()
        with self._changing:
            if not self._wanted:  # stopped while it was being prepared
                return
            self._child = Child(self.name, self._engine.launch(), self._output, self._guard)
        self._await_answer(self._child)

    def stop(self) -> None:
        """Stop it cleanly; after STOP_WITHIN seconds it is killed. Also ends a start under way."""
        self._end(lambda child: child.stop(STOP_WITHIN))

    def kill(self) -> None:
        """SIGKILL, as a crash: nothing is flushed. `start` brings it back."""
        self._end(lambda child: child.kill())

    def wipe(self) -> None:
        """Delete all it stores. It must be stopped; the next start begins empty, on the same port."""
        assert not self.running(), f"stop {self.name} before its data is deleted"
        if self._engine.home.exists():
            shutil.rmtree(self._engine.home)

    def _end(self, how: Callable[[Child], None]) -> None:
        with self._changing:
            self._wanted = False
            child = self._child
        if child is not None:
            how(child)

    def _await_answer(self, child: Child) -> None:
        deadline = time.monotonic() + START_WITHIN
        while not (child.running() and self._engine.answers()):
            if not self._wanted:
                return
            if not child.running():
                raise self._failure(f"{self.name} ended at its start with exit code {child.exit_code}")
            if time.monotonic() > deadline:
                child.kill()
                raise self._failure(f"{self.name} did not answer within {START_WITHIN:.0f} s")
            time.sleep(0.05)

    def _failure(self, what: str) -> LocalServerError:
        logs = [self._output, *self._engine.logs]
        lines = [line for log in logs for line in last_lines(log)]
        return failure(f"{what}; its log {logs[-1]} ends with", lines)
