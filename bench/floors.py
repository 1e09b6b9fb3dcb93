"""The floors, each started when it is first needed and kept, idle, until the end of the run."""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import psutil

from bench.constant import BODY
from bench.generator import generate
from bench.load import Load
from bench.measuring import Run
from bench.processes import Family
from bench.sketch.stores import create, create_topics, delete_topics, drop
from bench.system import System, await_answer, child
from bench.workloads import Floor, Workload
from bench.wrk import run_wrk
from leaderboard.local.guard import Guard
from leaderboard.local.ports import kept_or_free
from shared.settings import NamingSettings

PREFIX = "LEADERBOARD_PREFIX"


@dataclass(frozen=True)
class Target:
    """What can be loaded, and the processes that serve it."""

    run: Run
    families: Mapping[str, Family]


@dataclass(frozen=True)
class Traffic:
    """What is common to the loads of a run."""

    players: int
    seed: int

    def over_http(self, url: str, workload: Workload) -> Run:
        """Load whatever answers at this URL, by the generator that the workload is for."""
        if workload.rate is None:
            return partial(self._wrk, url, workload)
        options: dict[str, str | int] = {
            "url": url,
            "kind": workload.kind,
            "rate": workload.rate,
            "connections": workload.connections,
        }
        options |= {"players": self.players, "seed": self.seed}
        return lambda seconds: generate("open_loop", seconds, **options)

    def _wrk(self, url: str, workload: Workload, seconds: float) -> Load:
        return run_wrk(url, workload, self.players, seconds, self.seed)


@dataclass(frozen=True)
class Floors:
    """The floors of a run: `of` gives one, which `stack` ends with the run."""

    system: System
    traffic: Traffic
    folder: Path
    """For logs and the answers that are repeated."""
    guard: Guard
    stack: ExitStack
    running: dict[str, tuple[str, Mapping[str, Family]]]
    """The URL and the processes of those that are started."""

    def of(self, floor: Floor, workload: Workload) -> Target:
        """A floor of a workload, ready. Raises LocalServerError, LogUnavailable."""
        match floor:
            case "sketch":
                url, families = self._once("sketch", partial(sketch, self.system, self.traffic.players))
                return Target(self.traffic.over_http(url, workload), families)
            case "asgi":
                url, families = self._once(f"asgi-{workload.kind}", partial(constant, self.system, workload))
                return Target(self.traffic.over_http(url, workload), families)
            case "redis":
                options = {"players": self.traffic.players, "seed": self.traffic.seed}
                options |= {"connections": workload.connections}
                return Target(
                    lambda seconds: generate("lookups", seconds, **options), {"redis": self.system.servers()["redis"]}
                )
            case "aiokafka":
                prefix, families = self._once("aiokafka", partial(records, self.system))
                run = partial(generate, "records", connections=workload.connections, prefix=prefix)
                return Target(run, families)

    def _once(self, name: str, start: "Starter") -> tuple[str, Mapping[str, Family]]:
        if name not in self.running:
            self.running[name] = self.stack.enter_context(contextmanager(start)(self.folder, self.guard))
        return self.running[name]


Starter = Callable[[Path, Guard], Iterator[tuple[str, Mapping[str, Family]]]]


@contextmanager
def open_floors(system: System, traffic: Traffic, folder: Path) -> Iterator[Floors]:
    """None is started yet."""
    with Guard() as guard, ExitStack() as stack:
        yield Floors(system, traffic, folder, guard, stack, {})


def sketch(system: System, players: int, folder: Path, guard: Guard) -> Iterator[tuple[str, Mapping[str, Family]]]:
    """The bare write path, with as many players, on the servers of the system."""
    naming, port = _own_names(), kept_or_free(0, set())
    stores = system.kafka, system.postgres, system.redis, naming
    env = {PREFIX: naming.prefix}
    asyncio.run(create(*stores, players))
    try:
        with (
            child("sketch-projector", ["-m", "bench.sketch.projector"], folder, guard, env) as projector,
            child("sketch-front", _uvicorn("bench.sketch.front:create_app", port), folder, guard, env) as front,
        ):
            url = f"http://127.0.0.1:{port}"
            await_answer(front, url, folder)
            own = {"front": [psutil.Process(front.pid)], "projector": [psutil.Process(projector.pid)]}
            yield url, {**own, **system.servers()}
    finally:
        asyncio.run(drop(*stores))


def constant(
    system: System, workload: Workload, folder: Path, guard: Guard
) -> Iterator[tuple[str, Mapping[str, Family]]]:
    """A raw ASGI app with one answer of the system."""
    path = "/api/leaderboard/top?limit=100" if workload.kind == "top" else "/api/leaderboard/rank/player-0"
    body = folder / f"{workload.kind}.json"
    with urlopen(f"{system.url}{path}", timeout=10) as answer:  # noqa: S310 - the system that is measured
        body.write_bytes(answer.read())
    port = kept_or_free(0, set())
    argv, name = _uvicorn("bench.constant:create_app", port), f"asgi-{workload.kind}"
    with child(name, argv, folder, guard, {BODY: str(body)}) as process:
        url = f"http://127.0.0.1:{port}"
        await_answer(process, url, folder)
        yield url, {"front": [psutil.Process(process.pid)]}


def records(system: System, folder: Path, guard: Guard) -> Iterator[tuple[str, Mapping[str, Family]]]:
    """Topics for the records, under a prefix."""
    naming = _own_names()
    asyncio.run(create_topics(system.kafka, naming))
    try:
        yield naming.prefix, {"kafka": system.servers()["kafka"]}
    finally:
        asyncio.run(delete_topics(system.kafka, naming))


def _own_names() -> NamingSettings:
    return NamingSettings(prefix=f"bench-{secrets.token_hex(4)}-")


def _uvicorn(app: str, port: int) -> list[str]:
    return ["-m", "uvicorn", app, "--factory", "--port", str(port), "--no-access-log", "--log-level", "warning"]
