"""`leaderboard up`: the servers, the topics and tables, and the services, until Ctrl-C."""

import asyncio
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from leaderboard.creating import create
from leaderboard.developing import vite, watched
from leaderboard.local.errors import LocalServerError
from leaderboard.local.kafka_jars import Progress
from leaderboard.local.ports import is_free
from leaderboard.local.servers import ALL, LocalServers, local_servers
from leaderboard.supervising import Command, Supervisor
from shared.settings import KafkaSettings, MetricsSettings, NamingSettings, PostgresSettings

VARIABLES = {"kafka": "LEADERBOARD_KAFKA", "postgres": "LEADERBOARD_POSTGRES", "redis": "LEADERBOARD_REDIS"}
"""Set one of these, and that server of yours is used instead of a local one."""
NO_LOGIN = {
    "LEADERBOARD_KAFKA_SECURITY": "PLAINTEXT",
    "LEADERBOARD_KAFKA_USERNAME": "",
    "LEADERBOARD_KAFKA_PASSWORD": "",
}
"""How to reach a Kafka that was started here, whatever the environment says of another. Else the URL says it."""
SPLIT_PORTS = {"command-api": 8001, "query-api": 8002, "notifier": 8003}
READY_WITHIN = 60.0
NUMBER = re.compile(r"-\d+$")
"""Of one of several processes of a service."""


@dataclass(frozen=True)
class Plan:
    """What to run and where."""

    data: Path
    port: int = 8080
    split: bool = False
    split_ports: Mapping[str, int] | None = None
    projectors: int = 1
    processes: int = 1
    """Of each service that has a port: they share it."""
    dev_port: int | None = None
    """Of vite's server of the web app as its sources are; with it, services restart when their code changes."""

    def services(self) -> dict[str, int | None]:
        """Each process with its port; projectors have none."""
        http = dict(self.split_ports or SPLIT_PORTS) if self.split else {"front": self.port}
        projectors: dict[str, int | None] = dict.fromkeys(_numbered("projector", self.projectors))
        return projectors | {name: port for each, port in http.items() for name in _numbered(each, self.processes)}


def _numbered(service: str, count: int) -> list[str]:
    return [service, *(f"{service}-{number}" for number in range(2, count + 1))]


def up(plan: Plan, say: Callable[[str], None], progress: Progress | None = None) -> None:
    """Run everything until SIGINT or SIGTERM. Raises LocalServerError, LogUnavailable."""
    began = time.monotonic()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    _check_ports(plan)
    local = frozenset(part for part in ALL if not os.environ.get(VARIABLES[part]))
    with local_servers(plan.data, parts=local, say=say, progress=progress) as servers:
        os.environ |= addresses(servers)
        if stopping.is_set():
            return
        asyncio.run(create(KafkaSettings(), PostgresSettings(), NamingSettings(), say))
        services = plan.services().items()
        commands = [_command(name, port, plan.processes > 1, number) for number, (name, port) in enumerate(services)]
        if plan.dev_port is not None:
            commands.append(vite(plan.dev_port, plan.port, say))
        logs = plan.data.absolute() / "logs"
        supervisor = Supervisor(commands, guard=servers.guard, logs=logs, cwd=Path.cwd(), say=say)
        watching = watched(supervisor.code_has_changed, stopping) if plan.dev_port is not None else nullcontext()
        with watching, _announced(plan, stopping, began, say):
            supervisor.run(stopping)
            say("stopping")


def _check_ports(plan: Plan) -> None:
    for service, port in [*plan.services().items(), ("the web app", plan.dev_port)]:
        if port is not None and not is_free(port):
            raise LocalServerError(f"port {port} ({service}) is in use: stop what uses it, or choose another (--help)")


def addresses(servers: LocalServers) -> dict[str, str]:
    """The environment that points our processes to these servers."""
    named = {"kafka": servers.kafka, "postgres": servers.postgres, "redis": servers.redis}
    found = {VARIABLES[part]: server.url for part, server in named.items() if server is not None}
    return found | (NO_LOGIN if servers.kafka is not None else {})


def _command(name: str, port: int | None, shared: bool, number: int) -> Command:
    """A process; a projector has the same name after a restart, so that it need not wait for its own leases to end."""
    argv = [sys.executable, "-m", "leaderboard", NUMBER.sub("", name)]
    metrics = MetricsSettings().metrics_port
    environment = {**os.environ, "LEADERBOARD_METRICS_PORT": str(metrics + number if metrics else 0)}
    if port is None:
        return Command(name, argv, {**environment, "LEADERBOARD_PROJECTOR_NAME": f"up-{name}"})
    return Command(name, [*argv, "--port", str(port)], {**environment, "LEADERBOARD_SHARE_PORT": str(shared).lower()})


@contextmanager
def _announced(plan: Plan, stopping: threading.Event, began: float, say: Callable[[str], None]) -> Iterator[None]:
    """Say so, beside the supervisor's own loop, once every service answers."""
    announcing = threading.Thread(target=_announce, args=(plan, stopping, began, say), daemon=True)
    announcing.start()
    yield
    announcing.join()


def _announce(plan: Plan, stopping: threading.Event, began: float, say: Callable[[str], None]) -> None:
    urls = {service: f"http://127.0.0.1:{port}" for service, port in plan.services().items() if port is not None}
    waiting = dict(urls)
    while waiting and not stopping.wait(0.05):
        waiting = {service: url for service, url in waiting.items() if not _answers(url)}
        if time.monotonic() - began > READY_WITHIN:
            say(f"not ready after {READY_WITHIN:.0f} s: {', '.join(waiting)}; see {plan.data}/logs")
            return
    if not stopping.is_set():
        say(f"ready after {time.monotonic() - began:.1f} s: {'  '.join(urls.values())}")
        if not plan.split:
            say(f"the web app: http://127.0.0.1:{plan.dev_port or plan.port}/")


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/openapi.json", timeout=1):  # noqa: S310 - our own loopback address
            return True
    except (URLError, OSError):
        return False
