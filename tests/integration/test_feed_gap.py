"""A reader of the feed that stands where the log has nothing begins again at its end, and says what it missed."""

import asyncio

from shared.feed import PARTITION, Feed
from shared.log import open_reader
from shared.rank_changes import RankChanges
from shared.settings import KafkaSettings, NamingSettings
from tests.e2e.test_thread import name, submit
from tests.stack import System

WITHIN = 20.0


async def test_a_feed_that_has_lost_its_place_goes_on_from_the_end(system: System) -> None:
    kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": system.environment["LEADERBOARD_KAFKA"]})
    heard: asyncio.Queue[RankChanges] = asyncio.Queue()
    feed = Feed()
    feed.subscribe(heard.put_nowait)
    async with open_reader(kafka, NamingSettings(prefix=system.prefix), "test") as reader:
        reader.assign({("rank-changes", PARTITION): 10**9})
        following = asyncio.create_task(feed.follow(reader))
        try:
            first = await asyncio.wait_for(heard.get(), WITHIN)
            assert first.resync
            player = name()
            await submit(system, player, 5)
            second = await asyncio.wait_for(heard.get(), WITHIN)
            assert [line.player_id for line in second.outcomes] == [player]
        finally:
            following.cancel()
