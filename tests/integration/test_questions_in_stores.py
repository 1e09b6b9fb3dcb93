"""Every question about a board, asked of Redis, of Postgres, of a result, and of the definition: one answer."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projector.closing import write_result
from projector.schema import migrate
from shared.boards import Board, Order, Ties
from shared.numbers import LARGEST
from shared.positions import Position
from shared.postgres import Pool, open_pool
from shared.questions import (
    After,
    Answer,
    Around,
    AroundScore,
    AtPercentile,
    Before,
    FromRank,
    Key,
    Places,
    Question,
    Range,
    WouldRank,
    answer,
)
from shared.ranking import (
    Standing,
    applied_key,
    board_keys,
    encode_detail,
    encode_member,
    sort_value,
)
from shared.ranks import Ranks
from shared.redis import Client, open_redis
from shared.rows import FEW
from shared.settings import NamingSettings, PostgresSettings, RedisSettings
from shared.standings import Standings
from tests.servers import Servers
from tests.stack import present

LOG = "0123456789abcdef"
SEASON = "all"
OFFSETS = {0: 7, 1: 0, 2: 12, 3: 1}
INSERT = """
insert into leaderboard_entries (board_id, season, player_id, value, sort_value, reached_at, games_played, updated_at,
    partition, "offset")
