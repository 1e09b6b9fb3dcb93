"""Building the web app, only when its sources have changed."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from leaderboard.local.errors import LocalServerError
from leaderboard.local.node import Node, find_node
from leaderboard.web import BUILT, INDEX

SOURCES = BUILT.parent
NOT_SOURCES = {"node_modules", "dist"}
STAMP = "built-from"
"""In the folder with what was built: the digest of the sources."""
INSTALLED = SOURCES / "node_modules" / ".installed-from"
WITHIN = 900
"""Seconds for the packages, and again for the build."""


def build(say: Callable[[str], None]) -> None:
    """Make sure that what is built is of the present sources. Raises LocalServerError."""
    wanted = digest_of(SOURCES)
    stamp = BUILT / STAMP
    if (BUILT / INDEX).exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    _npm(say, install(say), "run", "build")
    stamp.write_text(wanted)


def install(say: Callable[[str], None]) -> Node:
    """Make sure of the packages of the lock file. Raises LocalServerError."""
    node = find_node(say)
    wanted = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    if not INSTALLED.exists() or INSTALLED.read_text() != wanted:
        _npm(say, node, "ci", "--no-audit", "--no-fund")
        INSTALLED.write_text(wanted)
    return node


def digest_of(folder: Path) -> str:
    """SHA-256 over the names and contents of the sources below a folder."""
    digest = hashlib.sha256()
    for file in _sources(folder):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    for each in sorted(folder.iterdir()):
        if each.is_dir() and each.name not in NOT_SOURCES:
            yield from _sources(each)
        elif each.is_file():
            yield each


def _npm(say: Callable[[str], None], node: Node, *arguments: str) -> None:
    """Run npm and show what it says; the programs that it runs are scripts, which look for node themselves."""
    say(f"web: npm {' '.join(arguments)}")
    path = f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        done = subprocess.run(
            [*node.npm, *arguments], cwd=SOURCES, env={**os.environ, "PATH": path}, timeout=WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalServerError(f"web: npm {' '.join(arguments)} did not end well: {error}") from error
    if done.returncode != 0:
        raise LocalServerError(
            f"web: npm {' '.join(arguments)} ended with code {done.returncode}; the lines above say why"
        )


def check(say: Callable[[str], None]) -> None:
    """Lint, types, tests, and whether the API client is of the present document. Raises LocalServerError."""
    _npm(say, install(say), "run", "check")


def main(arguments: Sequence[str]) -> int:
    """For scripts: build, or with `check` check, the app; 1 with a line that says why where that did not go well."""
    work = check if arguments == ["check"] else build
    try:
        work(lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201 - the terminal is its reader
    except (LocalServerError, OSError) as error:
        print(f"the web app: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
