"""`leaderboard verify` finds each single corruption and names it."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from redis import Redis

from tests.e2e.test_thread import submit
from tests.servers import Servers
from tests.stack import System, present, running


async def sql(system: System, statement: str) -> None:
    connection = await asyncpg.connect(present(system.servers.postgres).url)
    try:
        await connection.execute(f'set search_path to "{system.prefix}v1"')
        assert (await connection.execute(statement)) == "UPDATE 1"
    finally:
        await connection.close()


async def test_each_corruption_is_found_and_named(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system:
        for number in range(20):
            await submit(system, f"player-{number % 7}", 10 + number, "classic" if number % 3 else "sprint")
        system.kill("projector")  # it would mend what is done to Redis here
        await expect(system, None)
        entry = "leaderboard_entries set value = value {} where board_id = 'classic' and player_id = 'player-4'"
        await sql(system, "update " + entry.format("+ 1"))
        await expect(system, "entry ('classic', 'all', 'player-4')")
        await expect(system, "entry by plain SQL")
        await sql(system, "update " + entry.format("- 1"))
        await expect(system, None)
        session = 'game_sessions set score = score {} where "offset" = 1 and partition = (select min(partition) from'
        session += ' game_sessions where "offset" = 1)'
        await sql(system, "update " + session.format("+ 1"))
        await expect(system, "session (")
        await sql(system, "update " + session.format("- 1"))
        await expect(system, None)
        with Redis.from_url(present(system.servers.redis).url, decode_responses=True) as redis:
            stem = f"{system.prefix}lb:{{v1:classic:all}}"
            member = redis.zrange(f"{stem}:ranks", 0, 0)[0]
            redis.zincrby(f"{stem}:ranks", 1, member)
            await expect(system, "redis classic/all rank")
            redis.zincrby(f"{stem}:ranks", -1, member)
            await expect(system, None)
            field = next(key for key in redis.hkeys(f"{stem}:version") if key != "incarnation")
            redis.hincrby(f"{stem}:version", field, -1)
            await expect(system, "redis classic/all version")
            redis.hincrby(f"{stem}:version", field, 1)
            await expect(system, None)


async def expect(system: System, named: str | None) -> None:
    verified = await asyncio.to_thread(system.run, "verify")
    if named is None:
        assert (verified.returncode, verified.stdout.splitlines()[-1]) == (0, "equal"), verified.stdout
    else:
        assert verified.returncode == 1
        assert f"DIFFERENT {named}" in verified.stdout, verified.stdout


@pytest.mark.parametrize("missing", ["LEADERBOARD_KAFKA", "LEADERBOARD_POSTGRES", "LEADERBOARD_REDIS"])
def test_a_missing_setting_is_named_in_one_line(servers: Servers, logs: Path, missing: str) -> None:
    system = System(servers, logs)
    system.settings[missing] = ""
    environment = {key: value for key, value in system.environment.items() if key != missing}
    import subprocess
    import sys

    answer = subprocess.run(
        [sys.executable, "-m", "leaderboard", "verify"], env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert missing in answer.stderr
