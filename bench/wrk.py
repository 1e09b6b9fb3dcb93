"""wrk, the closed-loop generator: a Lua script made for the workload, and one line that it prints at its end.

Its percentiles are corrected for coordinated omission the way wrk 4 does it: an answer that took longer than the mean
time between the requests of a connection counts for those that it held up.
"""

import resource
import shutil
import subprocess
import tempfile
from importlib import resources as files_of
from pathlib import Path

import orjson

from bench.errors import BenchFailed
from bench.load import Load
from bench.workloads import BATCH, Kind, Workload

MARK = "BENCH "
PATIENCE = 30
"""Seconds beyond its run that wrk may take."""
ANSWER_WITHIN = 10
"""Seconds an answer may take, else it is a `socket timeout`."""


class NoWrk(BenchFailed):
    """wrk is not installed, or did not do what it should; the message says how to go on."""


def require_wrk() -> str:
    """The path of wrk. Raises NoWrk."""
    found = shutil.which("wrk")
    if found is None:
        raise NoWrk("wrk, the load generator, is not on the PATH: apt-get install wrk")
    return found


def script(kind: Kind, players: int, seed: int) -> str:
    """The Lua script: random, but the same for every run of the same seed."""
    batched = kind in ("batch", "batch-appended")
    prefer = "respond-async" if kind == "batch-appended" else "wait"
    head = f"players, batch, prefer = {players}, {BATCH}, '{prefer}'\nmath.randomseed({seed})\n"
    files = files_of.files("bench")
    parts = ("report.lua", "batch.lua" if batched else f"{kind}.lua")
    return "\n".join([head, *(files.joinpath(name).read_text() for name in parts)])


def run_wrk(url: str, workload: Workload, players: int, seconds: float, seed: int) -> Load:
    """Load a system for some seconds. Raises NoWrk."""
    with tempfile.TemporaryDirectory() as folder:
        lua = Path(folder, "workload.lua")
        lua.write_text(script(workload.kind, players, seed))
        arguments = ["-t1", f"-c{workload.connections}", f"-d{max(1, round(seconds))}s", f"--timeout={ANSWER_WITHIN}s"]
        before = _children()
        try:
            ended = subprocess.run(
                [require_wrk(), *arguments, "--latency", "-s", str(lua), url],
                capture_output=True, text=True, timeout=seconds + PATIENCE, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise NoWrk(f"wrk did not end within {PATIENCE} s of its time") from error
    if ended.returncode or MARK not in ended.stdout:
        raise NoWrk(f"wrk ended with {ended.returncode}: {(ended.stderr or ended.stdout).strip()[-500:]}")
    return parse(ended.stdout, workload.kind, _children() - before)


def parse(output: str, kind: Kind, cpu: float) -> Load:
    """What wrk's line says: the good answers, and what was none."""
    line = next(line for line in output.splitlines() if line.startswith(MARK))
    said = orjson.loads(line.removeprefix(MARK))
    counts = {name: number for name, number in said["counts"].items() if number}
    if any(name.startswith("status ") and name != "status 400 and above" for name in counts):
        counts.pop("status 400 and above", None)  # they are named one by one
    if kind in ("batch", "batch-appended"):
        good = counts.pop("score applied", 0)
        good += counts.pop("score accepted", 0) if kind == "batch-appended" else 0
    else:
        good = said["requests"] - sum(number for name, number in counts.items() if name.startswith("status "))
    p50, p90, p99, p999, worst = (said[name] for name in ("p50", "p90", "p99", "p999", "worst"))
    return Load(good, said["seconds"], p50, p90, p99, p999, worst, cpu, counts)


def _children() -> float:
    """Seconds of CPU of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
