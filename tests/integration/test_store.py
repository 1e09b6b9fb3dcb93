"""The tables alone: what a batch may write, and under which epoch and from which offset."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from asyncpg import UniqueViolationError

from projector.batch import Keys
from projector.leases import Leases
from projector.store import Fenced, Seen, Store
from shared.fold.state import Outcome, Partition, Session, State, Step
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
    await store.load(State(), {HERE: seen}, NOTHING, [])
    await save(store, seen, to)


async def save(store: Store, seen: Seen, to: int, *steps: Step) -> None:
    await store.save({HERE: seen}, {HERE: (Partition(to), None)}, steps, [], {}, {}, [], [])


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


async def test_a_save_that_is_turned_away_leaves_nothing(pool: Pool) -> None:
    """Neither where the checkpoint alone says so, nor where the owner has saved the same submission."""
    store, event_id = Store(pool), "018f3a2e-0000-7000-8000-000000000000"
    await store.open("events", "0" * 16, [0, 1])
    old = (await Leases(pool, "one").settle())[HERE]
    new = (await Leases(pool, "one").settle())[HERE]
    session = Session("ann", event_id, 0, 0, 1, "m", 5, None, b"", "applied", None, "a", None, -1, revoked=False)
    step = Step(Outcome("applied", None, 0, 0), (session,))
    count = "select count(*) from game_sessions"
    with pytest.raises(Fenced):
        await save(store, Seen(old, 0), 1, step)
    assert await pool.fetchval(count) == 0
    await save(store, Seen(new, 0), 1, step)
    with pytest.raises(Fenced):
        await save(store, Seen(old, 0), 1, step)
    assert await pool.fetchval(count) == 1
    with pytest.raises(UniqueViolationError):  # the owner, twice: a bug, and loud
        await save(store, Seen(new, 1), 2, step._replace(sessions=(session._replace(offset=1),)))


async def test_a_living_lease_is_not_taken_and_a_released_one_is_at_once(pool: Pool) -> None:
    store, one, two = Store(pool), Leases(pool, "one"), Leases(pool, "two")
    await store.open("events", "0" * 16, [0, 1])
    assert len(await one.settle()) == 2
    assert await two.settle() == {}
    assert len(await one.settle()) == 1  # a fair share, now that there are two
    assert len(await two.settle()) == 1
    await one.release()
    assert len(await two.settle()) == 2
