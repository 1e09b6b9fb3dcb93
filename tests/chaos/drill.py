"""One run: a fleet under load and faults, healed, brought to rest, and held against its log."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp

from leaderboard.local.servers import LocalServers
from tests.chaos.checker import check
from tests.chaos.evidence import read_evidence
from tests.chaos.fleet import Fleet
from tests.chaos.ledger import longest_gap
from tests.chaos.load import REQUEST_TIMEOUT, Load, Plan, question
from tests.chaos.nemesis import Fault, Nemesis
from tests.chaos.proxy import Proxy
from tests.chaos.referee import Referee
from tests.chaos.report import Report, tries_of
from tests.servers import Servers
from tests.stack import System, answers, eventually, present
from tests.tables import select

Say = Callable[[str], None]
PROGRESS_EVERY = 5.0
SETTLE_WITHIN = 90.0
"""Seconds for the load to end and for the projection to catch up, once everything is healed."""
KNOWN_WITHIN = 10.0
"""Seconds for a new board to be known everywhere."""
TELL_WITHIN = 15.0
"""Seconds for the sockets to bring the last ranks."""
ASK_AGAIN = 0.1
CUPS = 2, 12
"""Boards that end in the middle of a run, at least and at most: one for each five seconds of it."""
NOT_CLOSED = """
select board_id from seasons s where ends_at <= $1 and not exists (
    select from season_results r
    where r.board_id = s.board_id and r.season = s.season and r.kind = 'closed' and r.announced)
