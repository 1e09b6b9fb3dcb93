"""Kept pages on a real Redis: what is read again and what is not, and that no answer is of another state."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import orjson
import pytest

from query_api import pages, placing
from query_api.pages import MOST_PAGES, Page, Pages
from query_api.placing import Placing
from shared.boards import Board
from shared.catalogue import Catalogue, Revision
from shared.catalogue_log import LiveCatalogue
from shared.ranking import Standing, applied_key, board_keys, encode_detail, encode_member, names_key
from shared.ranks import Ranks
from shared.redis import Client, open_redis
from shared.settings import RedisSettings
from tests.servers import Servers
from tests.stack import present

LOG = "0123456789abcdef"
BOARD = Board(board_id="b", title="t", game_modes=("m",), operator="best", order="desc")
TOP = pages.Wanted("b", "all", "m", 3)


@dataclass
class Index:
    """A rank index of two partitions, and what reads it."""

    redis: Client
    prefix: str
    ranks: Ranks
    catalogue: LiveCatalogue

    async def fill(self, *players: str, version: int = 5) -> None:
        """Just these players, best first, as the records of partition 0 up to this one have it."""
        keys = board_keys(self.prefix, "b", "all")
        rows = [Standing(player, 100 - place, 1, 1, 2) for place, player in enumerate(players)]
        pipeline = self.redis.pipeline(transaction=True)
        pipeline.delete(*keys.all)
        pipeline.hset(keys.version, mapping={"incarnation": LOG, "partitions": 2, "0": version, "1": -1})
        pipeline.zadd(keys.ranks, {encode_member(row): -row.value for row in rows})
        pipeline.hset(keys.members, mapping={row.player_id: encode_detail(row) for row in rows})
        await pipeline.execute()

    async def apply(self, offset: int) -> None:
        """All boards are as far as this offset of partition 1."""
        key = applied_key(self.prefix)
        await self.redis.hset(key, mapping={"incarnation": LOG, "partitions": 2, "0": 6, "1": offset})

    async def name(self, offset: int, **names: str) -> None:
        """These have names, as the records of the players topic before this one have it."""
        fields: dict[Any, Any] = {"$incarnation": LOG, "$partitions": 1, "$0": offset, **names}
        await self.redis.hset(names_key(self.prefix), mapping=fields)


@asynccontextmanager
async def an_index(servers: Servers, **settings: int) -> AsyncIterator[Index]:
    redis = RedisSettings.model_validate({"redis": present(servers.redis).url, "redis_timeout_ms": 5_000, **settings})
    catalogue = LiveCatalogue(Catalogue(newest=0, revisions=(Revision(0, BOARD),)))
    async with open_redis(redis, "test") as client:
        prefix = f"t{token_hex(4)}-"
        index = Index(client, prefix, Ranks(client, prefix), catalogue)
        await index.fill("ann", "bob", "cyd", "dan")
        await index.apply(0)
        await index.name(1, bob="Bob")
        yield index


async def body_of(kept: Pages, wanted: pages.Wanted = TOP) -> Any:
    """A page's body, which says the same position as its header."""
    page = await kept.ask(wanted)
    assert page is not None
    body = orjson.loads(page.reply.body["body"])
    assert dict(page.reply.start["headers"])[b"x-position"].decode() == body["position"] == str(page.position)
    return body


def names(body: Any) -> list[str]:
    return [row["username"] for row in body["entries"]]


async def test_a_page_is_read_again_only_when_its_board_or_a_name_has_changed(servers: Servers) -> None:
    async with an_index(servers) as index:
        kept = Pages(index.ranks, index.catalogue)
        first = await body_of(kept)
        assert (names(first), first["total_players"], first["position"]) == (["ann", "Bob", "cyd"], 4, f"1.{LOG}.0-6")
        assert await body_of(kept) == first
        await index.apply(8)  # elsewhere: only the position is another
        assert await body_of(kept) == first | {"position": f"1.{LOG}.0-6.1-8"}
        assert (kept.answered, kept.read) == (3, 1)
        await index.fill("bob", "ann", version=9)
        moved = await body_of(kept)
        assert (names(moved), moved["total_players"], moved["position"]) == (["Bob", "ann"], 2, f"1.{LOG}.0-10.1-8")
        await index.name(2, ann="Ann", bob="Robert")
        assert names(await body_of(kept)) == ["Robert", "Ann"]
        assert (kept.answered, kept.read) == (5, 3)


@pytest.mark.parametrize("hash_of", ["applied", "version", "names"])
async def test_a_kept_page_does_not_answer_for_an_index_that_is_not_whole(servers: Servers, hash_of: str) -> None:
    async with an_index(servers) as index:
        kept, ranks = Pages(index.ranks, index.catalogue), Placing(index.ranks, index.catalogue)
        await body_of(kept)
        keys = {
            "applied": (applied_key(index.prefix), "1"),
            "version": (board_keys(index.prefix, "b", "all").version, "1"),
            "names": (names_key(index.prefix), "$0"),
        }
        await index.redis.hset(*keys[hash_of], "~a-repair-goes-on")
        assert await kept.ask(TOP) is None
        assert await ranks.ask(placing.Wanted("b", "all", "ann")) is None


async def test_places_of_several_boards_in_one_call(servers: Servers) -> None:
    async with an_index(servers) as index:
        ranks = Placing(index.ranks, index.catalogue)
        wanted = [placing.Wanted("b", season, player) for season in ("all", "none") for player in ("cyd", "bob", "zoe")]
        found = await asyncio.gather(*(ranks.ask(each) for each in [*wanted, wanted[0]]))
        told = [(placed.row.rank, placed.total, placed.token) if placed is not None else None for placed in found]
        at = f"1.{LOG}.0-6"
        assert told == [(3, 4, at), (2, 4, at), None, None, None, None, (3, 4, at)]
        assert found[1] is not None
        assert found[1].names == {"bob": "Bob"}


async def test_only_the_pages_asked_for_last_are_kept(servers: Servers) -> None:
    async with an_index(servers) as index:
        kept = Pages(index.ranks, index.catalogue)

        async def reads(*limits: int) -> int:
            """How many of these pages had to be read."""
            before = kept.read
            for limit in limits:
                await body_of(kept, TOP._replace(limit=limit))
            return kept.read - before

        first, *others = range(1, MOST_PAGES + 1)
        assert await reads(first, *others) == MOST_PAGES
        assert await reads(first) == 0
        assert await reads(MOST_PAGES + 1) == 1  # in place of the one that was asked for longest ago
        assert await reads(first, others[0]) == 1


async def test_a_server_that_has_lost_the_scripts_gets_them_again(servers: Servers) -> None:
    async with an_index(servers) as index:
        kept = Pages(index.ranks, index.catalogue)
        await index.redis.script_flush()
        assert isinstance(await kept.ask(TOP), Page)
