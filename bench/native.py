"""The parts of the bench that are in C, compiled when they are needed."""

import shutil
import subprocess
from importlib import resources
from pathlib import Path

from bench.errors import BenchFailed

COMPILE_WITHIN = 60


class NoCompiler(BenchFailed):
    """The C parts cannot be built; the message says how to go on."""


def built(name: str, folder: Path) -> Path:
    """The program of `bench/<name>.c`, compiled into a folder. Raises NoCompiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NoCompiler("cc, a C compiler, is not on the PATH: apt-get install gcc libc6-dev")
    program = folder / name
    with resources.as_file(resources.files("bench") / f"{name}.c") as source:
        argv = [compiler, "-O2", "-o", str(program), str(source)]
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=COMPILE_WITHIN, check=False)
    if ended.returncode:
        raise NoCompiler(f"{name}.c was not compiled: {ended.stderr.strip()[-500:]}")
    return program
