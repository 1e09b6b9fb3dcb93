"""Every question, from Redis and from Postgres, against the definition: for each way with ties and each order."""

import random
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, get_args

import pytest
from redis.asyncio import Redis

from shared.boards import Board, Order, Ties
from shared.postgres import Pool, open_pool
from shared.questions import (
    After,
    Around,
    AroundScore,
    AtPercentile,
    Before,
    Key,
    Places,
    Question,
    Range,
    WouldRank,
    answer,
    key_of,
)
from shared.ranking import Standing, applied_key, board_keys, encode_detail, encode_member, sort_value
from shared.ranks import Ranks
from shared.settings import NamingSettings, PostgresSettings
from shared.standings import Standings
from tests.servers import Servers
from tests.stack import System, present

LOG = "0123456789abcdef"
ENTRIES = """
insert into leaderboard_entries (board_id, season, player_id, value, sort_value, reached_at, games_played, updated_at,
    partition, "offset") values ($1, 'all', $2, $3, $4, $5, $6, $7, 0, $8)
"""


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> System:
    """Topics and tables of a system that nobody runs."""
    system = System(servers, logs)
    made = system.run("init")
    assert made.returncode == 0, made.stderr
    return system


@pytest.fixture
async def pool(system: System) -> AsyncIterator[Pool]:
    settings = PostgresSettings.model_validate({"postgres": present(system.servers.postgres).url})
    async with open_pool(settings, NamingSettings(prefix=system.prefix), "test") as opened:
        yield opened


@pytest.fixture
async def redis(system: System) -> AsyncIterator[Redis]:
    async with Redis.from_url(present(system.servers.redis).url, decode_responses=True) as client:
        yield client


def made_up(chance: random.Random, count: int) -> list[Standing]:
    """Few values and few times, so that there are many ties; ids whose order is not that of any language."""
    ids = chance.sample([f"{a}{b}{c}" for a in "aZ_.:-9" for b in "aBz0" for c in "xY1-"], count)
    return [
        Standing(player, chance.randrange(-3, 9), chance.randrange(4) * 1_000, chance.randrange(1, 9), 5_000)
        for player in ids
    ]


def questions(chance: random.Random, board: Board, rows: list[Standing]) -> Iterable[Question]:
    players = [each.player_id for each in rows]
    for _ in range(12):
        first, limit, above, below = (chance.randrange(0, 12) for _ in range(4))
        gone = Key(chance.randrange(-10, 10), chance.randrange(5) * 1_000, chance.choice(["M", "a", "-", "zz"]))
        key = chance.choice([gone, *(key_of(board, each) for each in rows[:3])])
        yield Range(first * 3, limit)
        yield Around(chance.choice([*players, "nobody"]), above, below)
        yield AroundScore(chance.randrange(-5, 11), above, below)
        yield After(key, limit)
        yield Before(key, limit)
        yield Places(chance.sample([*players, "nobody", "no-one"], chance.randrange(0, 3)))
        yield WouldRank(chance.randrange(-5, 11))
        yield AtPercentile(chance.choice([0, 100, 50, chance.random() * 100]))


async def fill(redis: Redis, pool: Pool, system: System, board: Board, rows: list[Standing]) -> None:
    keys = board_keys(system.prefix, board.board_id, "all")
    head: dict[Any, Any] = {"incarnation": LOG, "partitions": "1"}
    await redis.hset(applied_key(system.prefix), mapping=head | {"0": str(len(rows) + 1)})
    await redis.hset(keys.version, mapping=head | {"0": str(len(rows))})
    await pool.execute("delete from checkpoints")
    await pool.execute(
        "insert into checkpoints (topic, partition, incarnation, next_offset) values ('events', 0, $1, $2)",
        LOG,
        len(rows) + 1,
    )
    for offset, each in enumerate(rows, 1):
        sort = sort_value(board.order, each.value)
        await redis.zadd(keys.ranks, {encode_member(each): sort})
        await redis.hset(keys.members, each.player_id, encode_detail(each))
        if board.ties == "dense":
            await redis.zadd(keys.values, {str(sort): sort})
        row = each.player_id, each.value, sort, each.reached_at, each.games_played, each.updated_at
        await pool.execute(ENTRIES, board.board_id, *row, offset)


@pytest.mark.parametrize("count", [0, 1, 40])
@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize("ties", get_args(Ties))
async def test_both_stores_answer_as_defined(
    system: System, pool: Pool, redis: Redis, ties: Ties, order: Order, count: int
) -> None:
    name = f"{ties.replace('_', '-')}-{order}-{count}"
    board = Board(board_id=name, title="t", game_modes=("m",), operator="best", order=order, ties=ties)
    chance = random.Random(name)
    rows = made_up(chance, count)
    await fill(redis, pool, system, board, rows)
    asked = list(questions(chance, board, rows))
    wanted = [answer(board, rows, each) for each in asked]
    from_redis = await Ranks(redis, system.prefix).ask(board, "all", asked)
    from_postgres = await Standings(pool, 4).ask(board, "all", asked)
    assert from_redis is not None
    for found in (from_redis, from_postgres):
        assert found.total == count
        for question, want, part in zip(asked, wanted, found.parts, strict=True):
            assert (part, question) == (want, question)


async def test_redis_does_not_answer_while_any_partition_is_missing(system: System, pool: Pool, redis: Redis) -> None:
    board = Board(board_id="torn", title="t", game_modes=("m",), operator="best", order="desc")
    await fill(redis, pool, system, board, made_up(random.Random(1), 3))
    ranks, question = Ranks(redis, system.prefix), [Range(0, 10)]
    assert await ranks.ask(board, "all", question) is not None
    await redis.hset(applied_key(system.prefix), "partitions", "2")
    assert await ranks.ask(board, "all", question) is None
    await redis.hset(applied_key(system.prefix), "partitions", "1")
    await redis.hset(board_keys(system.prefix, "torn", "all").version, "0", "-")
    assert await ranks.ask(board, "all", question) is None
