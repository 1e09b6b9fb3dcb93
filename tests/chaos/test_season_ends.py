"""Ends of seasons under faults: one closed result a season, and it is the fold of the log, whoever had to close it."""

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leaderboard.local.servers import local_servers
from shared.events import SeasonEndedEvent
from shared.positions import parse_position
from shared.records import receive
from shared.settings import KafkaSettings, NamingSettings
from tests.chaos.drill import again
from tests.chaos.evidence import read_log
from tests.e2e.test_boards import ADMIN, KEY, define, post
from tests.e2e.test_thread import name, submit
from tests.integration.test_leases import ALL, frozen, thaw, until_owned, verified
from tests.integration.test_past_seasons import records
from tests.servers import Servers
from tests.servers import frozen as stalled
from tests.stack import ROOT, System, eventually, present, running
from tests.tables import select

CLOSED_WITHIN = 60.0
"""Seconds: an end that a producer gave up is said again after 15, and a lease has to expire before that."""


@pytest.fixture(scope="module")
def own_servers(workspace: Path) -> Iterator[Servers]:
    """Servers that this module may kill."""
    with local_servers(workspace / "ends", say=print) as local:
        yield Servers(local.kafka, local.postgres, local.redis)


@pytest.fixture
def system(own_servers: Servers, logs: Path) -> Iterator[System]:
    with running(own_servers, logs, LEADERBOARD_ADMIN_KEY=KEY, LEADERBOARD_WAIT_MS="300") as started:
        yield started


async def cup(system: System, seconds: float) -> tuple[str, float]:
    """A board, and a game mode, that end in so many seconds; its id, and when that is."""
    ends_at = time.time() + seconds
    return await define(system, ends_at=int(ends_at * 1000)), ends_at


async def entered(system: System, board: str) -> dict[str, int]:
    """Players until every partition has one: player → partition."""
    homes: dict[str, int] = {}
    while set(homes.values()) != ALL:
        player = name()
        status, answer = await submit(system, player, 10 + len(homes), board)
        assert status == 200, answer
        [homes[player]] = parse_position(answer["position"]).offsets
        assert len(homes) < 100
    return homes


async def said(system: System, board: str) -> list[int]:
    """The partitions in which the log says that the season is over, sorted, as often as it does."""
    kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": present(system.servers.kafka).url})
    events = map(receive, await read_log(kafka, NamingSettings(prefix=system.prefix)))
    ends = (each for each in events if isinstance(each.event, SeasonEndedEvent) and each.event.data.board_id == board)
    return sorted(each.record.partition for each in ends)


async def results(system: System, board: str) -> dict[str, str]:
    """Kind → digest."""
    found = await select(system, "select kind, digest from season_results where board_id = $1", board)
    return dict(found)


async def standings(system: System, board: str, kind: str = "closed") -> set[str]:
    found = await select(
        system, "select player_id from season_standings where board_id = $1 and kind = $2", board, kind
    )
    return {player for (player,) in found}


async def until_result(system: System, board: str, kind: str = "closed") -> None:
    async def is_there() -> bool:
        return kind in await results(system, board)

    assert await again(CLOSED_WITHIN, is_there), f"{board} is not {kind}"


async def closed_once(system: System, board: str) -> None:
    """One result of the season, told as one, and the one that the fold of the log gives."""
    told: list[dict[str, Any]] = []

    async def is_told() -> bool:
        found = await records(system)
        told[:] = [each for each in found if (each["data"]["board_id"], each["data"]["kind"]) == (board, "closed")]
        return bool(told)

    await until_result(system, board)
    assert await again(CLOSED_WITHIN, is_told)
    assert {each["data"]["digest"] for each in told} == {(await results(system, board))["closed"]}
    assert len({each["id"] for each in told}) == 1
    await verified(system)


async def arm(system: System, point: str, how: str) -> None:
    """The projector, started anew: it dies or freezes at a point. Under its name there is no lease to wait for."""
    system.kill("projector")
    before = system.log_of("projector").count('"projecting"')
    system.start("projector", argv=[sys.executable, str(ROOT / "tests" / "failpoint.py"), point, how])
    await asyncio.to_thread(
        eventually, lambda: system.log_of("projector").count('"projecting"') > before, 20, "it projects again"
    )


