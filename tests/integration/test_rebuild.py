"""`leaderboard rebuild` on a running system: the same tables, beside the live ones, and nobody notices."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis import Redis

from shared.positions import Position, parse_position
from tests.e2e.test_boards import ADMIN, KEY, define, play, post
from tests.e2e.test_thread import get, name, submit
from tests.integration.test_leases import frozen, one_owner_an_epoch, thaw, until_owned, verified
from tests.integration.test_past_seasons import records
from tests.rebuild_failpoint import POINTS
from tests.servers import Servers
from tests.stack import ROOT, System, eventually, present, running
from tests.tables import select

DERIVED = {
    "players": "player_id",
    "profiles": "player_id",
    "game_sessions": "player_id, event_id",
    "rulings": "player_id, event_id",
    "leaderboard_entries": "board_id, season, player_id",
    "entry_history": 'board_id, season, player_id, "offset"',
    "boards": "board_id",
    "board_versions": "board_id, season, partition",
    "seasons": "board_id, season",
    "season_ends": "board_id, season, partition",
    "season_results": "board_id, season, kind",
    "season_standings": "board_id, season, kind, place",
}
"""Tables that come out the same, with their keys."""
OTHERS = {"migrations", "checkpoints", "projectors", "ownership_log", "season_changes"}


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs, LEADERBOARD_ADMIN_KEY=KEY) as started:
        yield started


@pytest.fixture
def own(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs, LEADERBOARD_ADMIN_KEY=KEY) as started:
        yield started


async def rebuild(system: System, *arguments: str, code: int = 0) -> str:
    """What it says."""
    done = await asyncio.to_thread(system.run, "rebuild", *arguments, within=240)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


async def execute(system: System, statement: str) -> None:
    """Damage a table."""
    connection = await asyncpg.connect(
        present(system.servers.postgres).url, server_settings={"search_path": f'"{system.prefix}v1"'}
    )
    try:
        assert (await connection.execute(statement)).endswith(" 1"), statement
    finally:
        await connection.close()


async def derived(system: System) -> dict[str, list[tuple[Any, ...]]]:
    return {table: await select(system, f"select * from {table} order by {key}") for table, key in DERIVED.items()}


async def schemas(system: System) -> set[str]:
    """Those of this system."""
    sql = "select nspname from pg_namespace where starts_with(nspname, $1)"
    return {row[0] for row in await select(system, sql, system.prefix)}


async def live(system: System) -> str:
    """A life with everything in it: the board of a season that is over, with a corrected result."""
    ann, bob, cyd, dan = (name() for _ in range(4))
    for number, player in enumerate((ann, bob, cyd, dan)):
        await post(system, f"/api/v1/players/{player}/profile", {"username": f"Name {number}"}, "PUT")
        for mode in ("classic", "sprint"):
            for score in (30, 20, 50):
                assert (await submit(system, player, score + number, mode))[0] == 200
    _, first = await submit(system, ann, 77, **{"Idempotency-Key": "k"})
    assert (await submit(system, ann, 77, **{"Idempotency-Key": "k"}))[1]["replayed"]
    assert (await submit(system, ann, 78, **{"Idempotency-Key": "k"}))[0] == 409
    assert (await submit(system, ann, 78, "no-such-mode"))[0] == 422
    await define(system, ties="dense", game_modes=["classic"], max_attempts=2)
    ends_at = time.time() + 3
    cup = await define(system, ends_at=int(ends_at * 1000))
    await play(system, cup, *((player, 10 + number) for number, player in enumerate((ann, bob, cyd, dan, name()))))
    await until_result(system, cup, "closed")
    reason = {"reason": "cheating"}
    for path, body in (
        (f"/api/v1/scores/{ann}/{first['event_id']}/revoke", reason),
        (f"/api/v1/players/{bob}/ban", reason),
        (f"/api/v1/players/{cyd}/erase", {"entries": "anonymous"}),
        (f"/api/v1/players/{dan}/erase", {"entries": "removed"}),
    ):
        status, answer = await post(system, path, body, **ADMIN)
        assert status == 200, answer
    await until_result(system, cup, "corrected")
    return cup


async def until_result(system: System, board: str, kind: str) -> None:
    """Until there is a result, it was announced, and nothing is to be corrected any more."""
    sql = "select 1 from season_results where (board_id, kind) = ($1, $2) and announced"
    began = time.monotonic()
    while not await select(system, sql, board, kind) or await select(system, "select 1 from season_changes"):
        assert time.monotonic() - began < 30, kind
        await asyncio.sleep(0.1)


async def test_everything_survives_and_nothing_is_announced_again(system: System) -> None:
    await live(system)
    before, told = await derived(system), await records(system)
    owned = await select(system, "select count(*) from ownership_log")
    paths = [f"/api/leaderboard/top?game_mode={mode}" for mode in ("classic", "sprint")]
    answers = {path: (await get(system, path))[1]["entries"] for path in paths}
    said = await rebuild(system)
    assert "no row differs" in said
    assert "put into Redis anew" not in said
    after = await derived(system)
    for table in DERIVED:
        assert after[table] == before[table], table
        assert after[table], f"nothing to compare in {table}"
    await one_owner_an_epoch(system)
    assert (await select(system, "select count(*) from ownership_log"))[0] > owned[0]
    assert {path: (await get(system, path))[1]["entries"] for path in paths} == answers
    assert (await submit(system, name(), 5))[0] == 200
    assert await records(system) == told
    assert await schemas(system) == {f"{system.prefix}v1"}
    await verified(system)


async def test_every_table_is_known_to_be_a_fold_of_the_log_or_not(system: System) -> None:
    """A new table has to be built, or carried over, by a rebuild: say so here when it is."""
    sql = "select relname from pg_class where relnamespace = $1::regnamespace and relkind in ('r', 'p')"
    sql += " and not relispartition"
    assert {row[0] for row in await select(system, sql, f'"{system.prefix}v1"')} == DERIVED.keys() | OTHERS


# --- while others go on ----------------------------------------------------------------------


@dataclass
class Traffic:
    """What was answered while it went on."""

    reads: Counter[int] = field(default_factory=Counter)
    submits: Counter[int] = field(default_factory=Counter)
    scores: Counter[str] = field(default_factory=Counter)
    """Player → sum of what was taken."""
    backwards: int = 0
    """Answers of an older position than one before them."""
    slowest: float = 0.0


async def read(system: System, traffic: Traffic, path: str) -> None:
    last: Position | None = None
    while True:
        began = time.monotonic()
        status, answer = await get(system, path)
        traffic.slowest = max(traffic.slowest, time.monotonic() - began)
        traffic.reads[status] += 1
        if status == 200:
            position = parse_position(answer["position"])
            traffic.backwards += last is not None and not position.covers(last)
            last = position if last is None else position.merge(last)
        await asyncio.sleep(0.005)


async def score(system: System, traffic: Traffic, player: str) -> None:
    for number in range(1, 1_000_000):
        status, answer = await submit(system, player, number, **{"Idempotency-Key": f"score-{number}"})
        assert status in (200, 202), answer
        traffic.submits[status] += 1
        traffic.scores[player] += number
        await asyncio.sleep(0.01)


@asynccontextmanager
async def traffic_on(system: System, players: list[str], *paths: str) -> AsyncIterator[Traffic]:
    traffic = Traffic()
    tasks = [asyncio.create_task(score(system, traffic, player)) for player in players]
    tasks += [asyncio.create_task(read(system, traffic, path)) for path in paths]
    try:
        yield traffic
    finally:
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.wait(tasks)


async def test_reads_and_submissions_go_on_and_nothing_is_lost_or_counted_twice(own: System) -> None:
    players = [name() for _ in range(6)]
    for player in players:
        await submit(own, player, 1)
    paths = "/api/leaderboard/top", f"/api/leaderboard/rank/{players[0]}", "/api/v1/boards/classic/entries?limit=5"
    async with traffic_on(own, players, *paths) as traffic:
        for _ in range(3):
            said = await rebuild(own)
            assert "no row differs" in said
            print(said.splitlines()[-1])
            await asyncio.sleep(0.5)
    print(traffic.reads, traffic.submits, f"slowest read {traffic.slowest:.2f} s")
    assert set(traffic.reads) == {200}
    assert traffic.backwards == 0
    # A submission that was cut off at the end may have been taken: its score counts at most once.
    for player in players:
        status, answer = await submit(own, player, 1, **{"Idempotency-Key": "last"})
        assert status == 200
        taken = 2 + traffic.scores[player]
        assert answer["new_total"] - taken in (0, _next(traffic.scores[player]))
    await one_owner_an_epoch(own)
    await verified(own)


def _next(total: int) -> int:
    """The number after those that add up to this."""
    number = 1
    while total > 0:
        total -= number
        number += 1
    return number


async def test_postgres_answers_while_redis_is_away_and_never_goes_back(own: System) -> None:
    """Statements that straddle the change of names see the same position in both."""
    players = [name() for _ in range(4)]
    for player in players:
        await submit(own, player, 1)
    with Redis.from_url(present(own.servers.redis).url, decode_responses=True) as redis:
        paths = ["/api/v1/boards/classic/entries?limit=5", f"/api/leaderboard/rank/{players[0]}"]
        async with traffic_on(own, players, *paths) as traffic:
            rebuilding = asyncio.create_task(rebuild(own))
            while not rebuilding.done():
                redis.delete(f"{own.prefix}lb:{{v1}}:applied")  # so that Redis does not know, again and again
                await asyncio.sleep(0.05)
            await rebuilding
    print(traffic.reads, traffic.submits, f"slowest read {traffic.slowest:.2f} s")
    assert set(traffic.reads) == {200}
    assert traffic.backwards == 0
    await asyncio.to_thread(eventually, lambda: own.run("verify").returncode == 0, 30, "Redis is put in again")


PAGE = "/api/leaderboard/top?limit=7"
"""Kept by the query API for as long as no version changes: nobody has asked for it before the damage."""


async def entries(system: System, path: str) -> Any:
    return (await get(system, path))[1]["entries"]


# --- damage ----------------------------------------------------------------------------------


async def test_damaged_tables_are_told_apart_and_healed_and_so_is_redis(own: System) -> None:
    ann, bob, cyd = name(), name(), name()
    for player, points in ((ann, 100), (bob, 200), (cyd, 300)):
        await post(own, f"/api/v1/players/{player}/profile", {"username": f"Name of {player}"}, "PUT")
        assert (await submit(own, player, points))[0] == 200
    board = "/api/v1/boards/classic/entries"
    wanted = await entries(own, board)
    await execute(own, f"update leaderboard_entries set value = 9000, sort_value = -9000 where player_id = '{ann}'")
    await execute(own, f"update profiles set username = 'Nobody' where player_id = '{bob}'")
    await execute(own, f"delete from game_sessions where player_id = '{cyd}'")
    with Redis.from_url(present(own.servers.redis).url) as redis:
        for key in redis.keys(f"{own.prefix}lb:*"):
            redis.delete(key)  # what is put in again is what the damaged tables say
    found: list[dict[str, Any]] = []
    began = time.monotonic()
    while not found or (found[0]["user_id"], found[0]["score"]) != (ann, 9000):
        assert time.monotonic() - began < 15, found
        await asyncio.sleep(0.1)
        found = await entries(own, PAGE)
    said = await rebuild(own, "--dry-run", code=1)
    for line in (
        f"DIFFERENT leaderboard_entries classic/all/{ann}: value 9000 -> 100, sort_value -9000 -> -100",
        f"DIFFERENT profiles {bob}: username Nobody -> Name of {bob}",
        f"DIFFERENT game_sessions {cyd}/",
        "3 rows differ from the log",
        "dry run: the live tables are as they were",
    ):
        assert line in said, said
    assert await entries(own, PAGE) == found
    assert "... and 2 more" in await rebuild(own, "--dry-run", "--show=1", code=1)
    said = await rebuild(own)
    assert "seasons are put into Redis anew" in said
    assert await entries(own, board) == wanted
    await asyncio.to_thread(eventually, lambda: own.run("verify").returncode == 0, 30, "all is right again")
    assert await entries(own, board) == wanted
    page = await entries(own, PAGE)
    assert [(row["user_id"], row["score"], row["username"]) for row in page] == [
        (player, points, f"Name of {player}") for player, points in ((cyd, 300), (bob, 200), (ann, 100))
    ]


# --- crashes and hindrances ------------------------------------------------------------------


@pytest.mark.parametrize("point", POINTS)
async def test_a_kill_leaves_the_tables_as_they_were_or_changed(system: System, point: str) -> None:
    ann = name()
    await submit(system, ann, 100)
    argv = [sys.executable, str(ROOT / "tests" / "rebuild_failpoint.py"), point]
    died = await asyncio.to_thread(
        subprocess.run, argv, env=system.environment, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert died.returncode == -9, died.stdout + died.stderr
    began = time.monotonic()
    status, rank = await get(system, f"/api/leaderboard/rank/{ann}")
    assert (status, rank["score"]) == (200, 100)
    status, answer = await submit(system, ann, 11)
    assert status in (200, 202)
    minimum = {"X-Min-Position": answer["position"]}
    while (await get(system, f"/api/leaderboard/rank/{ann}", **minimum))[0] != 200:
        assert time.monotonic() - began < 15, "a lease lasts 10 s"
    print(f"{point}: projected again {time.monotonic() - began:.1f} s after the kill")
    await verified(system)
    said = await rebuild(system)
    assert "no row differs" in said
    assert await schemas(system) == {f"{system.prefix}v1"}
    _, rank = await get(system, f"/api/leaderboard/rank/{ann}", **minimum)
    assert rank["score"] == 111
    await one_owner_an_epoch(system)


async def test_a_projector_that_slept_through_it_writes_nothing(own: System) -> None:
    """It has loaded a batch from the old tables, and saves it when the new ones are there."""
    own.kill("projector")
    failpoint = str(ROOT / "tests" / "failpoint.py")
    own.start("sleeper", argv=[sys.executable, failpoint, "after-load", "stop"])
    await until_owned(own, {"sleeper": 4}, 60)
    ann = name()
    _, answer = await submit(own, ann, 70, Prefer="respond-async")
    await asyncio.to_thread(eventually, lambda: frozen(own, "sleeper"), 30, "it is frozen")
    said = await rebuild(own)
    assert "no projector has gone on yet" in said
    thaw(own, "sleeper")
    await asyncio.to_thread(
        eventually, lambda: "projection_interrupted" in own.log_of("sleeper"), 30, "it is turned away"
    )
    minimum, began = {"X-Min-Position": answer["position"]}, time.monotonic()
    while (await get(own, f"/api/leaderboard/rank/{ann}", **minimum))[0] != 200:
        assert time.monotonic() - began < 20
    await one_owner_an_epoch(own)
    await verified(own)


async def test_whoever_reads_for_long_is_waited_for_and_named(own: System) -> None:
    await submit(own, name(), 5)
    reader = await asyncpg.connect(
        present(own.servers.postgres).url,
        server_settings={"search_path": f'"{own.prefix}v1"', "application_name": "an-analyst"},
    )
    try:
        reading = reader.transaction(isolation="repeatable_read", readonly=True)
        await reading.start()
        position = "select next_offset from checkpoints where topic = 'events' order by partition"
        before = await reader.fetch(position)
        own.start("rebuild")
        named = "(an-analyst) is in a transaction since"
        await asyncio.to_thread(eventually, lambda: named in own.log_of("rebuild"), 240, "the reader is named")
        assert (await submit(own, name(), 5))[0] in (200, 202)
        assert await reader.fetch(position) == before
        assert own.processes["rebuild"].poll() is None
        await reading.rollback()
        assert await asyncio.to_thread(own.processes.pop("rebuild").wait, 240) == 0
    finally:
        await reader.close()
    await verified(own)


async def test_one_at_a_time_and_only_of_tables_of_this_build(own: System) -> None:
    name_of_lock = f"{own.prefix}v1 rebuild"
    connection = await asyncpg.connect(present(own.servers.postgres).url)
    try:
        await connection.execute("select pg_advisory_lock(hashtextextended($1, 0))", name_of_lock)
        assert "another rebuild" in await rebuild(own, code=1)
    finally:
        await connection.close()
    await execute(own, "insert into migrations (name) values ('9999-of-a-newer-build.sql')")
    assert "of a newer build, with 9999-of-a-newer-build.sql" in await rebuild(own, code=1)
    await execute(own, "delete from migrations where name = '9999-of-a-newer-build.sql'")
    fresh = System(own.servers, own.logs)
    assert "run `leaderboard init`" in await rebuild(fresh, code=1)
