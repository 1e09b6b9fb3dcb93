"""Load generators of our own, each in a process of its own, which prints a load as a line of JSON."""

import subprocess
import sys

from pydantic import TypeAdapter

from bench.errors import BenchFailed
from bench.load import Load

LOAD: TypeAdapter[Load] = TypeAdapter(Load)
PATIENCE = 90
"""Seconds beyond its run: to start, and to wait for answers."""


def generate(module: str, seconds: float, **options: str | int | float) -> Load:
    """The load of `python -m bench.<module>` with these options. Raises BenchFailed."""
    return LOAD.validate_json(told(module, seconds, **options))


def told(module: str, seconds: float, **options: str | int | float) -> bytes:
    """The last line that it prints. Raises BenchFailed."""
    given = [f"--{name}={value}" for name, value in {"seconds": seconds, **options}.items()]
    argv = [sys.executable, "-m", f"bench.{module}", *given]
    try:
        ended = subprocess.run(argv, capture_output=True, timeout=seconds + PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise BenchFailed(f"{module} did not end within {PATIENCE} s of its time") from error
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip()[-500:]
        raise BenchFailed(f"{module} ended with {ended.returncode}: {said}")
    return ended.stdout.splitlines()[-1]
