"""Kafka, Postgres and Redis as containers of their usual images, published on 127.0.0.1 only."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from testcontainers.core.container import DockerContainer

from leaderboard.local.kafka import Kafka
from leaderboard.local.ports import HOST, kept_or_free
from leaderboard.local.postgres import NAME, Postgres
from leaderboard.local.redis import Redis
from leaderboard.local.server import START_WITHIN, Engine

KAFKA = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9094",
    "KAFKA_LISTENERS": "PLAINTEXT://:9092,BROKER://:9093,CONTROLLER://:9094",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "KAFKA_INTER_BROKER_LISTENER_NAME": "BROKER",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_BROKER_SESSION_TIMEOUT_MS": "3000",  # after a kill it may register again only when this has passed
    "KAFKA_BROKER_HEARTBEAT_INTERVAL_MS": "1000",
}
POSTGRES = {"POSTGRES_USER": NAME, "POSTGRES_DB": NAME, "POSTGRES_HOST_AUTH_METHOD": "trust"}


@dataclass(frozen=True)
class Image:
    """How to run a server; its local counterpart knows the URL and how to ask whether it answers."""

    name: str
    port: int
    engine: Engine
    environment: Mapping[str, str] = field(default_factory=dict)
    command: str | None = None


def image_of(part: str, port: int) -> Image:
    """The image of a part, to be published at a port."""
    match part:
        case "kafka":
            reached = {"KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{HOST}:{port},BROKER://localhost:9093"}
            return Image("apache/kafka:4.3.1", 9092, Kafka(Path(), port, 0, ()), KAFKA | reached)
        case "postgres":
            settings = "postgres -c max_connections=200"
            return Image("postgres:18", 5432, Postgres(Path(), port, None), POSTGRES, settings)
        case "redis":
            settings = "redis-server --appendonly yes --maxmemory-policy noeviction"
            return Image("redis:8", 6379, Redis(Path(), port), command=settings)
        case _:
            raise ValueError(f"no image is known for {part}")


class Contained:
    """A server in a container: stopped and started it is the same container; wiped it is a new one."""

    def __init__(self, image: Image) -> None:
        self.name = image.engine.name
        self.url = image.engine.url
        self.port = image.engine.port
        self._image = image
        self._container: DockerContainer | None = None

    def running(self) -> bool:
        if self._container is None:
            return False
        self._container.reload()
        return self._container.status == "running"

    def start(self) -> None:
        """Start it and return once it answers."""
        if self._container is None:
            self._container = prepared(self._image).start()
        else:
            self._wrapped.start()
        deadline = time.monotonic() + START_WITHIN
        while not self._image.engine.answers():
            in_time = time.monotonic() < deadline and self.running()
            assert in_time, f"{self.name} does not answer: {self._last_lines()}"
            time.sleep(0.05)

    def stop(self) -> None:
        self._wrapped.stop(timeout=10)

    def kill(self) -> None:
        """SIGKILL, as a crash: nothing is flushed."""
        self._wrapped.kill()
        self._wrapped.wait()

    def wipe(self) -> None:
        """Delete all it stores; it must be stopped."""
        assert not self.running(), f"stop {self.name} before its data is deleted"
        self.remove()

    def remove(self) -> None:
        """End it and delete it with all it stores."""
        if self._container is not None:
            self._container.stop()
            self._container = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It holds its connections and answers nothing."""
        self._wrapped.pause()
        try:
            yield
        finally:
            self._wrapped.unpause()

    @property
    def _wrapped(self) -> Any:
        """Docker's own client for it, which has no types."""
        assert self._container is not None, f"{self.name} was not started"
        return self._container.get_wrapped_container()

    def _last_lines(self) -> str:
        return bytes(self._wrapped.logs(tail=8)).decode(errors="replace")


def prepared(image: Image) -> DockerContainer:
    """The container of an image, not started. Its port is chosen beforehand: it has to outlive a stop."""
    container = DockerContainer(image.name, command=image.command, env=dict(image.environment))
    container.ports[f"{image.port}/tcp"] = (HOST, image.engine.port)  # type: ignore[assignment] # docker takes a pair
    return container


@contextmanager
def containers(parts: frozenset[str]) -> Iterator[dict[str, Contained]]:
    """Start the parts side by side, and remove them at the end."""
    taken: set[int] = set()
    for _ in parts:
        taken.add(kept_or_free(0, taken))
    started = {part: Contained(image_of(part, port)) for part, port in zip(sorted(parts), taken, strict=True)}
    try:
        side_by_side(Contained.start, started)
        yield started
    finally:
        side_by_side(Contained.remove, started)


def side_by_side(do: Callable[[Contained], None], servers: Mapping[str, Contained]) -> None:
    with ThreadPoolExecutor(max(1, len(servers))) as pool:
        list(pool.map(do, servers.values()))


def engine_answers() -> bool:
    """Whether a Docker engine answers on a socket of this machine: what others publish on 127.0.0.1 is out of reach.

    Asked without docker's client, which leaves a socket open where nobody answers.
    """
    address = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    if address.scheme != "unix":
        return False
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(2)
        try:
            asking.connect(address.path)
            asking.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 OK" in asking.recv(64)
        except OSError:
            return False
