"""`python -m tests.chaos.rolling`: every process restarted, one after the other, under load; what clients notice."""

import argparse
import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import uvloop

from client import Board, Stream, Top, live
from leaderboard.local.servers import local_servers
from tests.chaos.__main__ import commit, folder_for, say
from tests.chaos.drill import Say, again, is_projected
from tests.chaos.insisting import Insisting, figures
from tests.servers import Servers
from tests.stack import System, eventually, free_port

DESCRIPTION = """\
Starts Kafka, Postgres, Redis and two of each of our processes on this machine; those that serve share a port. Under
submissions at a rate (each is timed from when it was due), reads and live sockets, every process is stopped with
SIGTERM and started again, one after the other, projectors first, as in an upgrade. A client sends a request again, a
submission with its key, until it is answered. Exit code 1 when one was not, when a socket had a gap or shows other rows
than the query API at the end, a process did not end well, or `leaderboard verify` finds a difference.
"""
SERVICES = ("projector", "command-api", "query-api", "notifier")
STOP_AFTER_MS = 1_000
READY_WITHIN = 60.0
STOP_WITHIN = 20.0
SETTLE_WITHIN = 60.0
BETWEEN = 1.0
"""Seconds from when a process is ready to when the next one is stopped."""
WATCHED = Top("classic", 10)
STARTED = "Application startup complete"
PROJECTING = '"projecting"'


@dataclass(frozen=True, slots=True)
class Drill:
    """What a run is made of."""

    submits: float = 500.0
    """A second."""
    reads: float = 50.0
    """A second."""
    sockets: int = 50
    calm: float = 10.0
    """Seconds of load to warm up, as many again before the first restart, and after the last one."""
    services: Sequence[str] = SERVICES
    """Two processes of each are restarted, in this order."""

    @property
    def processes(self) -> list[str]:
        """Their names, in the order of their restarts."""
        return [f"{service}{suffix}" for service in self.services for suffix in ("", "-2")]


@dataclass(frozen=True, slots=True)
class Step:
    """A restart."""

    process: str
    began: float
    ended: float
    exit_code: int | None
    """None: it had to be killed."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a run came to."""

    lines: list[str]
    faults: list[str]


async def roll(drill: Drill, system: System, say: Say) -> Found:
    """Restart all under load. The system's processes run before and after it."""
    load, until = Insisting(system.commands, system.queries), asyncio.Event()
    async with watching(system, drill.sockets) as streams:
        opened = sum(stream.counts.connections for stream in streams)
        loading = asyncio.create_task(load.run(drill.submits, drill.reads, until))
        await asyncio.sleep(drill.calm)
        began = time.perf_counter()
        await asyncio.sleep(drill.calm)
        steps = [await asyncio.to_thread(_restart, system, process, say) for process in drill.processes]
        await asyncio.sleep(drill.calm)
        until.set()
        await loading
        wrong = await _wrong(system, streams)
    verified = await asyncio.to_thread(system.run, "verify")
    counts = [stream.counts for stream in streams]
    rolling = steps[0].began, steps[-1].ended
    lines = [
        f"submissions before: {figures(load.submissions, began, rolling[0])}",
        f"submissions during: {figures(load.submissions, *rolling)}",
        f"reads during:       {figures(load.reads, *rolling)}",
        *(f"  {each.process:14} {each.ended - each.began:4.1f} s  {_during(load, each)}" for each in steps),
        f"sockets: {len(streams)}, {sum(each.connections for each in counts) - opened} reconnects, "
        f"{sum(each.resumed for each in counts)} resumed, {sum(each.gaps for each in counts)} gaps, "
        f"{sum(each.mismatches for each in counts)} mismatches, {wrong} with other rows at the end",
        *verified.stdout.splitlines()[-1:],
    ]
    faults = [f"{each.process} ended with {each.exit_code}" for each in steps if each.exit_code != 0]
    unanswered = sum(each.status == 0 for each in [*load.submissions, *load.reads])
    if unanswered:
        faults.append(f"{unanswered} requests were not answered")
    if wrong or any(each.gaps or each.mismatches for each in counts):
        faults.append("sockets were wrong")
    if verified.returncode:
        faults.append(f"verify: {verified.stdout}{verified.stderr}")
    return Found(lines, faults)


def _during(load: Insisting, step: Step) -> str:
    return str(figures([*load.submissions, *load.reads], step.began, step.ended))


