"""`python -m tests.chaos`: a long run under random faults, and whether every promise was kept."""

import argparse
import asyncio
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from leaderboard.local.servers import local_servers
from tests.chaos.drill import Drill, run_drill
from tests.chaos.nemesis import kills_planned, schedule
from tests.stack import ROOT

DESCRIPTION = """\
Starts Kafka, Postgres, Redis and our processes on this machine, puts them under load, and kills, stops and
disconnects them at random, while a referee revokes, bans and erases, and seasons end. Then everything is healed and
brought to rest, and all that clients were told is held against the log: acknowledged and not lost (I1), counted once
(I2), rulings there and with one effect (I1, I2), sums and counts (I3), every answer equal to the fold at the position
that it states (I3, I4), positions never back (I6, I7), one outcome a record (I9), sockets without a hole in their
chains (I11), one result for each season that is over, and `leaderboard verify`. Exit code 1 on any violation.

The faults follow from --seed, --seconds and the number of processes; when exactly they meet what the system does is
up to the machine, so the same seed may find something only now and then.

Projectors reach Postgres and Redis through proxies of ours, which can cut a connection at a COMMIT, drop, stall,
reset or delay. Kafka's clients would go round a proxy to the address that the broker advertises: the broker is
killed and frozen instead.
"""
EPILOG = """\
In the folder of --out: ledger.jsonl (submissions), rulings.jsonl, answers.jsonl (reads), told.jsonl (sockets),
faults.jsonl, violations.txt, verify.txt, report.txt, and the log of each process.

examples:
  python -m tests.chaos --seconds 60                                 a look, with one projector
  python -m tests.chaos --seconds 1200 --seed 7 --projectors 3       sixty kills and more
  python -m tests.chaos --seed 7 --seconds 1200 --plan               only print the faults of a seed
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tests.chaos", None, DESCRIPTION, EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long load and faults go on (60)")
    parser.add_argument("--seed", type=int, default=1, help="of faults and load (1)")
    parser.add_argument("--projectors", type=int, default=1, help="projector processes (1)")
    parser.add_argument("--players", type=int, default=1_000, help="players, at most 1000 (1000)")
    parser.add_argument("--submits", type=float, default=40.0, help="submissions a second (40)")
    parser.add_argument("--reads", type=float, default=25.0, help="reads a second, all of them checked (25)")
    parser.add_argument(
        "--out", type=Path, help="folder for all files; a new one under the temporary folder if not set"
    )
    parser.add_argument("--plan", action="store_true", help="print the faults and do nothing")
    return parser.parse_args()


def commit() -> str:
    """The commit that is checked out, and whether it has changes."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "unknown"


def say(line: str) -> None:
    print(line, flush=True)


def folder_for(out: Path | None) -> Path:
    """A folder that the unprivileged account of Postgres can enter."""
    folder = (out or Path(tempfile.mkdtemp(prefix="leaderboard-chaos-"))).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    return folder


def main() -> int:
    given = arguments()
    counts = {"projector": given.projectors, "command-api": 2, "query-api": 2, "notifier": 1}
    faults = schedule(given.seed, given.seconds, counts)
    if given.plan:
        for fault in faults:
            say(str(fault))
        say(f"{len(faults)} faults; kills: {dict(kills_planned(faults))}")
        return 0
    # As Ctrl-C: what was started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    drill = Drill(
        seconds=given.seconds,
        faults=faults,
        counts=counts,
        title=f"seed {given.seed}, {given.seconds:g} s, {given.projectors} projectors, commit {commit()}",
        players=given.players,
        submits=given.submits,
        reads=given.reads,
        seed=given.seed,
    )
    folder = folder_for(given.out)
    (folder / "run").mkdir(exist_ok=True)
    say(f"{drill.title}: {len(faults)} faults; files in {folder}")
    with local_servers(folder / "servers", say=say) as servers:
        report = asyncio.run(run_drill(drill, servers, folder / "run", say))
    for line in report.lines():
        say(line)
    return 0 if report.kept else 1


if __name__ == "__main__":
    sys.exit(main())
