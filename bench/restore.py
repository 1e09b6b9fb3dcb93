"""Everything but the log is lost: how long until new, empty Postgres and Redis hold all of it again?"""

import asyncio
import os
import time
from pathlib import Path

from rich.console import Console

from bench.benchmark import Settings, concluded, fill, report
from bench.command import run
from bench.loading import count_records, settle
from bench.processes import spent, usage
from bench.results import Measured
from bench.system import own_folder, served
from bench.tables import figures_table
from leaderboard.local.servers import ALL, local_servers
from leaderboard.running import addresses

LOG = frozenset({"kafka"})


def restore(settings: Settings, rebuild: bool, out: Path | None, console: Console) -> bool:
    """Fill, lose, restore, verify, write, show; whether the verdict was good.

    Seconds are from when Postgres and Redis begin to start, with nothing in them, until Redis, which comes last,
    contains the log. `rebuild`: by `leaderboard rebuild`, before a projector comes up. Raises LocalServerError,
    NotApplied, CommandFailed.
    """

    def say(line: str) -> None:
        console.print(line)

    with own_folder() as data, local_servers(data / "log", parts=LOG, say=say) as log:
        os.environ |= addresses(log)
        with served(data / "before", ALL - LOG, say) as system:
            fill(system, settings, console)
        events, began = asyncio.run(count_records(system)), time.monotonic()
        if rebuild:
            with local_servers(data / "after", parts=ALL - LOG, say=say) as empty, console.status("rebuilding"):
                os.environ |= addresses(empty)
                for command in ("init", "rebuild"):
                    run(data / f"{command}.txt", command)
        with served(data / "after", ALL - LOG, say) as system:
            serving, before = time.monotonic() - began, usage(system.families())
            with console.status(f"folding {events:,} records"):
                asyncio.run(settle(system))
            took = time.monotonic() - began
            cpu = spent(before, usage(system.families()))
            results = concluded(system, [found(events, serving, took, cpu)], settings, console)
    return report(results, figures_table(results.workloads[0]), out, console)


def found(events: int, serving: float, took: float, cpu: dict[str, float]) -> Measured:
    """As figures; `cpu`: seconds by process since it was serving."""
    figures = {"events": float(events), "answers after, s": serving, "seconds": took, "events a second": events / took}
    return Measured(
        "restore", [], {}, figures | {f"cpu.{name}, s": used for name, used in cpu.items()} | {"errors": 0.0}
    )