"""
FINAL_READER = -1
"""The reader whose answers are those at rest."""


@dataclass(frozen=True, slots=True)
class Drill:
    """What a run is made of."""

    seconds: float
    """How long, at least."""
    faults: Sequence[Fault]
    counts: Mapping[str, int]
    title: str
    in_turn: bool = False
    """Whether each fault waits until the system has recovered from the one before."""
    players: int = 1_000
    submits: float = 40.0
    reads: float = 25.0
    rulings: float = 4.0
    sockets: int = 4
    seed: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def cups(self) -> list[str]:
        """Game modes, each with a board that ends in the middle of the run."""
        least, most = CUPS
        return [f"cup-{number}" for number in range(1, 1 + max(least, min(most, int(self.seconds / 5))))]


@dataclass(slots=True)
class Stage:
    """What a run takes place on."""

    system: System
    fleet: Fleet
    nemesis: Nemesis
    load: Load
    referee: Referee
    folder: Path
    unsettled: list[str] = field(default_factory=list)


async def run_drill(drill: Drill, servers: LocalServers, folder: Path, say: Say) -> Report:
    """Run it to its end; its files lie in `folder`, which exists. Raises where the run itself cannot go on."""
    with staged(drill, servers, folder) as stage:
        return await _run(drill, stage, folder, say)


async def _run(drill: Drill, stage: Stage, folder: Path, say: Say) -> Report:
    await _open_cups(drill, stage)
    began = time.time()
    async with stage.load.watched(), _progress(stage, say):
        await _trouble(drill, stage)
        ended = time.time()
        await _come_to_rest(drill, stage)
    say(f"at rest {time.time() - ended:.1f} s after the faults; reading the log")
    verified = await asyncio.to_thread(stage.system.run, "verify")
    (folder / "verify.txt").write_text(verified.stdout + verified.stderr)
    evidence = await read_evidence(stage.system, folder)
    findings = check(evidence)
    (folder / "violations.txt").write_text("".join(f"{each}\n" for each in findings.violations))
    report = Report(
        title=drill.title,
        folder=folder,
        findings=findings,
        tries=tries_of(evidence.ledger),
        reads=stage.load.tally.reads,
        kills=stage.fleet.kills + stage.nemesis.kills,
        faults=len(drill.faults),
        cuts=stage.nemesis.cuts,
        exits=stage.fleet.exits,
        longest_gap=longest_gap(evidence.ledger, began, ended),
        verdict=(verified.stdout.splitlines() or verified.stderr.splitlines() or ["nothing"])[-1],
        unsettled=stage.unsettled,
        given_up=stage.load.tally.given_up,
    )
    (folder / "report.txt").write_text("\n".join(report.lines()) + "\n")
    return report


async def _open_cups(drill: Drill, stage: Stage) -> None:
    """Seasons that end until the run does; every process that answers has to know them before the load begins."""
    await stage.referee.open_cups(drill.seconds)
    queries = [f"{url}/api/leaderboard/top?game_mode={cup}" for url in stage.load.plan.queries for cup in drill.cups]
    for url in queries:
        await asyncio.to_thread(eventually, partial(answers, url), KNOWN_WITHIN, url)


async def _trouble(drill: Drill, stage: Stage) -> None:
    """Load and faults, side by side; then everything is healed and the load sees its submissions to their end."""
    until, tally = asyncio.Event(), stage.load.tally
    striking = (
        stage.nemesis.run_in_turn(drill.faults, lambda: tally.applied + tally.events)
        if drill.in_turn
        else stage.nemesis.run(drill.faults)
    )
    loading = asyncio.ensure_future(asyncio.gather(stage.load.run(until), stage.referee.run(until)))
    try:
        await asyncio.gather(striking, asyncio.sleep(drill.seconds))
    finally:
        until.set()
        await asyncio.to_thread(stage.nemesis.heal)
    done, _ = await asyncio.wait({loading}, timeout=SETTLE_WITHIN)
    if not done:
        stage.unsettled.append(f"{tally.in_flight} submissions are unknown {SETTLE_WITHIN:g} s after the faults")
        loading.cancel()
    await asyncio.gather(loading, return_exceptions=not done)


async def _come_to_rest(drill: Drill, stage: Stage) -> None:
    """Wait until all is projected; then ask every query API for all there is, and wait for the sockets."""
    async with aiohttp.ClientSession(timeout=REQUEST_TIMEOUT) as client:
        if not await again(SETTLE_WITHIN, partial(_is_closed, stage.system)):
            stage.unsettled.append(f"seasons that are over are not closed within {SETTLE_WITHIN:g} s")
        for url in stage.load.plan.queries:
            if not await again(SETTLE_WITHIN, partial(is_projected, client, url)):
                stage.unsettled.append(f"{url} does not say that all is projected")
        for url in stage.load.plan.queries:
            for mode in stage.load.plan.modes:
                limit = min(drill.players, 1_000)
                await stage.load.ask(client, question(FINAL_READER, url, mode, limit=limit, minimum=stage.load.newest))
        if not await again(TELL_WITHIN, partial(_all_told, client, stage.load)):
            stage.unsettled.append(f"sockets did not bring the last rank within {TELL_WITHIN:g} s")


async def again(within: float, ask: Callable[[], Awaitable[bool]]) -> bool:
    """Ask until it is so, for a time."""
    deadline = time.monotonic() + within
    while not await ask():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(ASK_AGAIN)
    return True


async def _is_closed(system: System) -> bool:
    """Whether each season that is over has results, and they were told."""
    return not await select(system, NOT_CLOSED, time.time_ns() // 1_000_000)


async def is_projected(client: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with client.get(f"{url}/api/leaderboard/health") as answer:
            health = await answer.json()
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False
    return bool(health["status"] == "ok" and health["components"]["projector"]["lag"] == 0)


async def _all_told(client: aiohttp.ClientSession, load: Load) -> bool:
    """Whether there is a socket for each that was wanted, and its last rank is the one that a query gives."""
    url = load.plan.queries[0]
    for last in list(load.last_told.values()):
        asked = question(FINAL_READER, url, last.mode, player=last.watched, minimum=load.newest)
        answer = await load.ask(client, asked)
        if answer.status not in (200, 404) or last.new_rank != (answer.rows[0][0] if answer.rows else None):
            return False
    return len(load.last_told) == load.plan.sockets


@asynccontextmanager
async def _progress(stage: Stage, say: Say) -> AsyncIterator[None]:
    """A line every few seconds."""
    showing = asyncio.create_task(_show(stage, say))
    try:
        yield
    finally:
        showing.cancel()


async def _show(stage: Stage, say: Say) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(PROGRESS_EVERY)
        tally, kills = stage.load.tally, sum((stage.fleet.kills + stage.nemesis.kills).values())
        tries = " ".join(f"{name} {count}" for name, count in sorted(tally.tries.items()))
        reads = " ".join(f"{status} {count}" for status, count in sorted(tally.reads.items()))
        say(
            f"{time.monotonic() - began:5.0f} s  {tries}  in flight {tally.in_flight}  reads {reads}"
            f"  events {tally.events}  kills {kills}  last fault {stage.nemesis.last}"
        )


@contextmanager
def staged(drill: Drill, servers: LocalServers, folder: Path) -> Iterator[Stage]:
    """Everything started and ready; projectors reach Postgres and Redis through proxies."""
    postgres, redis = present(servers.postgres), present(servers.redis)
    admin_key = secrets.token_hex(24)
    own = {"LEADERBOARD_ADMIN_KEY": admin_key, **drill.settings}
    system = System(Servers(servers.kafka, servers.postgres, servers.redis), folder, settings=own)
    made = system.run("init")
    assert made.returncode == 0, made.stderr
    with Proxy(postgres.port) as to_postgres, Proxy(redis.port) as to_redis:
        projecting = {
            "LEADERBOARD_POSTGRES": postgres.url.replace(f":{postgres.port}/", f":{to_postgres.port}/"),
            "LEADERBOARD_REDIS": redis.url.replace(f":{redis.port}/", f":{to_redis.port}/"),
        }
        fleet = Fleet(system, drill.counts, projecting)
        with fleet.running():
            plan = Plan(
                commands=fleet.urls("command-api"),
                queries=fleet.urls("query-api"),
                live=[url.replace("http:", "ws:") for url in fleet.urls("notifier")],
                players=drill.players,
                submits=drill.submits,
                reads=drill.reads,
                sockets=drill.sockets,
                seed=drill.seed,
                cups=drill.cups,
            )
            load = Load(plan, folder)
            referee = Referee(load, drill.rulings, admin_key, folder)
            nemesis = Nemesis(servers, fleet, {"postgres": to_postgres, "redis": to_redis}, folder)
            try:
                yield Stage(system, fleet, nemesis, load, referee, folder)
            finally:
                nemesis.close()
                referee.close()
                load.close()
