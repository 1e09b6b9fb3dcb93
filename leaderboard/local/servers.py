"""Real Kafka, Postgres and Redis on this machine, without Docker or anything installed beforehand."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from leaderboard.local.account import unprivileged_account
from leaderboard.local.data import held
from leaderboard.local.guard import Guard
from leaderboard.local.kafka import Kafka
from leaderboard.local.kafka_jars import Progress, kafka_jars
from leaderboard.local.ports import choose_ports
from leaderboard.local.postgres import Postgres
from leaderboard.local.redis import Redis
from leaderboard.local.server import Engine, Server

ALL = frozenset({"kafka", "postgres", "redis"})


@dataclass(frozen=True)
class LocalServers:
    """The servers that were asked for, and the guard that ends them, and other children, if this process dies."""

    kafka: Server | None
    postgres: Server | None
    redis: Server | None
    guard: Guard


@contextmanager
def local_servers(
    data: Path,
    *,
    kafka_port: int = 0,
    postgres_port: int = 0,
    redis_port: int = 0,
    parts: frozenset[str] = ALL,
    say: Callable[[str], None],
    progress: Progress | None = None,
) -> Iterator[LocalServers]:
    """Start the `parts` side by side on 127.0.0.1, yield them ready, and stop them at the end.

    `data` is theirs alone and is created; what they store is there again at the next start. Port 0 means the port of
    the last run, or a free one. Raises LocalServerError, whose first line says what to do.
    """
    data = data.absolute()
    with held(data, say) as lock, Guard(hold=lock) as guard:
        wanted = {"kafka": kafka_port, "kafka_controller": 0, "postgres": postgres_port, "redis": redis_port}
        ports = choose_ports(
            data / "ports.json", {name: port for name, port in wanted.items() if part_of(name) in parts}
        )
        engines = [engine_of(part, data, ports, say, progress) for part in sorted(parts)]
        servers = {engine.name: Server(engine, data / "logs" / f"{engine.name}.out", guard) for engine in engines}
        try:
            start_all(list(servers.values()), say)
            yield LocalServers(servers.get("kafka"), servers.get("postgres"), servers.get("redis"), guard)
        finally:
            stop_all(list(servers.values()))


def part_of(port_name: str) -> str:
    return port_name.split("_")[0]


def engine_of(
    part: str, data: Path, ports: dict[str, int], say: Callable[[str], None], progress: Progress | None
) -> Engine:
    match part:
        case "kafka":
            return Kafka(data / part, ports["kafka"], ports["kafka_controller"], kafka_jars(say, progress))
        case "postgres":
            return Postgres(data / part, ports["postgres"], unprivileged_account(data / part, data))
        case "redis":
            return Redis(data / part, ports["redis"])
        case _:
            raise ValueError(f"no local server is called {part}")


def start_all(servers: Sequence[Server], say: Callable[[str], None]) -> None:
    """Start side by side; when one fails, or the user interrupts, end the others' starts and raise."""
    began = monotonic()
    with ThreadPoolExecutor(max(1, len(servers))) as pool:
        starts = {pool.submit(server.start): server for server in servers}
        try:
            for start in as_completed(starts):
                start.result()
                say(f"{starts[start].name} is ready at {starts[start].url} after {monotonic() - began:.1f} s")
        except BaseException:
            stop_all(servers)
            raise


def stop_all(servers: Sequence[Server]) -> None:
    """Stop side by side, so that the slowest bounds the whole."""
    with ThreadPoolExecutor(max(1, len(servers))) as pool:
        list(pool.map(Server.stop, servers))
