"""Real servers for tests: containers where a Docker engine answers, else what `leaderboard/local/` starts.

LEADERBOARD_TESTS_SERVERS=local or =containers decides it instead.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import pytest

from leaderboard.local.server import Server as LocalServer
from leaderboard.local.servers import ALL, local_servers
from tests.containers import Contained, containers, engine_answers

VARIABLE = "LEADERBOARD_TESTS_SERVERS"


class Server(Protocol):
    """A real Kafka, Postgres or Redis; its port and what it stores stay the same over `stop` or `kill` and `start`."""

    name: str
    url: str
    port: int

    def running(self) -> bool: ...
    def start(self) -> None:
        """Start it and return once it answers."""

    def stop(self) -> None: ...
    def kill(self) -> None:
        """As a crash: nothing is flushed."""

    def wipe(self) -> None:
        """Delete all it stores; it must be stopped."""


@dataclass(frozen=True)
class Servers:
    """The servers of a system, or some of them."""

    kafka: Server | None = None
    postgres: Server | None = None
    redis: Server | None = None


@cache
def contained() -> bool:
    """Whether the servers of this run are containers. Raises UsageError."""
    chosen = os.environ.get(VARIABLE, "")
    if chosen not in ("", "local", "containers"):
        raise pytest.UsageError(f"{VARIABLE} is {chosen!r}, expected local or containers")
    return engine_answers() if not chosen else chosen == "containers"


@contextmanager
def open_servers(folder: Path, parts: frozenset[str] = ALL) -> Iterator[Servers]:
    """Start the `parts` and stop them at the end; local ones keep their data in `folder`."""
    if contained():
        with containers(parts) as started:
            yield Servers(**started)
    else:
        with local_servers(folder, parts=parts, say=print) as local:
            yield Servers(local.kafka, local.postgres, local.redis)


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """The server holds its connections and answers nothing."""
    with server.paused() if isinstance(server, Contained) else stopped(server):
        yield


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    assert isinstance(server, LocalServer)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)
