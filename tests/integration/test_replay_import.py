"""Import into a real log, then the system; replay of it at positions and instants, and under other rules."""

import asyncio
import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from shared.positions import Position, parse_position
from tests.instants.checking import checked
from tests.instants.history import records, write_export
from tests.servers import Servers
from tests.stack import ROOT, System, eventually
from tests.tables import admin, checkpoints, select

DAY = 86_400_000
BEGAN = 1_756_684_800_000
"""2025-09-01, a Monday."""
WEEKLY = """
[[board]]
board_id = "weekly"
title = "Weekly"
game_modes = ["classic"]
operator = "best"
order = "desc"
reset = "weekly"
"""


@pytest.fixture
def fresh(servers: Servers, logs: Path) -> System:
    """A prefix under which there is nothing yet."""
    return System(servers, logs)


def scores(count: int, seed: int = 1) -> list[tuple[str, int, int]]:
    """Player, points, milliseconds; in no order of time, over three weeks."""
    chance = random.Random(seed)
    return [
        (f"p{chance.randrange(50)}", chance.randrange(1, 1000), BEGAN + chance.randrange(20 * DAY))
        for _ in range(count)
    ]


def write_csv(file: Path, rows: list[tuple[str, int, int]]) -> Path:
    lines = ["player,points,when,called", *(f"{p},{s},{at},Name of {p}" for p, s, at in rows)]
    file.write_text("\n".join(lines))
    return file


