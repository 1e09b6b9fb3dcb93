"""Faults at random times: the sequence follows from the seed alone, and each one is written down."""

import asyncio
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from redis import Redis

from leaderboard.local.server import Server
from leaderboard.local.servers import LocalServers
from tests.chaos.fleet import Fleet, names_of, service_of
from tests.chaos.journal import Journal
from tests.chaos.proxy import CutAtCommit, Drop, Latency, Mode, Pass, Proxy, Reset, Stall
from tests.stack import present

Kind: TypeAlias = Literal[
    "kill",  # a process of ours
    "pause",  # a process of ours, SIGSTOP for `seconds`
    "crash",  # a server, kill -9, away for `seconds`
    "restart",  # a server, cleanly (Postgres: fast), away for `seconds`
    "abort",  # Postgres, immediate shutdown, away for `seconds`
    "freeze",  # a server, SIGSTOP for `seconds`
    "flush",  # Redis, FLUSHALL
    "empty",  # Redis, kill -9 and back without its data
    "add",  # a projector
    "remove",  # a projector
    "cut",  # a projector's connection, when its next COMMIT has taken place
    "drop",  # projectors' network to a server, a black hole for `seconds`
    "stall",  # projectors' network from a server, answers held for `seconds`
    "reset",  # projectors' network to a server, RST for `seconds`
    "latency",  # projectors' network to a server, 100 ms each way for `seconds`
]
EVERY = 5.5
"""Seconds between faults, on average."""
CALM = 8.0
"""Seconds at the end of a run without new faults."""
RECOVER_WITHIN = 60.0
LOOK_AGAIN = 0.05
WEIGHTS: dict[tuple[Kind, str], float] = {
    ("kill", "projector"): 24,
    ("kill", "command-api"): 14,
    ("kill", "query-api"): 10,
    ("kill", "notifier"): 8,
    ("pause", "projector"): 7,
    ("crash", "kafka"): 4,
    ("restart", "kafka"): 2,
    ("crash", "postgres"): 4,
    ("crash", "redis"): 4,
    ("restart", "postgres"): 3,
    ("abort", "postgres"): 2,
    ("restart", "redis"): 3,
    ("freeze", "kafka"): 2,
    ("flush", "redis"): 4,
    ("empty", "redis"): 2,
    ("cut", "postgres"): 4,
    ("drop", "postgres"): 1,
    ("drop", "redis"): 1,
    ("stall", "postgres"): 1,
    ("stall", "redis"): 1,
    ("reset", "postgres"): 1,
    ("latency", "redis"): 1,
    ("add", "projector"): 2,
    ("remove", "projector"): 2,
}
SECONDS: dict[Kind, tuple[float, float]] = {
    "pause": (2, 15),
    "crash": (0, 3),
    "restart": (0, 2),
    "abort": (0, 2),
    "freeze": (2, 6),
    "drop": (1, 8),
    "stall": (1, 8),
    "reset": (1, 3),
    "latency": (2, 8),
}
MODES: dict[Kind, Mode] = {"drop": Drop(), "stall": Stall("answers"), "reset": Reset(), "latency": Latency(100)}


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do, `at` so many seconds after the beginning, to which process or server."""

    at: float
    kind: Kind
    target: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.at:.1f} s {self.kind} {self.target}" + (f" for {self.seconds:.1f} s" if self.seconds else "")


@dataclass(frozen=True, slots=True)
class Inflicted:
    """A fault that took place. Times in seconds since 1970."""

    planned: float
    kind: Kind
    target: str
    seconds: float
    began: float
    ended: float
    error: str = ""


def schedule(seed: int, seconds: float, counts: dict[str, int]) -> list[Fault]:
    """Random faults for a run, in order: the same for the same arguments."""
    chance = random.Random(f"nemesis-{seed}")
    several = counts.get("projector", 1) > 1
    choices = {at: weight for at, weight in WEIGHTS.items() if several or at[0] not in ("add", "remove")}
    faults: list[Fault] = []
    extra, at = 0, 2.0
    while (at := at + min(chance.expovariate(1 / EVERY), 4 * EVERY)) < seconds - CALM:
        kind, target = chance.choices(list(choices), list(choices.values()))[0]
        if kind in ("add", "remove"):
            # One more and one less take turns, so that the number stays near to what was asked for.
            kind = "remove" if extra else "add"
            extra = 1 - extra
        elif target in counts:
            target = chance.choice(names_of({target: counts[target]}))
        faults.append(Fault(round(at, 3), kind, target, round(chance.uniform(*SECONDS.get(kind, (0, 0))), 3)))
    return faults


class Nemesis:
    """Inflicts faults; those that take a while do not hold up the next, unless they are on the same server."""

    def __init__(self, servers: LocalServers, fleet: Fleet, proxies: dict[str, Proxy], folder: Path) -> None:
        self.fleet = fleet
        self.kills: Counter[str] = Counter()
        """Of servers; the fleet counts those of processes."""
        self.last = ""
        self._servers = {
            "kafka": present(servers.kafka),
            "postgres": present(servers.postgres),
            "redis": present(servers.redis),
        }
        self._proxies = proxies
        self._locks = {name: threading.Lock() for name in (*self._servers, "network")}
        self._journal = Journal[Inflicted](folder / "faults.jsonl")
        self._written = threading.Lock()

    @property
    def cuts(self) -> int:
        """Connections that were cut at a COMMIT that took place."""
        return sum(proxy.cuts for proxy in self._proxies.values())

    async def run(self, faults: Iterable[Fault]) -> None:
        """Inflict each at its time. Raises what a server that does not come back raises."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
                group.create_task(asyncio.to_thread(self._note, fault))

    async def run_in_turn(self, faults: Iterable[Fault], projected: Callable[[], int]) -> None:
        """Inflict one after the other, each `at` seconds after the system has recovered from the one before.

        Recovered means that the next target is up and that something was projected, which `projected` counts signs of:
        on a slow machine a fault would else meet only what is still starting. Raises TimeoutError without recovery.
        """
        for fault in faults:
            before, deadline = projected(), time.monotonic() + RECOVER_WITHIN
            while projected() == before or not await asyncio.to_thread(self.fleet.is_up, fault.target):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no recovery within {RECOVER_WITHIN:g} s before {fault}")
                await asyncio.sleep(LOOK_AGAIN)
            await asyncio.sleep(fault.at)
            await asyncio.to_thread(self._note, fault)

    def heal(self) -> None:
        """Everything runs again and is connected."""
        for proxy in self._proxies.values():
            proxy.switch(Pass())
        self.fleet.heal()
        for name, server in self._servers.items():
            with self._locks[name]:
                server.start()

    def close(self) -> None:
        self._journal.__exit__()

    def _note(self, fault: Fault) -> None:
        began, error = time.time(), ""
        self.last = str(fault)
        try:
            self._inflict(fault)
        except BaseException as failure:
            error = repr(failure)
            raise
        finally:
            line = Inflicted(fault.at, fault.kind, fault.target, fault.seconds, began, time.time(), error)
            with self._written:
                self._journal.write(line)

    def _inflict(self, fault: Fault) -> None:
        match fault.kind:
            case "kill":
                self.fleet.kill(fault.target)
            case "pause":
                self.fleet.pause(fault.target)
                time.sleep(fault.seconds)
                self.fleet.resume(fault.target)
            case "add":
                self.fleet.add_projector()
            case "remove":
                self.fleet.remove_projector(self.fleet.projectors()[-1])
            case "cut":
                self._proxies["postgres"].switch(CutAtCommit())
            case "drop" | "stall" | "reset" | "latency":
                self._disturb(self._proxies[fault.target], MODES[fault.kind], fault.seconds)
            case _:
                with self._locks[fault.target]:
                    self._strike(self._servers[fault.target], fault)

    def _disturb(self, proxy: Proxy, mode: Mode, seconds: float) -> None:
        with self._locks["network"]:
            proxy.switch(mode)
            time.sleep(seconds)
            proxy.switch(Pass())

    def _strike(self, server: Server, fault: Fault) -> None:
        match fault.kind:
            case "flush":
                with Redis.from_url(server.url) as redis:
                    redis.flushall()
                return
            case "freeze":
                os.kill(server.pid, signal.SIGSTOP)
                time.sleep(fault.seconds)
                os.kill(server.pid, signal.SIGCONT)
                return
            case "restart":
                server.stop()
            case "abort":
                os.kill(server.pid, signal.SIGQUIT)
                server.stop()
            case _:
                server.kill()
        self.kills[fault.target] += 1
        if fault.kind == "empty":
            server.wipe()
        time.sleep(fault.seconds)
        server.start()


def kills_planned(faults: Sequence[Fault]) -> Counter[str]:
    """How many kill -9 a schedule has of each service and server."""
    return Counter(
        service_of(fault.target) if fault.kind == "kill" else fault.target
        for fault in faults
        if fault.kind in ("kill", "crash", "empty")
    )
