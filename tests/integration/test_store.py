"""The tables alone: what a batch may write, and under which epoch and from which offset."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from projector.batch import Keys
from projector.leases import Leases
from projector.store import Fenced, Seen, Store
from shared.fold.state import Partition
from shared.postgres import Pool, open_pool
from shared.settings import NamingSettings, PostgresSettings
from shared.topics import Place
from tests.servers import Servers
from tests.stack import System, present

HERE: Place = "events", 0
NOTHING = Keys([], [], [], [])


@pytest.fixture
async def pool(servers: Servers, logs: Path) -> AsyncIterator[Pool]:
    """The tables of a system that nobody runs."""
    system = System(servers, logs)
    made = system.run("init")
    assert made.returncode == 0, made.stderr
    settings = PostgresSettings.model_validate({"postgres": present(servers.postgres).url})
    async with open_pool(settings, NamingSettings(prefix=system.prefix), "test", durable=False) as opened:
        yield opened


async def move(store: Store, seen: Seen, to: int) -> None:
    """A batch that changes nothing but the checkpoint."""
    async with store.transaction() as transaction:
        await transaction.load(await transaction.lock({HERE: seen}), NOTHING, [])
        await transaction.save({HERE: seen}, {HERE: (Partition(to), None)}, [], [], {}, {}, [], [])


async def test_a_batch_counts_from_where_the_checkpoint_stands_and_only_once(pool: Pool) -> None:
    store, leases = Store(pool), Leases(pool, "one")
    await store.open("events", "0" * 16, [0, 1])
    held = await leases.settle()
    await move(store, Seen(held[HERE], 0), 5)
    for again in (0, 4, 6):
        with pytest.raises(Fenced):
            await move(store, Seen(held[HERE], again), 9)
    assert (await store.marks(held))[HERE].next_offset == 5


async def test_a_batch_of_an_older_epoch_writes_nothing(pool: Pool) -> None:
    store = Store(pool)
    await store.open("events", "0" * 16, [0, 1])
    old = await Leases(pool, "one").settle()
    new = await Leases(pool, "one").settle()  # the same name after a restart
    assert new[HERE] == old[HERE] + 1
    with pytest.raises(Fenced):
        await move(store, Seen(old[HERE], 0), 5)
    with pytest.raises(Fenced):
        await store.marks(old)
    await move(store, Seen(new[HERE], 0), 5)


async def test_a_living_lease_is_not_taken_and_a_released_one_is_at_once(pool: Pool) -> None:
    store, one, two = Store(pool), Leases(pool, "one"), Leases(pool, "two")
    await store.open("events", "0" * 16, [0, 1])
    assert len(await one.settle()) == 2
    assert await two.settle() == {}
    assert len(await one.settle()) == 1  # a fair share, now that there are two
    assert len(await two.settle()) == 1
    await one.release()
    assert len(await two.settle()) == 2
