"""A record that nobody may judge stops its partition alone, and an operator passes it by a fact."""

import asyncio
import time
from pathlib import Path
from typing import Any

from shared.appender import open_appender
from shared.settings import KafkaSettings, NamingSettings
from tests.builders import score_bytes
from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers
from tests.stack import System, running
from tests.tables import checkpoints

NEWER = (b"leaderboard.ScoreSubmitted.v2", b"leaderboard.ScoreSubmitted.v9")


async def append(system: System, player: str, value: bytes) -> int:
    """Append to the partition of a player; which one that is."""
    kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": system.environment["LEADERBOARD_KAFKA"]})
    async with open_appender(kafka, NamingSettings(prefix=system.prefix), "test") as appender:
        return (await appender.append("events", player.encode(), value, timeout=5)).partition


async def projector_health(system: System, wanted: str) -> Any:
    """What health says of the projector, once it is `wanted`."""
    began = time.monotonic()
    while (found := (await get(system, "/api/leaderboard/health"))[1]["components"]["projector"])["status"] != wanted:
        assert time.monotonic() - began < 15, found
    return found


async def until_projected_to(system: System, partition: int, offset: int) -> None:
    began = time.monotonic()
    while (at := (await checkpoints(system))[partition]) != offset:
        assert time.monotonic() - began < 15, at


async def player_of(system: System, partition: int, *, same: bool) -> str:
    """A player whose facts lie in this partition, or in another."""
    while True:
        player = name()
        _, answer = await submit(system, player, 10, Prefer="respond-async")
        if (f".{partition}-" in answer["position"]) is same:
            return player


async def test_an_unknown_type_stops_one_partition_and_a_void_passes_it(servers: Servers, logs: Path) -> None:
    with running(servers, logs, LEADERBOARD_WAIT_MS="500") as system:
        ann = name()
        await submit(system, ann, 100)
        system.kill("projector")  # so that the record lies in the middle of a batch
        partition = -1
        for number in range(3):
            await submit(system, ann, 1, Prefer="respond-async")
            if number == 1:
                partition = await append(system, ann, score_bytes(ann, 5, "newer").replace(*NEWER))
        system.start("projector")
        health = await projector_health(system, "down")
        offset = 4  # after LogCreated, 100, 1 and 1
        await until_projected_to(system, partition, offset)
        assert health["stopped"][0].startswith(
            f"events/{partition}: offset {offset}: UnknownEventType: {NEWER[1].decode()}"
        )
        _, seen = await get(system, "/api/v1/operations")
        assert seen["stopped"] == health["stopped"]
        assert {each["partition"] for each in seen["partitions"] if each["stopped"] is not None} == {partition}
        other, behind = await player_of(system, partition, same=False), await player_of(system, partition, same=True)
        assert (await submit(system, other, 5))[0] == 200
        status, waiting = await submit(system, behind, 5)
        assert status == 202
        refused = await asyncio.to_thread(system.run, "log", "void", str(partition), str(offset + 1), "--yes")
        assert (refused.returncode, "has not stopped at offset" in refused.stderr) == (1, True)
        system.kill("projector")
        system.start("projector")
        await projector_health(system, "down")
        done = await asyncio.to_thread(system.run, "log", "void", str(partition), str(offset), "--yes")
        assert done.returncode == 0, done.stderr
        assert NEWER[1].decode() in done.stdout
        status, rank = await get(system, f"/api/leaderboard/rank/{behind}", **{"X-Min-Position": waiting["position"]})
        while status == 409:
            status, rank = await get(
                system, f"/api/leaderboard/rank/{behind}", **{"X-Min-Position": waiting["position"]}
            )
        assert (status, rank["score"]) == (200, 15)
        await projector_health(system, "up")
        verified = await asyncio.to_thread(system.run, "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr


async def test_an_offset_of_the_catalogue_that_does_not_exist_stops_one_partition(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system:
        ann = name()
        partition = await append(system, ann, score_bytes(ann, 5).replace(b'"catalogue":2', b'"catalogue":2000000'))
        health = await projector_health(system, "down")
        assert health["stopped"][0].startswith(f"events/{partition}: offset 1: LookupError: names offset 2000000")
        await until_projected_to(system, partition, 1)
        done = await asyncio.to_thread(system.run, "log", "void", str(partition), "1", "--yes")
        assert done.returncode == 0, done.stderr
        await projector_health(system, "up")
        await until_projected_to(system, partition, 2)
        verified = await asyncio.to_thread(system.run, "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
