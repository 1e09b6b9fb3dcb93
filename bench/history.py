"""A history of scores imported into a new log, projected, and replayed: seconds, and memory of each command."""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bench.benchmark import Settings, concluded, report
from bench.command import Ran, run
from bench.loading import settle, skewed
from bench.results import Measured
from bench.system import own_folder, served
from bench.tables import figures_table
from bench.workloads import Bar
from leaderboard.local.servers import local_servers
from leaderboard.running import addresses

FIRST = frozenset({"kafka", "postgres"})
BARS = (Bar("replay, MB", 500.0), Bar("what-if, MB", 500.0), Bar("import, MB", 500.0))
BEGAN = 1_700_000_000_000
EVERY = 60_000
"""Milliseconds between two scores: a million are two years."""
RULES = """
[[board]]
board_id = "classic"
title = "Classic"
game_modes = ["classic"]
operator = "best"
order = "desc"
"""
WRONG_MOVES = """
with scores as (select player_id, score, "time" as reached from read_csv($history)),
was as (select player_id, sum(score)::bigint as value, max(reached) as reached from scores group by player_id),
best as (
    select player_id, score as value, min(reached) as reached from scores
    where (player_id, score) in (select player_id, max(score) from scores group by player_id)
    group by player_id, score),
ranked_was as (select *, row_number() over (order by value desc, reached, player_id) as rank from was),
ranked_if as (select *, row_number() over (order by value desc, reached, player_id) as rank from best),
expected as (
    select player_id, w.rank as rank_was, i.rank as rank_if, w.value as value_was, i.value as value_if
    from ranked_was w join ranked_if i using (player_id) where w.rank <> i.rank),
told as (select player_id, rank_was, rank_if, value_was, value_if from read_csv($moves))
select count(*) from ((from expected except all from told) union all (from told except all from expected))
"""
"""How many moves are on one side only: of those that plain SQL finds in the history, and of those that were told."""


def history(settings: Settings, out: Path | None, console: Console) -> bool:
    """Import, project, replay, verify, write, show; whether the verdict was good. Raises LocalServerError."""

    def say(line: str) -> None:
        console.print(line)

    with own_folder() as data, local_servers(data / "log", parts=FIRST, say=say) as servers:
        os.environ |= addresses(servers)
        file, rules = data / "history.csv", data / "rules.toml"
        file.write_text("\n".join(_lines(settings)))
        rules.write_text(RULES)
        with console.status("importing"):
            imported = run(data / "import.txt", "import", str(file), "--yes")
        began = time.monotonic()
        with served(data / "up", frozenset({"redis"}), say) as system, console.status("projecting, replaying"):
            asyncio.run(settle(system))
            figures = {"events": float(settings.events), **_figures("import", imported)}
            figures |= {"projected after, s": time.monotonic() - began}
            replayed = run(data / "replay.csv", "replay", "--top", "100", "--digests", "--format", "csv")
            argv = "replay", "--what-if", str(rules), "--top", str(settings.players), "--format", "csv"
            supposed = run(data / "moves.csv", *argv)
            figures |= _figures("replay", replayed) | _figures("what-if", supposed)
            measured = Measured("history", [], {}, figures | _compared(file, supposed.out))
            results = concluded(system, [measured], settings, console)
    return report(results, figures_table(measured, BARS), out, console)


def _lines(settings: Settings) -> Iterator[str]:
    chance = random.Random(settings.seed)
    yield "player_id,score,time"
    for number in range(settings.events):
        player = number if number < settings.players else chance.randrange(settings.players)
        yield f"player-{player},{skewed(chance)},{BEGAN + number * EVERY}"


def _figures(name: str, ran: Ran) -> dict[str, float]:
    return {f"{name}, s": ran.seconds, f"{name}, MB": ran.megabytes}


def _compared(history: Path, moves: Path) -> dict[str, float]:
    import duckdb

    with duckdb.connect() as database:
        [(told,)] = database.execute("select count(*) from read_csv($moves)", {"moves": str(moves)}).fetchall()
        files = {"history": str(history), "moves": str(moves)}
        [(wrong,)] = database.execute(WRONG_MOVES, files).fetchall()
    return {"moves": float(told), "errors": float(wrong)}
