"""An upgrade as docs/upgrading.md has it: what runs beside what, and who says so where it cannot."""

import asyncio
from pathlib import Path

import asyncpg

from shared.appender import open_appender
from shared.boards import DEFAULT_BOARDS
from shared.events import BoardDefined
from shared.settings import KafkaSettings, NamingSettings
from tests.builders import fact_bytes
from tests.e2e.test_thread import get, name, submit
from tests.integration.test_stopping import projector_health
from tests.servers import Servers
from tests.stack import System, present, running

NEWER = "insert into migrations (name) values ('9999-of-a-newer-build.sql')"
OLDER = "drop index profiles_called; delete from migrations where name = '0006_names.sql'"


async def execute(system: System, sql: str) -> None:
    connection = await asyncpg.connect(
        present(system.servers.postgres).url, server_settings={"search_path": f'"{system.prefix}v1"'}
    )
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def ends_saying(system: System, reason: str) -> None:
    """A projector that is started now ends, and its log says why."""
    system.start("projector-2", argv=["env", "LEADERBOARD_PROJECTOR_NAME=second", *projector(system)])
    assert await asyncio.to_thread(system.processes.pop("projector-2").wait, 20) == 1
    assert reason in system.log_of("projector-2")


def projector(system: System) -> list[str]:
    return [str(argument) for argument in system.processes["projector"].args]  # type: ignore[union-attr]


async def verified(system: System) -> None:
    done = await asyncio.to_thread(system.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr


async def test_tables_of_a_newer_build(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system:
        await execute(system, NEWER)
        assert (await submit(system, name(), 5))[0] == 200, "who runs already goes on"
        await ends_saying(system, "the tables are of a newer build, with 9999-of-a-newer-build.sql: upgrade this one")
        done = await asyncio.to_thread(system.run, "init")
        assert (done.returncode, "of a newer build" in done.stderr) == (1, True)
        system.kill("projector")
        done = await asyncio.to_thread(system.run, "reset", "--yes")
        assert done.returncode == 0, done.stderr
        system.start("projector")
        await projector_health(system, "up")
        assert (await submit(system, name(), 5))[0] == 200
        await verified(system)


async def test_tables_of_an_older_build(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system:
        await execute(system, OLDER)
        await ends_saying(system, "the tables are of an older build, without 0006_names.sql: run `leaderboard init`")
        done = await asyncio.to_thread(system.run, "init")
        assert (done.returncode, "0006_names.sql" in done.stderr) == (0, True), done.stderr
        assert (await submit(system, name(), 5))[0] == 200
        await verified(system)


async def test_a_board_that_a_newer_build_wrote_stops_what_was_submitted_since(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system:
        ann = name()
        assert (await submit(system, ann, 5))[0] == 200
        board = fact_bytes(BoardDefined(board=DEFAULT_BOARDS[0]), "newer").replace(
            b"BoardDefined.v2", b"BoardDefined.v9"
        )
        kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": system.environment["LEADERBOARD_KAFKA"]})
        async with open_appender(kafka, NamingSettings(prefix=system.prefix), "test") as appender:
            offset = (await appender.append("boards", b"newer", board, timeout=5)).offset
        while (await get(system, "/api/leaderboard/health"))[0] == 200:  # until the front has read that, too
            assert (await submit(system, ann, 5, Prefer="respond-async"))[0] == 202
        health = await projector_health(system, "down")
        assert (
            f"UnknownEventType: leaderboard.BoardDefined.v9, offset {offset} of the catalogue" in health["stopped"][0]
        )
