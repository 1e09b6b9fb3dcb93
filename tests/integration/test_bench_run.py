"""`leaderboard bench` on a real system: every figure is there, the tables are right, and nothing is left behind."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from redis import Redis

from bench.results import COMPARED, LATENCIES, read
from bench.workloads import chosen
from tests.servers import contained
from tests.stack import System, present

pytestmark = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed: apt-get install wrk")
WORKLOADS = ["submit-32", "submit-1000", "top-100", "rank", "batch-appended"]
"""Each generator and each floor. A batch that is applied may take longer than the test on a machine that is busy."""


async def test_a_run_has_every_figure_ends_equal_and_leaves_nothing_behind(system: System, tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    options = ["--players=500", "--seconds=2", "--warm-up=0", "--rounds=1", "--boards=3"]
    options += [f"--url={system.commands}", f"--out={out}"]
    ran = await asyncio.to_thread(system.run, "bench", "run", *WORKLOADS, *options, within=240)
    assert out.exists(), ran.stderr
    results = read(out)
    assert results.equal, results.verify
    # A machine that is busy may time out some answers, which is then to be said.
    assert (ran.returncode, "BAD ANSWERS" in ran.stderr) == ((0, False) if results.good else (1, True)), ran.stderr
    assert [each.workload for each in results.workloads] == WORKLOADS
    for found in results.workloads:
        assert wanted(found.workload) <= found.figures.keys(), found.workload
        assert found.figures["throughput"] > 0, (found.workload, ran.stderr)
    await expect_no_remains(system)


async def bench(system: System, tmp_path: Path, *arguments: str) -> Mapping[str, float]:
    """The figures of a bench that found the tables right, and said so when an answer was not a good one."""
    out = tmp_path / "results.json"
    options = ["--players=500", f"--url={system.commands}", f"--out={out}"]
    ran = await asyncio.to_thread(system.run, "bench", *arguments, *options, within=120)
    assert out.exists(), ran.stderr
    results = read(out)
    assert results.equal, results.verify
    [found] = results.workloads
    assert ran.returncode == (1 if found.figures["errors"] else 0), ran.stderr
    return found.figures


async def test_pages_are_hit_and_never_stale_while_scores_come_in(system: System, tmp_path: Path) -> None:
    figures = await bench(system, tmp_path, "mix", "--rate=100", "--seconds=2", "--samplers=2")
    assert figures["violations"] == 0
    assert figures["answers checked"] > 0
    assert 0 < figures["pages read"] < figures["pages answered"]


@pytest.mark.parametrize("how", [[], ["--rebuild"]])
async def test_what_is_lost_but_for_the_log_is_restored(system: System, tmp_path: Path, how: list[str]) -> None:
    out = tmp_path / "results.json"
    options = ["--events=1000", "--players=500", f"--out={out}", *how]
    ran = await asyncio.to_thread(system.run, "bench", "restore", *options, within=240)
    assert ran.returncode == 0, ran.stderr
    results = read(out)
    assert results.equal, results.verify
    [found] = results.workloads
    assert found.figures["events"] >= 1000
    assert 0 < found.figures["answers after, s"] <= found.figures["seconds"]


async def test_every_client_is_served(system: System, tmp_path: Path) -> None:
    figures = await bench(system, tmp_path, "clients", "--clients=50", "--seconds=2")
    assert figures["clients"] == 50
    assert 0 < figures["answers a client: fewest"] <= figures["answers a client: most"]


async def test_a_soak_looks_at_every_process_again_and_again(system: System, tmp_path: Path) -> None:
    figures = await bench(system, tmp_path, "soak", "--minutes=0.1", "--every=2", "--rate=50", "--events=1000")
    assert {f"{look}.front" for look in ("start", "loaded", "look-1", "look-2", "look-3", "slope")} <= figures.keys()
    assert (tmp_path / "results.svg").read_text().startswith("<svg")


async def test_a_rebuild_is_measured_while_reads_and_submissions_go_on(system: System, tmp_path: Path) -> None:
    figures = await bench(system, tmp_path, "rebuild", "--events=1000")
    assert figures["events"] >= 1_000
    assert figures["seconds"] > 0
    assert figures["answers: rank 200"] > 0
    assert figures["rank p99, ms"] > 0


def wanted(name: str) -> set[str]:
    """The figures that a workload has to have."""
    [workload] = chosen([name])
    processes = ["front", "projector", *(() if contained() else ("kafka", "postgres", "redis"))]
    figures = {"throughput", "errors", "generator", "cpu", "cpu.generator", *LATENCIES}
    figures |= {f"{kind}.{process}" for kind in ("cpu", "rss") for process in processes}
    compared = [figure for figure in COMPARED if figure != "cpu"]
    figures |= {
        f"{kind}.{floor}.{each}" for kind in ("floor", "ratio") for floor in workload.floors for each in compared
    }
    return figures | {bar.figure for bar in workload.bars} | ({"late"} if workload.rate else set())


async def expect_no_remains(system: System) -> None:
    """No topic, schema or key of a floor."""
    admin = AIOKafkaAdminClient(bootstrap_servers=present(system.servers.kafka).url)
    await admin.start()
    try:
        assert not [topic for topic in await admin.list_topics() if topic.startswith("bench-")]
    finally:
        await admin.close()
    connection = await asyncpg.connect(present(system.servers.postgres).url)
    try:
        assert not await connection.fetch("select nspname from pg_namespace where nspname like 'bench-%'")
    finally:
        await connection.close()
    with Redis.from_url(present(system.servers.redis).url) as redis:
        assert not redis.keys("bench-*")