def _restart(system: System, name: str, say: Say) -> Step:
    """SIGTERM, and a new process in its place once it has ended; until that one is ready."""
    began, process = time.perf_counter(), system.processes[name]
    process.send_signal(signal.SIGTERM)
    try:
        exit_code: int | None = process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        exit_code = None
        system.kill(name)
    ended = time.perf_counter() - began
    _start(system, name)
    say(f"{name}: ended with {exit_code} after {ended:.1f} s, ready {time.perf_counter() - began - ended:.1f} s later")
    time.sleep(BETWEEN)
    return Step(name, began, time.perf_counter(), exit_code)


def _start(system: System, name: str) -> None:
    """Start a process, and wait until it is ready."""
    service = name.removesuffix("-2")
    argv, sign = [sys.executable, "-m", "leaderboard", service], PROJECTING
    if service != "projector":
        argv, sign = [*argv, "--port", str(system.ports[service])], STARTED
    log = system.logs / f"{system.prefix}{name}.log"
    before = log.read_text().count(sign) if log.exists() else 0
    system.start(name, argv=argv)
    eventually(lambda: log.read_text().count(sign) > before, READY_WITHIN, f"{name} is ready")


@asynccontextmanager
async def watching(system: System, count: int) -> AsyncIterator[list[Stream]]:
    """Sockets that all have their first rows."""
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(live(f"{system.live}/ws/v1", WATCHED)) for _ in range(count)]
        assert await again(READY_WITHIN, _all_live(streams)), "the sockets do not open"
        yield streams


def _all_live(streams: Sequence[Stream]) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return all(stream.live and stream.state(WATCHED) is not None for stream in streams)

    return ask


async def _wrong(system: System, streams: Sequence[Stream]) -> int:
    """How many sockets show other rows than the query API, once all is projected and they had time to hear of it."""
    async with aiohttp.ClientSession() as http:

        async def projected() -> bool:
            return await is_projected(http, system.queries)

        assert await again(SETTLE_WITHIN, projected), "not all is projected"
        async with http.get(f"{system.queries}/api/leaderboard/top?limit=10") as answer:
            rows = [(each["rank"], each["user_id"], each["score"]) for each in (await answer.json())["entries"]]

    async def equal() -> bool:
        return all(_rows(stream) == rows for stream in streams)

    await again(SETTLE_WITHIN / 4, equal)
    return sum(_rows(stream) != rows for stream in streams)


def _rows(stream: Stream) -> list[tuple[int, str, int]]:
    state = stream.state(WATCHED)
    return [(row.rank, row.player, row.value) for row in state.rows] if isinstance(state, Board) else []


@contextmanager
def running_twice(servers: Servers, logs: Path, services: Sequence[str]) -> Iterator[System]:
    """Two processes of each service, ready."""
    shared = {"LEADERBOARD_SHARE_PORT": "true", "LEADERBOARD_STOP_AFTER_MS": str(STOP_AFTER_MS)}
    system = System(servers, logs, settings=shared)
    made = system.run("init")
    assert made.returncode == 0, made.stderr
    system.ports |= {service: free_port() for service in services if service != "projector"}
    try:
        for name in Drill(services=services).processes:
            _start(system, name)
        system.await_ready()
        yield system
    finally:
        system.stop()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tests.chaos.rolling", None, DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=500.0, help="submissions a second (500)")
    parser.add_argument("--reads", type=float, default=50.0, help="reads a second (50)")
    parser.add_argument("--sockets", type=int, default=50, help="live sockets (50)")
    parser.add_argument(
        "--calm", type=float, default=10.0, help="seconds to warm up, before and after the restarts (10)"
    )
    parser.add_argument("--out", type=Path, help="folder for logs; a new one under the temporary folder if not set")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    drill = Drill(given.rate, given.reads, given.sockets, given.calm)
    folder = folder_for(given.out)
    (folder / "run").mkdir(exist_ok=True)
    say(f"{drill.submits:g} submissions and {drill.reads:g} reads a second, commit {commit()}; logs in {folder}")
    with (
        local_servers(folder / "servers", say=say) as local,
        running_twice(Servers(local.kafka, local.postgres, local.redis), folder / "run", drill.services) as system,
    ):
        found = uvloop.run(roll(drill, system, say))
    for line in [*found.lines, *(f"FAULT: {each}" for each in found.faults)]:
        say(line)
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
