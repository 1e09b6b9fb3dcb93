"""Our processes on given servers: killed and stopped by a nemesis, started again by a keeper."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from tests.stack import System, answers, eventually, free_port

LOOK_EVERY = 0.1
RESTART_AFTER = 0.3
"""Seconds between a death and the next start, as a supervisor would wait."""
READY_WITHIN = 60.0
SERVICES = ("projector", "command-api", "query-api", "notifier")


def service_of(name: str) -> str:
    """`command-api-2` is the second `command-api`."""
    return next(service for service in SERVICES if name == service or name.startswith(f"{service}-"))


def names_of(counts: Mapping[str, int]) -> list[str]:
    """The names of so many processes of each service; the first is called as its service."""
    return [
        service if number == 1 else f"{service}-{number}"
        for service in SERVICES
        for number in range(1, counts.get(service, 0) + 1)
    ]


class Fleet:
    """The processes of a system. Its methods may be called from any thread."""

    def __init__(self, system: System, counts: Mapping[str, int], projecting: Mapping[str, str]) -> None:
        """`projecting` is what projectors alone have in their environment."""
        self.system = system
        self.kills: Counter[str] = Counter()
        self.exits: list[str] = []
        """Ends that nobody caused by a signal, each a line."""
        self._projecting = dict(projecting)
        self._wanted = names_of(counts)
        self._paused: set[str] = set()
        self._due: dict[str, float] = {}
        self._lock = threading.RLock()
        self._until = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start all, wait until they are ready, and keep them running until the end of the block."""
        for name in self._wanted:
            self._start(name)
        keeping = threading.Thread(target=self._keep, name="fleet", daemon=True)
        keeping.start()
        try:
            self.await_ready()
            yield
        finally:
            self._until.set()
            keeping.join(10)
            self.heal()
            self.system.stop()

    def urls(self, service: str) -> list[str]:
        """Where the processes of a service answer."""
        names = [name for name in self._wanted if service_of(name) == service]
        return [f"http://127.0.0.1:{self.system.ports[name]}" for name in names]

    def projectors(self) -> list[str]:
        with self._lock:
            return [name for name in self._wanted if service_of(name) == "projector"]

    def kill(self, name: str) -> None:
        """kill -9; the keeper starts it again."""
        with self._lock:
            process = self.system.processes.get(name)
            if process is None or process.poll() is not None:
                return
            self._paused.discard(name)
            process.kill()
            process.wait(10)
            self.kills[service_of(name)] += 1

    def pause(self, name: str) -> None:
        """SIGSTOP: it lives and does nothing."""
        with self._lock:
            if self._signal(name, signal.SIGSTOP):
                self._paused.add(name)

    def resume(self, name: str) -> None:
        """SIGCONT, whatever has happened to it meanwhile."""
        with self._lock:
            self._paused.discard(name)
            self._signal(name, signal.SIGCONT)

    def add_projector(self) -> str:
        """One more, under the first name that is free."""
        with self._lock:
            used = self.projectors()
            name = next(name for name in names_of({"projector": len(used) + 1}) if name not in used)
            self._wanted.append(name)
            self._start(name)
            return name

    def remove_projector(self, name: str) -> None:
        """SIGTERM, and not started again; what does not end within 10 s is killed, and counts as an exit."""
        with self._lock:
            self._wanted.remove(name)
            process = self.system.processes.pop(name, None)
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            self.exits.append(f"{name} did not end within 10 s of SIGTERM")
            process.kill()
            process.wait(10)

    def heal(self) -> None:
        """Resume whatever is paused."""
        for name in list(self._paused):
            self.resume(name)

    def await_ready(self) -> None:
        """Wait until every HTTP service answers and the system is healthy."""
        for name in [name for name in self._wanted if name in self.system.ports]:
            url = f"http://127.0.0.1:{self.system.ports[name]}/openapi.json"
            eventually(partial(answers, url), READY_WITHIN, name)
        for url in self.urls("query-api"):
            eventually(partial(answers, f"{url}/api/leaderboard/health"), READY_WITHIN, "a healthy system")

    def is_up(self, name: str) -> bool:
        """Whether a process runs and, where it serves HTTP, answers. What is no process of ours counts as up."""
        if name not in self._wanted:
            return True
        process, port = self.system.processes.get(name), self.system.ports.get(name)
        alive = process is not None and process.poll() is None
        return alive and (port is None or answers(f"http://127.0.0.1:{port}/openapi.json"))

    def _signal(self, name: str, number: signal.Signals) -> bool:
        process = self.system.processes.get(name)
        if process is None or process.poll() is not None:
            return False
        process.send_signal(number)
        return True

    def _keep(self) -> None:
        while not self._until.wait(LOOK_EVERY):
            with self._lock:
                for name in self._wanted:
                    self._look_after(name)

    def _look_after(self, name: str) -> None:
        """Start a process again some time after its end."""
        process = self.system.processes.get(name)
        if process is not None and process.poll() is None:
            return
        now = time.monotonic()
        if process is not None and name not in self._due:
            self._due[name] = now + RESTART_AFTER
            if process.returncode != -signal.SIGKILL:
                last = self.system.log_of(name).splitlines()[-1:]
                self.exits.append(f"{name} exited with code {process.returncode}: {''.join(last)[:300]}")
        elif now >= self._due.get(name, 0.0):
            self._due.pop(name, None)
            self._start(name)

    def _start(self, name: str) -> None:
        service = service_of(name)
        command = [sys.executable, "-m", "leaderboard", service]
        if service == "projector":
            own = {**self._projecting, "LEADERBOARD_PROJECTOR_NAME": name}
            # env(1) becomes the command, so the process id is the projector's own.
            command = ["env", *(f"{key}={value}" for key, value in own.items()), *command]
        else:
            port = self.system.ports.setdefault(name, free_port())
            command = [*command, "--port", str(port)]
        self.system.start(name, argv=command)
