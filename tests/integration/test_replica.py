"""Reads from a copy of Postgres that follows: an answer is of the position it says, however far behind the copy is."""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from leaderboard.local.account import identity, unprivileged_account
from leaderboard.local.postgres import Postgres, environment, program
from leaderboard.local.server import Server
from leaderboard.local.servers import LocalServers, local_servers
from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers
from tests.stack import READY_WITHIN, System, answers, eventually, free_port, present, running

PAUSED = "select pg_get_wal_replay_pause_state() = 'paused'"


@dataclass(frozen=True)
class Copied:
    """A system, its Postgres's copy, and a query API that knows no Redis: it asks Postgres, the copy first."""

    system: System
    copy: Server
    reader: System


@pytest.fixture(scope="module")
def copied(workspace: Path, logs: Path) -> Iterator[Copied]:
    folder = workspace / "copied"
    with local_servers(folder, say=print) as local:
        servers = Servers(local.kafka, local.postgres, local.redis)
        with copy_of(local, folder) as copy, running(servers, logs) as system:
            both = f"127.0.0.1:{copy.port},127.0.0.1:{present(servers.postgres).port}"
            settings = {
                "LEADERBOARD_POSTGRES": f"postgresql://leaderboard@{both}/leaderboard?target_session_attrs=prefer-standby",
                "LEADERBOARD_REDIS": f"redis://127.0.0.1:{free_port()}/0",
            }
            reader = System(servers, logs, prefix=system.prefix, settings=settings)
            url = reader.serve("query-api", "reader")
            reader.ports["query-api"] = reader.ports["reader"]
            try:
                eventually(lambda: answers(f"{url}/openapi.json"), READY_WITHIN, "the reader")
                yield Copied(system, copy, reader)
            finally:
                reader.stop()


@contextmanager
def copy_of(local: LocalServers, folder: Path) -> Iterator[Server]:
    """A Postgres that follows the one there is, as compose.cluster.yaml has it."""
    home = folder / "copy"
    home.mkdir(mode=0o700)
    account = unprivileged_account(home, folder)
    if account:
        os.chown(home, account.uid, account.gid)
    source = f"--dbname={present(local.postgres).url}"
    subprocess.run(
        [str(program("pg_basebackup")), source, f"--pgdata={home}", "--write-recovery-conf", "--checkpoint=fast"],
        env=environment(),
        cwd="/",
        timeout=60,
        check=True,
        **identity(account),
    )
    server = Server(Postgres(home, free_port(), account), folder / "logs" / "copy.out", local.guard)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def held_back(copy: Server) -> AsyncIterator[None]:
    """The copy answers, and follows no further."""
    connection = await asyncpg.connect(copy.url)
    try:
        await connection.execute("select pg_wal_replay_pause()")
        began = time.monotonic()
        while not await connection.fetchval(PAUSED):
            assert time.monotonic() - began < 10
            await asyncio.sleep(0.02)
        yield
    finally:
        await connection.execute("select pg_wal_replay_resume()")
        await connection.close()


async def score(copied: Copied, player: str, **headers: str) -> tuple[int, Any]:
    return await get(copied.reader, f"/api/leaderboard/rank/{player}", **headers)


async def test_an_answer_is_of_the_position_it_says(copied: Copied) -> None:
    ann = name()
    _, first = await submit(copied.system, ann, 5)
    status, before = await score(copied, ann, **{"X-Min-Position": first["position"]})
    assert (status, before["score"]) == (200, 5)
    async with held_back(copied.copy):
        _, second = await submit(copied.system, ann, 7)
        assert (await get(copied.system, f"/api/leaderboard/rank/{ann}"))[1]["score"] == 12
        status, answer = await score(copied, ann)
        assert (status, answer["score"], answer["position"]) == (200, 5, before["position"])
        status, problem = await score(copied, ann, **{"X-Min-Position": second["position"]})
        assert (status, f"are at {before['position']} " in problem["detail"]) == (409, True), problem
        waiting = asyncio.create_task(score(copied, ann, **{"X-Min-Position": second["position"]}))
        await asyncio.sleep(0.3)
    status, after = await waiting
    assert (status, after["score"]) == (200, 12)


async def test_without_the_copy_the_primary_is_read_and_with_it_the_copy_again(copied: Copied) -> None:
    ann = name()
    _, told = await submit(copied.system, ann, 5)
    await asyncio.to_thread(copied.copy.kill)
    status, answer = await score(copied, ann, **{"X-Min-Position": told["position"]})
    assert (status, answer["score"]) == (200, 5), answer
    await asyncio.to_thread(copied.copy.start)
    _, told = await submit(copied.system, ann, 7)
    status, answer = await score(copied, ann, **{"X-Min-Position": told["position"]})
    assert (status, answer["score"]) == (200, 12), answer
