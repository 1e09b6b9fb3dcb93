"""A command of `leaderboard`, run to its end: seconds, and memory."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from bench.errors import BenchFailed


class CommandFailed(BenchFailed):
    """The command failed."""


class Ran(NamedTuple):
    """What a command took."""

    seconds: float
    megabytes: float
    """The most that it held at a time."""
    out: Path
    """What it printed."""


def run(out: Path, *arguments: str) -> Ran:
    """Run a command of `leaderboard` to its end. Raises CommandFailed."""
    began = time.monotonic()
    argv = [sys.executable, "-m", "leaderboard", *arguments]
    with out.open("wb") as printed:
        process = subprocess.Popen(argv, stdout=printed, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode(errors="replace")
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise CommandFailed(f"leaderboard {' '.join(arguments)}: {said}")
    return Ran(time.monotonic() - began, used.ru_maxrss / 1024, out)
