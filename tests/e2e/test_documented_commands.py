"""Every command of the documents is run as it stands, against a running system."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import documents, shell_blocks
from tests.servers import Servers
from tests.stack import ROOT, System, running

KEY = "a-key-for-the-documents"
WITHIN = 120.0
ORIGIN = re.compile(r"(?:localhost|127\.0\.0\.1):8080")
WRITTEN = [
    pytest.param(document, block.line, block.text, id=f"{document.relative_to(ROOT)}:{block.line}")
    for document in documents(ROOT)
    for block in shell_blocks(document.read_text())
    if block.reason is None
]
STRICT_CURL = """#!/bin/sh
exec {curl} --fail-with-body --max-time 30 "$@"
"""
"""A reader would see the problem that an answer states; a script has to be told."""


@pytest.fixture(scope="module")
def documented(servers: Servers, logs: Path) -> Iterator[System]:
    """A system with an admin key."""
    with running(servers, logs, LEADERBOARD_ADMIN_KEY=KEY) as system:
        yield system


@pytest.fixture(scope="module")
def tools(workspace: Path) -> Path:
    """A folder for the head of PATH."""
    folder = workspace / "tools"
    folder.mkdir()
    found = subprocess.run(["sh", "-c", "command -v curl"], capture_output=True, text=True, check=True)
    (folder / "curl").write_text(STRICT_CURL.format(curl=found.stdout.strip()))
    (folder / "curl").chmod(0o755)
    return folder


@pytest.mark.parametrize(("document", "line", "text"), WRITTEN)
def test_a_block_runs_as_it_is_written(
    documented: System, tools: Path, tmp_path: Path, document: Path, line: int, text: str
) -> None:
    origin = documented.url("front").removeprefix("http://")
    env = {
        **documented.environment,
        "LEADERBOARD_URL": f"http://{origin}",
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(tmp_path),
    }
    argv = ["bash", "-euo", "pipefail", "-c", ORIGIN.sub(origin, text)]
    ran = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=WITHIN, check=False)
    assert ran.returncode == 0, f"{document.name}, line {line}\n{ran.stdout}\n{ran.stderr}"
