"""Short runs under one kind of fault each: every promise is kept, and the faults did take place."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from leaderboard.local.servers import LocalServers, local_servers
from tests.chaos.drill import Drill, run_drill
from tests.chaos.nemesis import Fault, Kind
from tests.chaos.report import Report

ONE_EACH = {"projector": 1, "command-api": 1, "query-api": 1, "notifier": 1}
TWO_COMMANDS = {**ONE_EACH, "command-api": 2}


@pytest.fixture(scope="module")
def own_servers(workspace: Path) -> Iterator[LocalServers]:
    """Servers that this module may kill."""
    with local_servers(workspace / "chaos", say=print) as started:
        yield started


@pytest.fixture
def folder(workspace: Path, request: pytest.FixtureRequest) -> Path:
    made = workspace / f"drill-{request.node.name}"
    made.mkdir()
    return made


async def drilled(
    servers: LocalServers, folder: Path, faults: Sequence[Fault], counts: dict[str, int] = ONE_EACH
) -> Report:
    """Run it; every promise has to be kept, and something has to have been held against the log."""
    drill = Drill(5, faults, counts, title=folder.name, in_turn=True, players=100, submits=50, reads=30)
    report = await run_drill(drill, servers, folder, print)
    print("\n".join(report.lines()))
    assert report.kept, "\n".join(report.lines())
    assert report.findings.acknowledged > 50
    assert report.findings.answers > 50
    assert report.findings.events > 50
    assert report.findings.rulings > 5
    assert report.findings.seasons == len(drill.cups)
    return report


def after(seconds: float, kind: Kind, target: str, away: float = 0) -> Fault:
    """A fault so many seconds after the system has recovered from the one before."""
    return Fault(seconds, kind, target, away)


async def test_command_apis_killed_five_times(own_servers: LocalServers, folder: Path) -> None:
    targets = ["command-api", "command-api-2", "command-api", "command-api-2", "command-api"]
    report = await drilled(own_servers, folder, [after(0.5, "kill", each) for each in targets], TWO_COMMANDS)
    assert report.kills == {"command-api": 5}


async def test_projector_killed_twenty_times(own_servers: LocalServers, folder: Path) -> None:
    """At random milliseconds of its work."""
    chance = random.Random(5)
    report = await drilled(own_servers, folder, [after(chance.random() / 2, "kill", "projector") for _ in range(20)])
    assert report.kills == {"projector": 20}


async def test_notifier_and_query_api_killed(own_servers: LocalServers, folder: Path) -> None:
    faults = [after(0.5, "kill", each) for each in ("notifier", "query-api", "notifier", "query-api-2")]
    report = await drilled(own_servers, folder, faults, {**ONE_EACH, "query-api": 2})
    assert report.kills == {"notifier": 2, "query-api": 2}


async def test_broker_killed_and_restarted(own_servers: LocalServers, folder: Path) -> None:
    report = await drilled(own_servers, folder, [after(1, "crash", "kafka", 1), after(1, "restart", "kafka")])
    assert report.kills == {"kafka": 2}


async def test_postgres_restarted_fast_immediately_and_killed(own_servers: LocalServers, folder: Path) -> None:
    kinds: list[Kind] = ["restart", "abort", "crash"]
    report = await drilled(own_servers, folder, [after(1, kind, "postgres", 0.5) for kind in kinds])
    assert report.kills == {"postgres": 3}


async def test_postgres_cut_at_commit_and_disturbed(own_servers: LocalServers, folder: Path) -> None:
    cuts = [after(0.5, "cut", "postgres") for _ in range(4)]
    disturbed = [
        after(0.5, "drop", "postgres", 2),
        after(0.5, "stall", "postgres", 2),
        after(0.5, "reset", "postgres", 1),
    ]
    report = await drilled(own_servers, folder, [*cuts, *disturbed])
    assert report.cuts == 4


async def test_redis_flushed_killed_emptied_and_disturbed(own_servers: LocalServers, folder: Path) -> None:
    kinds: list[tuple[Kind, float]] = [
        ("flush", 0),
        ("crash", 1),
        ("empty", 0.5),
        ("restart", 2),
        ("drop", 2),
        ("latency", 2),
        ("flush", 0),
    ]
    report = await drilled(own_servers, folder, [after(0.5, kind, "redis", away) for kind, away in kinds])
    assert report.kills == {"redis": 3}


async def test_servers_and_projector_frozen(own_servers: LocalServers, folder: Path) -> None:
    frozen = [after(0.5, "freeze", server, 3) for server in ("kafka", "postgres", "redis")]
    await drilled(own_servers, folder, [*frozen, after(0.5, "pause", "projector", 4)])
