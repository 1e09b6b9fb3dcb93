"""Many clients at once, each with a connection of its own that it keeps, submitting as fast as it is answered.

    python -m bench.clients --clients 1000 --seconds 20

Shows whether they are served evenly: how many good answers each connection got. A load generator of its own, as wrk
does not say what a connection had.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import uvloop
from pydantic import TypeAdapter
from rich.console import Console

from bench.benchmark import Settings, concluded, fill, open_system, report
from bench.generator import told
from bench.load import Load, load_of
from bench.loading import settle
from bench.open_loop import PATIENCE, Connection, requests
from bench.results import Measured
from bench.tables import figures_table

MADE = 20_000
"""Requests that are made beforehand and sent in turn."""


@dataclass(frozen=True)
class Served:
    """A load, and how many good answers each connection had, sorted."""

    load: Load
    each: Sequence[int]


SERVED: TypeAdapter[Served] = TypeAdapter(Served)


def clients(count: int, settings: Settings, url: str | None, out: Path | None, console: Console) -> bool:
    """Measure, verify, write, show; whether every answer and the verdict were good."""
    with open_system(url, console) as system:
        fill(system, settings, console)
        options = {"clients": count, "players": settings.players, "seed": settings.seed}
        with console.status(f"{count:,} clients"):
            served = SERVED.validate_json(told("clients", settings.seconds, url=system.url, **options))
            asyncio.run(settle(system))
        results = concluded(system, [found(served)], settings, console)
    return report(results, figures_table(found(served)), out, console)


def found(served: Served) -> Measured:
    """As figures; `answers a client` says how evenly they were served."""
    load, each = served.load, served.each
    figures = {name: getattr(load, name) for name in ("throughput", "p50", "p99", "p999", "worst")}
    spread = {"fewest": each[0], "median": each[len(each) // 2], "most": each[-1]}
    figures |= {f"answers a client: {name}": float(value) for name, value in spread.items()}
    figures |= {"clients": float(len(each)), "generator": load.cpu / load.seconds}
    figures |= {f"answers: {name}": float(number) for name, number in sorted(load.errors.items())}
    return Measured("clients", [], {}, figures | {"errors": float(sum(load.errors.values()))})


class Crowd:
    """Connections, each of which sends its next request when it has the answer, until a time."""

    def __init__(self, work: Sequence[bytes]) -> None:
        self.latencies: list[float] = []
        self.errors: Counter[str] = Counter()
        self.good: dict[Connection, int] = {}
        self._work = work
        self._until = 0.0
        self._turn = 0
        self._busy: set[Connection] = set()
        self._quiet = asyncio.Event()

    async def connect(self, host: str, port: int, connections: int) -> None:
        """Open all before the first sends."""
        for _ in range(connections):
            opening = asyncio.get_running_loop().create_connection(lambda: Connection(self._answered), host, port)
            _, connection = await asyncio.wait_for(opening, PATIENCE)
            self.good[connection] = 0

    async def run(self, seconds: float) -> None:
        """Send for so long, and wait for the last answers; those that do not come are errors."""
        self._until = time.perf_counter() + seconds
        for connection in self.good:
            self._send(connection)
        try:
            await asyncio.wait_for(self._quiet.wait(), seconds + PATIENCE)
        except TimeoutError:
            self.errors["no answer"] += len(self._busy)

    def close(self) -> None:
        """Close all connections."""
        for connection in self.good:
            connection.close()

    def _send(self, connection: Connection) -> None:
        self._busy.add(connection)
        connection.send(time.perf_counter(), self._work[self._turn % len(self._work)])
        self._turn += 1

    def _answered(self, connection: Connection, status: int | None) -> None:
        if connection not in self._busy:
            return
        self._busy.remove(connection)
        answered = time.perf_counter()
        if status == 200:
            self.latencies.append(answered - connection.due)
            self.good[connection] += 1
        else:
            self.errors[f"status {status}" if status is not None else "socket closed"] += 1
        if status is not None and answered < self._until:
            self._send(connection)
        elif not self._busy:
            self._quiet.set()


async def load(url: str, clients: int, seconds: float, players: int, seed: int) -> Served:
    """Load a system for some seconds."""
    address = urlsplit(url)
    assert address.hostname is not None, url
    crowd = Crowd(requests("submit", address.netloc, players, MADE, seed))
    await crowd.connect(address.hostname, address.port or 80, clients)
    used, began = time.process_time(), time.perf_counter()
    await crowd.run(seconds)
    took, used = time.perf_counter() - began, time.process_time() - used
    crowd.close()
    return Served(load_of(crowd.latencies, took, used, dict(crowd.errors)), sorted(crowd.good.values()))


def main() -> None:
    """Print the load and the answers of each connection as a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--players", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(load(**vars(parser.parse_args())))) + b"\n")


if __name__ == "__main__":
    main()
