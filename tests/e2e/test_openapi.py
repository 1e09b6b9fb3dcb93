"""The OpenAPI document against the running system: schemathesis makes requests from it, and checks the answers."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_boards import KEY
from tests.servers import Servers
from tests.stack import System, running

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
"""Not among them: that whatever the document admits is accepted, for a board has to exist and a key to be new."""


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs, LEADERBOARD_ADMIN_KEY=KEY) as started:
        yield started


def test_every_answer_is_one_that_the_document_describes(system: System, tmp_path: Path) -> None:
    url = system.queries
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{url}/openapi.json"),
        *("--checks", ",".join(CHECKS), "--header", f"Authorization: Bearer {KEY}"),
        *("--max-examples", "20", "--workers", "1", "--seed", "1", "--generation-database", ":memory:"),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
    print(ran.stdout[-8_000:])
    assert "Test cases:" in ran.stdout, ran.stderr
    assert ran.returncode == 0
