"""Several projectors share the partitions; the lease says who should project one, the epoch who can."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers
from tests.stack import ROOT, System, eventually, running
from tests.tables import checkpoints, owners, select

ALL = {0, 1, 2, 3}


@pytest.fixture
def system(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs, LEADERBOARD_WAIT_MS="300") as started:
        yield started


async def until_owned(system: System, wanted: dict[str, int], within: float) -> float:
    """Wait until each projector holds that many partitions; the seconds it took."""
    began = time.monotonic()
    while True:
        held = await owners(system)
        counts = {owner: list(held.values()).count(owner) for owner in held.values()}
        if counts == wanted and held.keys() == ALL:
            return time.monotonic() - began
        assert time.monotonic() - began < within, (counts, wanted)
        await asyncio.sleep(0.02)


async def until_applied(system: System, position: str, within: float) -> float:
    """Wait until the read models contain a position; the seconds it took."""
    began = time.monotonic()
    while (await get(system, "/api/leaderboard/top?limit=1", **{"X-Min-Position": position}))[0] != 200:
        assert time.monotonic() - began < within
    return time.monotonic() - began


async def submit_everywhere(system: System) -> str:
    """One score in every partition at least; the position of all of them."""
    answers = [await submit(system, name(), 10, Prefer="respond-async") for _ in range(24)]
    return ",".join(answer["position"] for _, answer in answers)


def freeze(system: System, projector: str) -> None:
    os.kill(system.processes[projector].pid, signal.SIGSTOP)


def thaw(system: System, projector: str) -> None:
    os.kill(system.processes[projector].pid, signal.SIGCONT)


def frozen(system: System, projector: str) -> bool:
    stat = Path(f"/proc/{system.processes[projector].pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


def arm(system: System, projector: str, point: str) -> None:
    """Start a projector that freezes at a point of its first batch of submissions."""
    failpoint = str(ROOT / "tests" / "failpoint.py")
    system.start(projector, argv=[sys.executable, failpoint, point, "stop"])


async def verified(system: System) -> None:
    done = await asyncio.to_thread(system.run, "verify")
    assert done.returncode == 0, done.stdout + done.stderr


async def one_owner_an_epoch(system: System) -> None:
    """Epochs go up by one with each change of owner, and never begin before the offset of the one before."""
    rows = await select(
        system, "select topic, partition, epoch, from_offset from ownership_log order by topic, partition, epoch"
    )
    for before, after in pairwise(rows):
        if before[:2] == after[:2]:
            assert after[2] == before[2] + 1
            assert after[3] >= before[3]


async def test_partitions_are_shared_and_handed_over(system: System) -> None:
    await until_owned(system, {"projector": 4}, 10)
    system.start("second", argv=[sys.executable, "-m", "leaderboard", "projector"])
    joined = await until_owned(system, {"projector": 2, "second": 2}, 15)
    await until_applied(system, await submit_everywhere(system), 10)
    stopping = system.processes.pop("projector")
    stopping.send_signal(signal.SIGTERM)
    handed = await until_owned(system, {"second": 4}, 8)
    assert await asyncio.to_thread(stopping.wait, 10) == 0
    await until_applied(system, await submit_everywhere(system), 10)
    print(f"joined after {joined:.1f} s; handed over on SIGTERM after {handed:.1f} s")
    await one_owner_an_epoch(system)
    await verified(system)


@pytest.mark.parametrize(("how", "bar"), [("SIGKILL", 15.0), ("SIGSTOP", 30.0)])
async def test_another_takes_over_from_one_that_is_gone(system: System, how: str, bar: float) -> None:
    system.start("second", argv=[sys.executable, "-m", "leaderboard", "projector"])
    await until_owned(system, {"projector": 2, "second": 2}, 15)
    if how == "SIGKILL":
        system.kill("projector")
    else:
        freeze(system, "projector")
    began = time.monotonic()
    await until_applied(system, await submit_everywhere(system), bar)
    print(f"{how}: everything was applied again after {time.monotonic() - began:.1f} s (bar {bar:g})")
    if how == "SIGSTOP":
        thaw(system, "projector")
        await until_owned(system, {"projector": 2, "second": 2}, 15)
        await until_applied(system, await submit_everywhere(system), 10)
    await one_owner_an_epoch(system)
    await verified(system)


async def test_a_zombie_commits_nothing_under_the_lease_of_another(system: System) -> None:
    """Frozen with a batch in hand, it wakes while the next owner has not applied that batch yet: the epoch alone
    stands between it and the tables."""
    system.kill("projector")
    arm(system, "zombie", "before-load")
    await until_owned(system, {"zombie": 4}, 15)
    before = await checkpoints(system)
    _, answer = await submit(system, name(), 70, Prefer="respond-async")
    await asyncio.to_thread(eventually, lambda: frozen(system, "zombie"), 10, "the zombie is frozen")
    arm(system, "owner", "before-load")
    await until_owned(system, {"owner": 4}, 25)
    await asyncio.to_thread(eventually, lambda: frozen(system, "owner"), 10, "the owner is frozen")
    thaw(system, "zombie")
    await asyncio.to_thread(
        eventually, lambda: "projection_interrupted" in system.log_of("zombie"), 5, "the zombie is turned away"
    )
    assert await checkpoints(system) == before
    thaw(system, "owner")
    await until_applied(system, answer["position"], 25)
    await one_owner_an_epoch(system)
    await verified(system)


async def test_a_zombie_that_has_loaded_its_batch_holds_nobody_up(system: System) -> None:
    """It locks nothing, and what it saves when it wakes is turned away as a whole."""
    system.kill("projector")
    arm(system, "zombie", "after-load")
    await until_owned(system, {"zombie": 4}, 15)
    _, answer = await submit(system, name(), 70, Prefer="respond-async")
    await asyncio.to_thread(eventually, lambda: frozen(system, "zombie"), 10, "the zombie is frozen")
    system.start("owner", argv=[sys.executable, "-m", "leaderboard", "projector"])
    took = await until_applied(system, answer["position"], 25)
    print(f"applied by the next owner {took:.1f} s after the freeze")
    thaw(system, "zombie")
    await until_owned(system, {"owner": 2, "zombie": 2}, 15)
    await until_applied(system, await submit_everywhere(system), 10)
    await one_owner_an_epoch(system)
    await verified(system)
