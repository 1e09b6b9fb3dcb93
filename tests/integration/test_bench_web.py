"""`leaderboard bench web` on a real system, in small: the figures are there."""

import asyncio
from pathlib import Path

import orjson

from tests.e2e.web.browsers import chromium
from tests.stack import System

SMALL = ["--submits=3", "--rate=200", "--seconds=2", "--players=1000"]


async def test_a_small_run_has_every_figure(system: System, tmp_path: Path) -> None:
    chromium()
    out = tmp_path / "web.json"
    ran = await asyncio.to_thread(
        system.run, "bench", "web", *SMALL, f"--url={system.commands}", f"--out={out}", within=300
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    results = orjson.loads(out.read_bytes())
    figures = results["figures"]
    assert (results["equal"], figures["seen.count"]) == (True, 3)
    assert 0 < figures["seen.p50"] <= figures["seen.p99"] <= figures["seen.worst"]
    assert 0 < figures["seen.heard.p50"] < figures["seen.p50"]
    assert figures["seen.answered.p50"] > 0
    assert figures["fps"] > 1
    assert figures["floor.fps"] > 1
    assert figures["submissions_a_second"] > 100