async def test_two_closers_say_it_in_the_same_partitions(system: System) -> None:
    """The first was frozen when it had seen that nothing was said yet: awake again, it says everything once more."""
    await arm(system, "before-season-ends", "stop")
    board, _ = await cup(system, 4)
    players = await entered(system, board)
    await asyncio.to_thread(eventually, lambda: frozen(system, "projector"), 20, "the first closer is frozen")
    system.start("second", argv=[sys.executable, "-m", "leaderboard", "projector"])
    await until_result(system, board)
    assert await said(system, board) == sorted(ALL)
    before = await results(system, board)
    thaw(system, "projector")

    async def is_said_twice() -> bool:
        return await said(system, board) == sorted([*ALL, *ALL])

    assert await again(CLOSED_WITHIN, is_said_twice), await said(system, board)
    await until_owned(system, {"projector": 2, "second": 2}, 15)
    await closed_once(system, board)
    assert await results(system, board) == before
    assert await standings(system, board) == set(players)


async def test_a_closer_dies_between_two_partitions(system: System) -> None:
    """Who is banned then is in the result where the season had ended already, and is not where it had not."""
    await arm(system, "between-season-ends", "kill")
    board, _ = await cup(system, 4)
    players = await entered(system, board)
    dying = system.processes["projector"]
    await asyncio.to_thread(eventually, lambda: dying.poll() is not None, 20, "death between two partitions")
    assert dying.returncode == -9, system.log_of("projector")
    over = await said(system, board)
    assert len(over) == 2
    early = next(player for player, home in players.items() if home not in over)
    late = next(player for player, home in players.items() if home in over)
    for player in (early, late):
        status, answer = await post(system, f"/api/v1/players/{player}/ban", {"reason": "cheating"}, **ADMIN)
        assert status == 202, answer
    system.start("projector")
    await until_result(system, board, "corrected")
    await closed_once(system, board)
    assert set(await said(system, board)) == ALL
    assert await standings(system, board) == set(players) - {early}
    assert await standings(system, board, "corrected") == set(players) - {early, late}


async def insist(system: System, board: str, at: float) -> tuple[str, list[int]]:
    """One submission, sent from then on until its outcome is known; the player and all that was said to it."""
    player, said_to_it = name(), [0]
    await asyncio.sleep(max(0.0, at - time.time()))
    deadline = time.monotonic() + CLOSED_WITHIN
    while said_to_it[-1] not in (200, 409):
        assert time.monotonic() < deadline, said_to_it
        status, _ = await submit(system, player, 10, board, **{"Idempotency-Key": "once"})
        said_to_it.append(status)
        await asyncio.sleep(0.2)
    return player, said_to_it[1:]


async def test_the_broker_is_stalled_across_the_end(system: System) -> None:
    """Longer than the command API waits for it: what was sent before the end may be in the log only after it."""
    board, ends_at = await cup(system, 4)
    sent = [asyncio.create_task(insist(system, board, ends_at - 3 + number * 0.2)) for number in range(25)]
    await asyncio.sleep(ends_at - 1 - time.time())
    with stalled(present(system.servers.kafka)):
        await asyncio.sleep(6.5)
    outcomes = dict(await asyncio.gather(*sent))
    counted = {player for player, statuses in outcomes.items() if statuses[-1] == 200}
    assert 0 < len(counted) < len(outcomes)
    assert any(503 in statuses for statuses in outcomes.values()), outcomes
    await closed_once(system, board)
    assert await standings(system, board) == counted


async def test_everything_is_down_across_the_end(system: System) -> None:
    board, ends_at = await cup(system, 6)
    players = await entered(system, board)
    for process in list(system.processes):
        system.kill(process)
    servers = [present(each) for each in (system.servers.kafka, system.servers.postgres, system.servers.redis)]
    for server in servers:
        await asyncio.to_thread(server.kill)
    assert time.time() < ends_at
    await asyncio.sleep(ends_at - time.time() + 0.5)
    for server in servers:
        await asyncio.to_thread(server.start)
    assert await said(system, board) == []
    system.start("projector")
    system.serve("front")
    await asyncio.to_thread(system.await_ready)
    await closed_once(system, board)
    assert await standings(system, board) == set(players)