def run_import(system: System, source: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return system.run("import", str(source), "--map", "time=when", "--map", "username=called", "--yes", *more)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What it printed for people, in one line."""
    return " ".join((done.stdout + done.stderr).split())


def replayed(system: System, *arguments: str) -> list[dict[str, Any]]:
    done = system.run("replay", "--format", "ndjson", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


async def timestamp_types(system: System) -> list[str]:
    from leaderboard.creating import own_settings

    async with admin(system) as client:
        names = [f"{system.prefix}leaderboard.{topic}" for topic in ("events", "boards")]
        found = [await own_settings(client, name) for name in names]
    assert not any("segment.ms" in each for each in found)
    return [each["message.timestamp.type"] for each in found]


def start_projector(system: System) -> None:
    """Fold the log into the tables."""
    system.start("projector")
    ends = sum(parse_position(position_of(system)).offsets.values())
    eventually(lambda: sum(asyncio.run(checkpoints(system)).values()) >= ends, 60, "everything applied")


def position_of(system: System) -> str:
    done = system.run("replay", "--top", "0", "--board", "classic")
    return done.stderr.split("position ")[1].split()[0]


def verify(system: System) -> None:
    verified = system.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_history_becomes_a_log_with_seasons_as_it_says(fresh: System, tmp_path: Path) -> None:
    rows = scores(3_000)
    (tmp_path / "boards.toml").write_text(WEEKLY)
    file = write_csv(tmp_path / "history.csv", rows)
    dry = run_import(fresh, file, "--dry-run", "--boards", str(tmp_path / "boards.toml"))
    assert dry.returncode == 0, dry.stderr
    assert "points" in dry.stderr
    assert "3,000 rows of 50 players (50 with a name)" in dry.stderr
    done = run_import(fresh, file, "--boards", str(tmp_path / "boards.toml"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3,053 records imported: log ")  # and three boards, 50 names
    assert asyncio.run(timestamp_types(fresh)) == ["LogAppendTime", "LogAppendTime"]
    again = run_import(fresh, file, "--boards", str(tmp_path / "boards.toml"))
    assert again.stdout.startswith("0 records imported, 3,053 were there"), again.stderr
    try:
        start_projector(fresh)
        closed = "select season from season_results where board_id = 'weekly' and kind = 'closed' order by 1"
        weeks = ["2025-W36", "2025-W37", "2025-W38"]
        eventually(lambda: asyncio.run(select(fresh, closed)) == [(week,) for week in weeks], 60, "seasons closed")
        verify(fresh)
        named = asyncio.run(select(fresh, "select count(*) from profiles where username like 'Name of p%'"))
        assert named == [(50,)]
        for number, week in enumerate(weeks):
            best = defaultdict[str, int](int)
            for player, points, at in rows:
                if BEGAN + number * 7 * DAY <= at < BEGAN + (number + 1) * 7 * DAY:
                    best[player] = max(best[player], points)
            found = replayed(fresh, "--board", "weekly", "--season", week, "--top", "100")
            assert {row["player_id"]: row["value"] for row in found} == best
        busy = run_import(fresh, file, "--boards", str(tmp_path / "boards.toml"))
        assert busy.returncode == 1
        assert "projectors run" in busy.stderr
    finally:
        fresh.stop()


def test_as_of_an_instant_is_what_had_been_submitted_by_then(fresh: System, tmp_path: Path) -> None:
    rows = scores(800)
    assert run_import(fresh, write_csv(tmp_path / "history.csv", rows)).returncode == 0
    instant = BEGAN + 9 * DAY
    total = defaultdict[str, int](int)
    for player, points, at in rows:
        if at <= instant:
            total[player] += points
    found = replayed(fresh, "--as-of", "2025-09-10T00:00Z", "--board", "classic", "--top", "100")
    assert {row["player_id"]: row["value"] for row in found} == total
    assert [row["rank"] for row in found] == list(range(1, len(total) + 1))
    done = fresh.run("replay", "--as-of", "2025-09-10T00:00Z", "--board", "classic", "--top", "100", "--format", "csv")
    position = done.stderr.split("position ")[1].split()[0]
    as_csv = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["player_id"], int(row["value"])) for row in as_csv] == [(r["player_id"], r["value"]) for r in found]
    assert replayed(fresh, "--as-of", position, "--board", "classic", "--top", "100") == found
    last = found[-1]["player_id"]
    [row] = replayed(fresh, "--as-of", position, "--board", "classic", "--top", "0", "--player", last)
    assert row == found[-1]
    for bad, named in (("2025-09-10", "is expected"), (str(Position("00" * 8, {0: 1})), "not in this log")):
        refused = fresh.run("replay", "--as-of", bad)
        assert refused.returncode == 1
        assert named in said(refused)
    assert "--board nope" in fresh.run("replay", "--board", "nope").stderr


def test_other_rules_checked_by_what_the_file_says(fresh: System, tmp_path: Path) -> None:
    rows = scores(800)
    assert run_import(fresh, write_csv(tmp_path / "history.csv", rows)).returncode == 0
    rules = 'exclude_players = ["p7"]\n[[board]]\nboard_id = "classic"\ntitle = "Classic"\ngame_modes = ["classic"]\n'
    (tmp_path / "rules.toml").write_text(rules + 'operator = "best"\norder = "desc"\nmaximum = 900\n')
    moves = replayed(fresh, "--what-if", str(tmp_path / "rules.toml"), "--top", "1000")
    points = defaultdict[str, list[tuple[int, int]]](list)
    for player, score, at in sorted(rows, key=lambda row: row[2]):
        points[player].append((score, at))
    totals = {player: sum(score for score, _ in held) for player, held in points.items()}
    bests = {player: max(s for s, _ in held if s <= 900) for player, held in points.items() if player != "p7"}
    assert {move["player_id"]: move["value_was"] for move in moves}.items() <= totals.items()
    assert {m["player_id"]: m["value_if"] for m in moves if m["rank_if"]}.items() <= bests.items()
    was = sorted(totals, key=lambda player: -totals[player])
    assert all(move["rank_was"] == 1 + was.index(move["player_id"]) for move in moves)
    [gone] = [move for move in moves if move["rank_if"] is None]
    assert (gone["player_id"], gone["why"]) == ("p7", "excluded")
    for move in moves:
        above = sum(score > 900 for score, _ in points[move["player_id"]])
        assert move["player_id"] == "p7" or (f"no longer: {above} out_of_bounds" in move["why"]) == (above > 0), move
    shown = fresh.run("replay", "--what-if", str(tmp_path / "rules.toml"), "--top", "3")
    assert "operator sum -> best" in said(shown)


def test_killed_half_way_it_goes_on_and_nothing_is_there_twice(fresh: System, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "history.csv", scores(60_000))
    argv = [sys.executable, "-m", "leaderboard", "import", str(file), "--map", "time=when", "--yes"]
    process = subprocess.Popen(argv, env=fresh.environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    held = 0
    deadline = time.monotonic() + 120
    while held < 5_000 and time.monotonic() < deadline:
        held = asyncio.run(events_in(fresh))
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert 5_000 <= asyncio.run(events_in(fresh)) < 60_000, "it was to be killed half way"
    done = fresh.run("import", str(file), "--map", "time=when", "--yes")
    assert done.returncode == 0, done.stderr
    assert "were there" in done.stdout
    assert asyncio.run(events_in(fresh)) == 60_000
    assert asyncio.run(timestamp_types(fresh)) == ["LogAppendTime", "LogAppendTime"]
    try:
        start_projector(fresh)
        verify(fresh)
        assert asyncio.run(select(fresh, "select sum(applied) from checkpoints")) == [(60_000,)]
    finally:
        fresh.stop()


async def events_in(system: System) -> int:
    """How many records the events topic has, without those that name the log."""
    from shared.log import LogUnavailable, open_reader
    from shared.settings import KafkaSettings, NamingSettings

    kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": system.environment["LEADERBOARD_KAFKA"]})
    async with open_reader(kafka, NamingSettings(prefix=system.prefix), "test") as reader:
        try:
            return sum(max(0, end - 1) for end in (await reader.end("events")).values())
        except LogUnavailable:
            return 0


def test_a_log_that_holds_anything_else_is_left_alone(fresh: System, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "history.csv", scores(50))
    assert run_import(fresh, file).returncode == 0
    other = run_import(fresh, write_csv(tmp_path / "other.csv", scores(50, seed=2)))
    assert other.returncode == 1
    assert "something else than this import" in said(other)
    shorter = run_import(fresh, write_csv(tmp_path / "shorter.csv", scores(50)[:40]))
    assert shorter.returncode == 1
    assert asyncio.run(events_in(fresh)) == 50
    assert asyncio.run(timestamp_types(fresh)) == ["LogAppendTime", "LogAppendTime"]
    assert fresh.run("init").returncode == 0
    assert run_import(fresh, file).stdout.startswith("0 records imported")


def test_bad_rows_are_listed_and_left_out_up_to_a_limit(fresh: System, tmp_path: Path) -> None:
    lines = [
        "player,points,when",
        "ann,5,2025-09-01T00:00:00Z",
        "ann,many,2025-09-01T00:00:00Z",
        "b b,5,2025-09-01T00:00Z",
    ]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    refused = fresh.run("import", str(tmp_path / "a.csv"), "--yes", "--bad-rows", "1", "--map", "time=when")
    assert refused.returncode == 1
    assert "nothing is imported" in said(refused)
    assert asyncio.run(events_in(fresh)) == 0
    done = fresh.run("import", str(tmp_path / "a.csv"), "--yes", "--map", "time=when")
    assert done.returncode == 0, done.stderr
    assert "2 rows are no scores" in done.stderr
    assert asyncio.run(events_in(fresh)) == 1


def test_an_exported_log_in_another_cluster_has_the_same_digests(servers: Servers, logs: Path, tmp_path: Path) -> None:
    boards, events = records(3, 3_000)
    write_export(tmp_path / "log", "boards", boards)
    write_export(tmp_path / "log", "events", events)
    of_files = System(servers, logs).run("replay", "--from", str(tmp_path / "log"), "--digests", "--format", "csv")
    assert of_files.returncode == 0, of_files.stderr
    assert len(of_files.stdout.splitlines()) > 40
    target = System(servers, logs)
    positions = tmp_path / "positions.csv"
    done = target.run("import", str(tmp_path / "log"), "--yes", "--positions", str(positions))
    assert done.returncode == 0, done.stderr
    assert target.run("replay", "--digests", "--format", "csv").stdout == of_files.stdout
    exported, third = target.run("export", str(tmp_path / "again")), System(servers, logs)
    assert exported.returncode == 0, exported.stderr
    again = third.run("import", str(tmp_path / "again"), "--yes")
    assert again.returncode == 0, again.stderr
    assert third.run("replay", "--digests", "--format", "csv").stdout == of_files.stdout
    moved = list(csv.DictReader(positions.read_text().splitlines()))
    assert sum(int(row["old_end"]) for row in moved) == len(events)
    assert all(row["old_first"] == row["new_first"] for row in moved)
    old = Position(moved[0]["old_incarnation"], {int(row["old_partition"]): 50 for row in moved})
    new = Position(moved[0]["new_incarnation"], {int(row["new_partition"]): 50 for row in moved})
    there = replayed(target, "--as-of", str(new), "--season", "all-seasons")
    assert there == replayed(target, "--as-of", str(old), "--season", "all-seasons", "--from", str(tmp_path / "log"))
    try:
        start_projector(target)
        verify(target)
    finally:
        target.stop()


async def test_replay_is_what_plain_sql_says_at_any_instant(fresh: System, tmp_path: Path) -> None:
    report = await checked(fresh, tmp_path / "log", seed=2, events=3_000, instants=33)
    assert report.equal, report.lines()
    assert report.rows > 500