select $1, $2, u.*, 0, 5 from unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[], $8::bigint[]) u
"""
PLAYERS = [*"abcABC019_-.:", "a.", "a-", "aB", "ab", "a0", "a:", "a_", "9" * 64, "z" * 64]
OTHERS = ["nobody", "a1", "zz"]

values = st.sampled_from([1, 2, 3]) | st.sampled_from([-LARGEST, -1, 0, 10**15, LARGEST]) | st.integers(-20, 20)
clocks = st.sampled_from([0, 1, 2]) | st.integers(0, 2**47 - 1)
rows_of_a_board = st.lists(
    st.builds(Standing, st.sampled_from(PLAYERS), values, clocks, st.integers(1, 99), clocks, st.just("")),
    unique_by=lambda row: row.player_id,
    max_size=len(PLAYERS),
)
boards = st.builds(
    lambda ties, order: Board(board_id="b", title="t", game_modes=("m",), operator="best", ties=ties, order=order),
    st.sampled_from(["first_to_reach", "shared", "dense"]),
    st.sampled_from(["asc", "desc"]),
)
ids = st.sampled_from([*PLAYERS, *OTHERS])
counts = st.integers(1, 9)
sides = st.integers(0, 5)


def keys(rows: list[Standing], order: Order) -> st.SearchStrategy[Key]:
    """Points where rows are, where one of them was before it moved, and others."""
    anywhere = st.builds(lambda value, at, player: Key(value, at, player), values, clocks, ids)
    if not rows:
        return anywhere
    there = st.sampled_from([Key(sort_value(order, row.value), row.reached_at, row.player_id) for row in rows])
    moved = st.builds(lambda key, player: key._replace(player_id=player), there, ids)
    return there | moved | st.builds(lambda key, at: key._replace(reached_at=at), there, clocks) | anywhere


def questions(rows: list[Standing], order: Order) -> st.SearchStrategy[Question]:
    at = keys(rows, order)
    return st.one_of(
        st.builds(Range, st.integers(0, 30), counts | st.just(1_000)),
        st.builds(FromRank, st.integers(1, 30), counts),
        st.builds(Around, ids, sides, sides),
        st.builds(AroundScore, values, sides, sides),
        st.builds(After, at, counts),
        st.builds(Before, at, counts),
        st.builds(Places, st.lists(ids, max_size=2 * FEW)),
        st.builds(WouldRank, values),
        st.builds(AtPercentile, st.sampled_from([0, 10_000, 5_000, 9_990]) | st.integers(0, 10_000)),
    )


@dataclass
class Stores:
    """Both read models, with what fills them; everything runs on one loop."""

    prefix: str
    runner: asyncio.Runner
    redis: Client = field(init=False)
    pool: Pool = field(init=False)

    async def connect(self, servers: Servers, stack: AsyncExitStack) -> None:
        naming = NamingSettings(prefix=self.prefix)
        postgres = PostgresSettings.model_validate({"postgres": present(servers.postgres).url})
        redis = RedisSettings.model_validate({"redis": present(servers.redis).url, "redis_timeout_ms": 5_000})
        await migrate(postgres, naming)
        self.pool = await stack.enter_async_context(open_pool(postgres, naming, "test"))
        self.redis = await stack.enter_async_context(open_redis(redis, "test"))
        checkpoints = [("events", partition, LOG, offset) for partition, offset in OFFSETS.items()]
        sql = "insert into checkpoints (topic, partition, incarnation, next_offset) values ($1, $2, $3, $4)"
        await self.pool.executemany(sql, checkpoints)

    async def fill(self, board: Board, rows: list[Standing]) -> None:
        """Make both stores hold just these rows."""
        await self._fill_tables(board, rows)
        found = board_keys(self.prefix, board.board_id, SEASON)
        scores = {encode_member(row): sort_value(board.order, row.value) for row in rows}
        pipeline = self.redis.pipeline(transaction=True)
        pipeline.delete(*found.all, applied_key(self.prefix))
        pipeline.hset(applied_key(self.prefix), mapping=self.whole(OFFSETS))
        pipeline.hset(
            found.version, mapping=self.whole({partition: offset - 1 for partition, offset in OFFSETS.items()})
        )
        if rows:
            pipeline.zadd(found.ranks, scores)
            pipeline.hset(found.members, mapping={row.player_id: encode_detail(row) for row in rows})
            if board.ties == "dense":
                pipeline.zadd(found.values, {str(sort): sort for sort in scores.values()})
        await pipeline.execute()

    async def _fill_tables(self, board: Board, rows: list[Standing]) -> None:
        await self.pool.execute("truncate leaderboard_entries")
        columns = [
            [row.player_id for row in rows],
            [row.value for row in rows],
            [sort_value(board.order, row.value) for row in rows],
            [row.reached_at for row in rows],
            [row.games_played for row in rows],
            [row.updated_at for row in rows],
        ]
        await self.pool.execute(INSERT, board.board_id, SEASON, *columns)
        gone = 'insert into leaderboard_entries (board_id, season, player_id, games_played, partition, "offset")'
        await self.pool.execute(f"{gone} values ($1, $2, 'nobody', 0, 1, 3)", board.board_id, SEASON)

    def whole(self, numbers: dict[int, int]) -> dict[Any, Any]:
        """A hash that says of every partition how far it is."""
        return {"incarnation": LOG, "partitions": len(numbers), **numbers}

    async def ask(self, board: Board, asked: list[Question]) -> tuple[Answer | None, Answer, Answer]:
        """What Redis says, what Postgres counts, and what it has written down of the season."""
        ranks, standings = Ranks(self.redis, self.prefix), Standings(self.pool, 4)
        in_redis, counted = await ranks.ask(board, SEASON, asked), await standings.ask(board, SEASON, asked)
        async with self.pool.acquire() as tables, tables.transaction(isolation="repeatable_read"):
            await write_result(tables, "corrected", board.board_id, SEASON)
        final = await standings.ask(board, SEASON, asked)
        await self.pool.execute("truncate season_results")
        return in_redis, counted, final


@pytest.fixture(scope="module")
def stores(servers: Servers) -> Iterator[Stores]:
    with asyncio.Runner() as runner:
        made, stack = Stores(f"t{token_hex(4)}-", runner), AsyncExitStack()
        runner.run(made.connect(servers, stack))
        yield made
        runner.run(stack.aclose())


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data(), boards, rows_of_a_board)
def test_all_stores_answer_as_the_definition_says(
    stores: Stores, data: st.DataObject, board: Board, rows: list[Standing]
) -> None:
    asked = data.draw(st.lists(questions(rows, board.order), min_size=1, max_size=12), label="questions")
    stores.runner.run(stores.fill(board, rows))
    answers = stores.runner.run(stores.ask(board, asked))
    wanted = Answer(Position(LOG, OFFSETS), len(rows), [answer(board, rows, question) for question in asked])
    assert answers == (wanted, wanted, wanted)


def board_of(ties: Ties = "first_to_reach") -> Board:
    return Board(board_id="b", title="t", game_modes=("m",), operator="best", ties=ties, order="desc")


ROWS = [Standing(player, 10 - place // 2, place, 1, place) for place, player in enumerate("abcd")]


@pytest.mark.parametrize("hash_of", ["applied", "version"])
@pytest.mark.parametrize("damage", ["a partition missing", "a token", "emptied", "another log", "all gone"])
def test_redis_does_not_answer_while_it_is_not_whole(stores: Stores, hash_of: str, damage: str) -> None:
    board = board_of()
    stores.runner.run(stores.fill(board, ROWS))
    key = applied_key(stores.prefix) if hash_of == "applied" else board_keys(stores.prefix, "b", SEASON).version

    async def break_it() -> None:
        match damage:
            case "a partition missing":
                await stores.redis.hdel(key, "2")
            case "a token":
                await stores.redis.hset(key, "2", "~018f")
            case "emptied":
                await stores.redis.hset(key, "2", "-")
            case "another log":
                await stores.redis.hset(key, "incarnation", "fedcba9876543210")
            case _:
                await stores.redis.delete(key)

    stores.runner.run(break_it())
    in_redis, in_postgres, _ = stores.runner.run(stores.ask(board, [Range(0, 10)]))
    assert in_redis is None
    assert [row.standing for row in in_postgres.parts[0].rows] == ROWS


@pytest.mark.parametrize("part", ["members", "values"])
def test_redis_does_not_answer_from_a_torn_board(stores: Stores, part: str) -> None:
    board = board_of("dense")
    stores.runner.run(stores.fill(board, ROWS))

    async def tear() -> None:
        await stores.redis.delete(getattr(board_keys(stores.prefix, "b", SEASON), part))

    stores.runner.run(tear())
    in_redis, *_ = stores.runner.run(stores.ask(board, [Range(0, 10)]))
    assert in_redis is None


def test_a_result_answers_until_the_season_is_changed(stores: Stores) -> None:
    board, changed = board_of(), [ROWS[0]._replace(value=1), *ROWS[1:]]
    result = "insert into season_results (board_id, season, kind, cut, players, digest)"

    async def look() -> list[str]:
        answer = await Standings(stores.pool, 4).ask(board, SEASON, [Range(0, 10)])
        return [row.standing.player_id for row in answer.parts[0].rows]

    async def change() -> tuple[list[str], list[str]]:
        await stores.fill(board, ROWS)
        async with stores.pool.acquire() as tables, tables.transaction(isolation="repeatable_read"):
            await write_result(tables, "corrected", "b", SEASON)
        await stores.pool.execute(f"{result} values ('b', 'all', 'closed', '{{}}', 9, '')")  # older, and stale
        await stores.fill(board, changed)
        before = await look()
        await stores.pool.execute("insert into board_versions values ('b', 'all', 2, 12)")  # at the cut: not in it
        return before, await look()

    async def tidy() -> None:
        await stores.pool.execute("truncate season_results, board_versions")

    try:
        assert stores.runner.run(change()) == (list("abcd"), list("bcda"))
    finally:
        stores.runner.run(tidy())


def test_paging_by_keys_sees_a_row_that_does_not_move_once(stores: Stores) -> None:
    """Rows above and below the cursor move away and come in between two pages."""
    board = board_of()
    rows = [Standing(f"p{n:02d}", 100 - n, n, 1, n) for n in range(20)]
    stores.runner.run(stores.fill(board, rows))
    first = stores.runner.run(stores.ask(board, [Range(0, 10)]))[1].parts[0].rows
    last = first[-1].standing
    key = Key(-last.value, last.reached_at, last.player_id)
    moved = [*rows[2:9], *rows[10:], Standing("p00", 1, 30, 2, 30), Standing("new", 200, 31, 1, 31)]
    stores.runner.run(stores.fill(board, moved))
    for found in stores.runner.run(stores.ask(board, [After(key, 100), Before(key, 100)])):
        assert found is not None
        after, before = ([row.standing.player_id for row in part.rows] for part in found.parts)
        assert after == [*(f"p{n}" for n in range(10, 20)), "p00"]  # p09, the cursor's own row, is gone
        assert before == ["new", *(f"p{n:02d}" for n in range(2, 9))]
