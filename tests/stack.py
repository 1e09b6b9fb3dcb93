"""The real parts for tests: shared servers, and systems of our processes that each have their own prefix."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.error import URLError
from urllib.request import urlopen

from leaderboard.local.child import last_lines
from leaderboard.local.ports import kept_or_free
from tests.servers import Server, Servers

S = TypeVar("S", bound=Server)
ROOT = Path(__file__).parent.parent
READY_WITHIN = 45.0
SPLIT = ("command-api", "query-api", "notifier")


def addresses(servers: Servers) -> dict[str, str]:
    """The environment that points our processes to the servers."""
    return {
        "LEADERBOARD_KAFKA": present(servers.kafka).url,
        "LEADERBOARD_POSTGRES": present(servers.postgres).url,
        "LEADERBOARD_REDIS": present(servers.redis).url,
    }


def present(server: S | None) -> S:
    assert server is not None
    return server


def free_port() -> int:
    return kept_or_free(0, set())


def eventually(check: Callable[[], bool], within: float, what: str) -> None:
    """Ask again until it is so; fail with what was waited for."""
    deadline = time.monotonic() + within
    while not check():
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        time.sleep(0.02)


@dataclass
class System:
    """Our processes on given servers, under a prefix of their own."""

    servers: Servers
    logs: Path
    prefix: str = field(default_factory=lambda: f"t{secrets.token_hex(4)}-")
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        own = {"LEADERBOARD_PREFIX": self.prefix, "LEADERBOARD_KAFKA_PARTITIONS": "4"}
        return {**os.environ, **addresses(self.servers), **own, **self.settings}

    def url(self, service: str) -> str:
        """Where a service answers; the front process answers for all where it runs."""
        port = self.ports.get("front") or self.ports[service]
        return f"http://127.0.0.1:{port}"

    @property
    def commands(self) -> str:
        return self.url("command-api")

    @property
    def queries(self) -> str:
        return self.url("query-api")

    @property
    def live(self) -> str:
        return self.url("notifier").replace("http:", "ws:")

    def run(self, *arguments: str, within: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command of `leaderboard` to its end."""
        argv = [sys.executable, "-m", "leaderboard", *arguments]
        return subprocess.run(
            argv, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=within, check=False
        )

    def start(self, name: str, *arguments: str, argv: list[str] | None = None) -> None:
        """Start a process under a name and leave it running."""
        command = argv or [sys.executable, "-m", "leaderboard", name, *arguments]
        with (self.logs / f"{self.prefix}{name}.log").open("ab") as out:
            # A stable name, as a supervisor gives it: after a restart there is no lease to wait for.
            own = {"LEADERBOARD_PROJECTOR_NAME": name}
            self.processes[name] = subprocess.Popen(
                command, env={**own, **self.environment}, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT
            )

    def serve(self, service: str, name: str | None = None) -> str:
        """Start an HTTP service on a free port; its URL."""
        name = name or service
        self.ports[name] = free_port()
        self.start(name, argv=[sys.executable, "-m", "leaderboard", service, "--port", str(self.ports[name])])
        return f"http://127.0.0.1:{self.ports[name]}"

    def kill(self, name: str) -> None:
        """kill -9, and wait until it is gone."""
        process = self.processes.pop(name)
        process.kill()
        process.wait(10)

    def stop(self) -> None:
        """SIGTERM to all; whoever does not end is a failure."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        late = []
        for name, process in self.processes.items():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
                late.append(name)
        self.processes.clear()
        assert not late, f"did not end within 10 s of SIGTERM: {late}"

    def await_ready(self) -> None:
        """Wait until every service answers and says that it is well."""
        for name, port in self.ports.items():
            eventually(partial(answers, f"http://127.0.0.1:{port}/openapi.json"), READY_WITHIN, name)
        eventually(lambda: answers(f"{self.queries}/api/leaderboard/health"), READY_WITHIN, "a healthy system")

    def has_caught_up(self) -> bool:
        """Whether all of the log is applied."""
        try:
            with urlopen(f"{self.queries}/api/leaderboard/health", timeout=5) as answer:
                return bool(json.loads(answer.read())["components"]["projector"]["lag"] == 0)
        except (URLError, OSError):
            return False

    def show_logs(self) -> None:
        """Print the ends of all logs: pytest shows them where a test has failed."""
        for log in sorted(self.logs.glob(f"{self.prefix}*.log")):
            print(f"--- {log.name}", *last_lines(log, 25), sep="\n")

    def log_of(self, name: str) -> str:
        return (self.logs / f"{self.prefix}{name}.log").read_text()


def answers(url: str) -> bool:
    """Whether an URL answers with success."""
    try:
        with urlopen(url, timeout=2):
            return True
    except (URLError, OSError):
        return False


@contextmanager
def running(servers: Servers, logs: Path, *, split: bool = False, **settings: str) -> Iterator[System]:
    """A system that is ready: the projector, and the front process or the three services apart."""
    system = System(servers, logs, settings=settings)
    made = system.run("init")
    assert made.returncode == 0, made.stderr
    system.start("projector")
    for service in SPLIT if split else ("front",):
        system.serve(service)
    try:
        system.await_ready()
        eventually(system.has_caught_up, READY_WITHIN, "the beginning of the log is applied")
        yield system
    finally:
        system.stop()
        system.show_logs()
