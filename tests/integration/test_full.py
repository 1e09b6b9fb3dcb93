"""A server that is full: nothing is lost, who projects waits, and goes on when there is room."""

import asyncio
from pathlib import Path

from redis import Redis

from tests.e2e.test_thread import get, name, submit
from tests.integration.test_upgrading import execute, verified
from tests.servers import Servers
from tests.stack import eventually, present, running

NO_ROOM = """
create function no_room() returns trigger language plpgsql as $$
begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
create trigger no_room before insert or update on leaderboard_entries execute function no_room();
"""
ROOM = "drop function no_room cascade"


async def test_postgres_without_room(servers: Servers, logs: Path) -> None:
    with running(servers, logs, LEADERBOARD_WAIT_MS="500") as system:
        ann = name()
        assert (await submit(system, ann, 5))[0] == 200
        await execute(system, NO_ROOM)
        status, taken = await submit(system, ann, 5)
        assert status == 202
        said = "DiskFullError('could not extend file: No space left on device')"
        await asyncio.to_thread(eventually, lambda: said in system.log_of("projector"), 15, "the projector says so")
        assert (await get(system, f"/api/leaderboard/rank/{ann}"))[1]["score"] == 5
        assert system.processes["projector"].poll() is None
        await execute(system, ROOM)
        status, rank = 409, {"score": 0}
        while status == 409:
            status, rank = await get(system, f"/api/leaderboard/rank/{ann}", **{"X-Min-Position": taken["position"]})
        assert rank["score"] == 10
        await verified(system)


async def test_redis_without_room(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system, Redis.from_url(present(servers.redis).url) as redis:
        ann = name()
        assert (await submit(system, ann, 5))[0] == 200
        redis.config_set("maxmemory", "1")
        try:
            assert (await submit(system, ann, 5))[1]["new_total"] == 10
            said = "ranks_not_repaired"
            await asyncio.to_thread(eventually, lambda: said in system.log_of("projector"), 15, "the projector says so")
            assert "command not allowed when used memory > 'maxmemory'" in system.log_of("projector")
            assert (await get(system, f"/api/leaderboard/rank/{ann}"))[1]["score"] == 10, "Postgres answers"
        finally:
            redis.config_set("maxmemory", "0")

        def is_whole() -> bool:
            return "ranks_known" in system.log_of("projector").rpartition("ranks_not_repaired")[2]

        await asyncio.to_thread(eventually, is_whole, 15, "the ranks are in Redis again")
        await verified(system)
