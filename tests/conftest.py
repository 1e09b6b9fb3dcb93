"""Fixtures: real servers once a session, systems of our processes on them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from leaderboard.local.servers import LocalServers, local_servers
from tests.stack import System, running


@pytest.fixture(scope="session")
def workspace() -> Iterator[Path]:
    """A folder that the unprivileged account of Postgres can reach; pytest's own cannot be."""
    folder = Path(tempfile.mkdtemp(prefix="leaderboard-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(workspace: Path) -> Iterator[LocalServers]:
    """Real Kafka, Postgres and Redis for the whole session."""
    with local_servers(workspace / "servers", say=print) as started:
        yield started


@pytest.fixture(scope="session")
def logs(workspace: Path) -> Path:
    """Where our processes' logs go."""
    folder = workspace / "logs"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def system(servers: LocalServers, logs: Path) -> Iterator[System]:
    """One front process and one projector."""
    with running(servers, logs) as started:
        yield started


@pytest.fixture(scope="module", params=["front", "split"])
def either(request: pytest.FixtureRequest, servers: LocalServers, logs: Path) -> Iterator[System]:
    """The system as one front process, and as services apart."""
    with running(servers, logs, split=request.param == "split") as started:
        yield started
