"""Fifty days of the past: closed by whoever comes up after them, answered like the present, banned from and back."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewTopic
from redis.asyncio import Redis

from shared.boards import Board
from shared.events import BoardDefined, LogCreated, ScoreSubmitted, encode, wrap
from shared.identity import event_id_of
from shared.seasons import DIFFERENCE, Season, season_at, season_before
from shared.topics import LOG_KEY
from tests.e2e.test_boards import ADMIN, KEY, post, ranks
from tests.e2e.test_thread import get
from tests.integration.test_clock import BY_THE_BROKER, BY_THE_WRITER, stamp
from tests.servers import Servers
from tests.stack import System, present
from tests.tables import admin, select

DAYS = 50
BOARD = Board(
    board_id="daily", title="Daily", game_modes=("d",), operator="best", order="desc", reset="daily",
    timezone="Europe/Berlin",
)  # fmt: skip
PLAYERS = ["ann", "bob", "cyd"]


def past() -> list[Season]:
    """The last fifty days before today, oldest first."""
    seasons = [season_at(BOARD, time.time_ns() // 1_000_000)]
    while len(seasons) <= DAYS:
        before = season_before(BOARD, seasons[0])
        assert before is not None
        seasons.insert(0, before)
    return seasons[:-1]


def score_of(player: str, day: int) -> int:
    """Who is first changes from day to day."""
    return 10 + (PLAYERS.index(player) + day) % 3


@asynccontextmanager
async def producer(system: System) -> AsyncIterator[AIOKafkaProducer]:
    made = AIOKafkaProducer(bootstrap_servers=present(system.servers.kafka).url, acks="all")
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def create_with_a_past(system: System, began: int) -> None:
    """The events topic, for once with records that bring their own time, from before its first season."""
    name = f"{system.prefix}leaderboard.events"
    async with admin(system) as client:
        config = {"message.timestamp.type": BY_THE_WRITER, "retention.ms": "-1"}
        await client.create_topics([NewTopic(name, 4, 1, topic_configs=config)])
    async with producer(system) as made:
        for partition in range(4):
            fact = LogCreated(incarnation="0123456789abcdef", topic="events")
            event = wrap(fact, event_id=event_id_of("events", str(partition)), subject="events", source="t", actor="t")
            await made.send_and_wait(name, encode(event), LOG_KEY, partition, timestamp_ms=began)


async def write_past(system: System, seasons: list[Season]) -> None:
    """Three players, one score a day each; after which the broker stamps the records, as `init` would have it."""
    await stamp(system, BY_THE_WRITER)
    async with producer(system) as made:
        identity = event_id_of("daily", "define")
        define = wrap(BoardDefined(board=BOARD), event_id=identity, subject="daily", source="t", actor="t")
        defined = await made.send_and_wait(f"{system.prefix}leaderboard.boards", encode(define), b"daily")
        for day, season in enumerate(seasons):
            for player in PLAYERS:
                fact = ScoreSubmitted(player_id=player, game_mode="d", score=score_of(player, day))
                identity = event_id_of(player, season.name)
                event = wrap(fact, event_id=identity, subject=player, source="t", actor="t", catalogue=defined.offset)
                name, at = f"{system.prefix}leaderboard.events", season.starts_at + 3_600_000
                await made.send_and_wait(name, encode(event), player.encode(), timestamp_ms=at)
    await stamp(system, BY_THE_BROKER)


async def results(system: System) -> dict[tuple[str, str], tuple[Any, ...]]:
    rows = await select(system, "select season, kind, players, digest from season_results where board_id = 'daily'")
    return {(row[0], row[1]): row[2:] for row in rows}


async def until(system: System, count: int) -> dict[tuple[str, str], tuple[Any, ...]]:
    began = time.monotonic()
    while len(found := await results(system)) < count:
        assert time.monotonic() - began < 60, len(found)
        await asyncio.sleep(0.2)
    print(f"{count} results after {time.monotonic() - began:.1f} s")
    return found


async def verified(system: System) -> None:
    answer = await asyncio.to_thread(system.run, "verify")
    assert answer.returncode == 0, answer.stdout


async def standing(system: System, season: str) -> list[str]:
    _, answer = await get(system, f"/api/v1/boards/daily/entries?season={season}")
    return [row["user_id"] for row in answer["entries"]]


async def records(system: System) -> list[dict[str, Any]]:
    """What the topic for prizes holds of the board."""
    reader = AIOKafkaConsumer(
        f"{system.prefix}leaderboard.season-results",
        bootstrap_servers=present(system.servers.kafka).url,
        auto_offset_reset="earliest",
    )
    await reader.start()
    try:
        fetched = await reader.getmany(timeout_ms=5_000, max_records=1_000)
        return [orjson.loads(record.value) for batch in fetched.values() for record in batch if b"/" in record.key]
    finally:
        await reader.stop()


def order(day: int, *without: str) -> list[str]:
    return sorted((each for each in PLAYERS if each not in without), key=lambda each: -score_of(each, day))


async def past_seasons_answer(system: System, names: list[str]) -> None:
    for day in (0, 17, DAYS - 1):
        assert await standing(system, names[day]) == order(day)
        path = f"/api/v1/boards/daily/view?user_id=ann&season={names[day]}&top=1&friends=bob"
        _, answer = await get(system, path)
        assert ranks(answer, "top") == [(1, order(day)[0])]
        assert answer["me"]["rank"] == order(day).index("ann") + 1
    _, page = await get(system, f"/api/v1/boards/daily/seasons?limit=7&before={names[20]}")
    assert [each["season"] for each in page["seasons"]] == names[19:12:-1]


async def ban_and_reinstate(system: System, names: list[str]) -> None:
    closed = await results(system)
    _, dry = await post(system, "/api/v1/players/ann/ban?dry_run=true", {"reason": "cheating"}, **ADMIN)
    assert [change["season"] for change in dry["changes"]] == names
    assert all(change["before"]["rank"] and change["after"] is None for change in dry["changes"])
    assert await results(system) == closed
    status, _ = await post(system, "/api/v1/players/ann/ban", {"reason": "cheating"}, **ADMIN)
    assert status in (200, 202)  # 202 while nobody has taken the dead projector's partitions over
    both = await until(system, 2 * DAYS)
    assert {both[name, "corrected"][0] for name in names} == {2}
    assert {name: both[name, "closed"] for name in names} == {name: closed[name, "closed"] for name in names}
    assert await standing(system, names[17]) == order(17, "ann")
    await verified(system)
    status, _ = await post(system, "/api/v1/players/ann/reinstate", {"reason": "appeal"}, **ADMIN)
    assert status == 200
    began, back = time.monotonic(), {(name, "corrected"): closed[name, "closed"] for name in names}
    while back.items() - (await results(system)).items():
        assert time.monotonic() - began < 60
        await asyncio.sleep(0.2)
    print(f"{DAYS} corrected results after a reinstatement: {time.monotonic() - began:.1f} s")
    assert await standing(system, names[17]) == order(17)
    await verified(system)


async def in_redis(system: System) -> set[str]:
    """The seasons of the board that Redis holds."""
    async with Redis.from_url(present(system.servers.redis).url, decode_responses=True) as client:
        found = [key async for key in client.scan_iter(f"{system.prefix}lb:*daily:*:version", count=1_000)]
    return {key.removesuffix("}:version").rpartition(":")[2] for key in found}


def over_since(seasons: list[Season], since: float) -> set[str]:
    return {season.name for season in seasons if season.ends_at is not None and season.ends_at > since}


@pytest.mark.parametrize("keep_days", [36_500, 7])
async def test_fifty_past_seasons_are_closed_and_a_ban_reaches_them_all(
    servers: Servers, logs: Path, keep_days: int
) -> None:
    """Whether they are still in Redis, or are answered from what is written down of them."""
    system = System(
        servers, logs, settings={"LEADERBOARD_ADMIN_KEY": KEY, "LEADERBOARD_REDIS_KEEP_DAYS": str(keep_days)}
    )
    seasons = past()
    await create_with_a_past(system, seasons[0].starts_at)
    made = system.run("init")
    assert made.returncode == 0, made.stderr
    await write_past(system, seasons)
    names = [season.name for season in seasons]
    since = time.time() * 1000 - keep_days * 86_400_000
    # It is kept right for an hour longer than it is read, and let go within another (`DIFFERENCE`).
    least, most = (over_since(seasons, since - hours * DIFFERENCE) for hours in (1, 2))
    try:
        # Two at once, one of which is killed while it closes; whoever is left goes on.
        system.start("projector")
        system.start("second", argv=[sys.executable, "-m", "leaderboard", "projector"])
        system.serve("front")
        await asyncio.to_thread(system.await_ready)
        system.kill("second")
        closed = await until(system, DAYS)
        assert set(closed) == {(name, "closed") for name in names}
        assert {row[0] for row in closed.values()} == {3}
        await verified(system)
        await past_seasons_answer(system, names)
        assert least <= await in_redis(system) <= most
        await ban_and_reinstate(system, names)
        assert least <= await in_redis(system) <= most
        written, told = await results(system), await records(system)
        rebuilt = await asyncio.to_thread(system.run, "rebuild")
        assert (rebuilt.returncode, "no row differs" in rebuilt.stdout) == (0, True), rebuilt.stdout + rebuilt.stderr
        assert await results(system) == written
        await past_seasons_answer(system, names)
        await verified(system)
        assert least <= await in_redis(system) <= most
        assert await records(system) == told
        assert {each["data"]["season"] for each in told if each["data"]["kind"] == "closed"} == set(names)
        assert len({each["id"] for each in told}) == len({orjson.dumps(each["data"]) for each in told})
    finally:
        system.stop()
        system.show_logs()
