"""`leaderboard bench live` on a real system, in small: the figures are there and no client is wrong."""

import asyncio
import shutil
from pathlib import Path

import orjson
import pytest

from bench.live import SCENARIOS, chosen
from tests.stack import System

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is installed: apt-get install gcc")
PLAYED = ["broadcast-1000", "submit", "hold", "kill"]
"""Of each kind one: `stuck` is as `hold` and `roll` as `kill`, and both take minutes."""
SMALL = ["--share=0.02", "--seconds=4", "--minutes=0.1", "--idle=1", "--rounds=1", "--rates=1000", "--players=1000"]


async def test_a_small_run_has_every_figure_and_nobody_is_wrong(system: System, tmp_path: Path) -> None:
    out = tmp_path / "live.json"
    ran = await asyncio.to_thread(
        system.run, "bench", "live", *PLAYED, *SMALL, f"--url={system.commands}", f"--out={out}", within=400
    )
    assert out.exists(), ran.stderr
    results = orjson.loads(out.read_bytes())
    assert (results["failed"], results["equal"], ran.returncode) == ({}, True, 0), ran.stderr
    for scenario in chosen(PLAYED):
        figures = results["scenarios"][scenario.name]
        assert {bar.figure for bar in scenario.bars} <= figures.keys() | {"1000.p99"}, scenario.name
    figures = results["scenarios"]["kill"]
    assert [figures[each] for each in ("gaps", "mismatches", "wrong")] == [0, 0, 0], figures
    assert figures["moved"] >= 20, "half of the clients had to go elsewhere"
    assert results["scenarios"]["hold"]["lost"] == 0


def test_a_scenario_is_known_by_its_name() -> None:
    assert [each.name for each in chosen(["kill"])] == ["kill"]
    assert chosen([]) == list(SCENARIOS)
