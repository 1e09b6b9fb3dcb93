"""A history of scores imported into a new log, projected, and replayed: seconds, and memory of each command."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from bench.benchmark import Settings, concluded, report
from bench.errors import BenchFailed
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


class CommandFailed(BenchFailed):
    """The command failed."""


class Ran(NamedTuple):
    """What a command took."""

    seconds: float
    megabytes: float
    """The most that it held at a time."""
    said: str


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
            imported = _run("import", str(file), "--yes")
        began = time.monotonic()
        with served(data / "up", frozenset({"redis"}), say) as system, console.status("projecting, replaying"):
            asyncio.run(settle(system))
            figures = {"events": float(settings.events), **_figures("import", imported)}
            figures |= {"projected after, s": time.monotonic() - began}
            figures |= _figures("replay", _run("replay", "--top", "100", "--digests", "--format", "csv"))
            figures |= _figures("what-if", _run("replay", "--what-if", str(rules), "--format", "csv"))
            measured = Measured("history", [], {}, figures | {"errors": 0.0})
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


def _run(*arguments: str) -> Ran:
    """Run a command of `leaderboard` to its end. Raises CommandFailed."""
    began = time.monotonic()
    argv = [sys.executable, "-m", "leaderboard", *arguments]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    said = process.stdout.read().decode(errors="replace")
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise CommandFailed(f"leaderboard {' '.join(arguments)}: {said}")
    return Ran(time.monotonic() - began, used.ru_maxrss / 1024, said)
