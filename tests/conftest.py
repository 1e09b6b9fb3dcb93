"""Fixtures: real servers once a session, systems of our processes on them."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers import Servers, contained, open_servers
from tests.stack import System, running

settings.register_profile("leaderboard", deadline=None)  # a test is no benchmark: a busy machine must not fail it
settings.load_profile("leaderboard")


# A shell's background job ignores Ctrl-C, and what is started here would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """Which servers the tests run on."""
    return f"servers: {'containers' if contained() else 'started by leaderboard/local'}"


@pytest.fixture(scope="session")
def workspace() -> Iterator[Path]:
    """A folder that the unprivileged account of Postgres can reach; pytest's own cannot be."""
    folder = Path(tempfile.mkdtemp(prefix="leaderboard-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(workspace: Path) -> Iterator[Servers]:
    """Real Kafka, Postgres and Redis for the whole session."""
    with open_servers(workspace / "servers") as started:
        yield started


@pytest.fixture(scope="session")
def logs(workspace: Path) -> Path:
    """Where our processes' logs go."""
    folder = workspace / "logs"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    """One front process and one projector."""
    with running(servers, logs) as started:
        yield started


@pytest.fixture(scope="module", params=["front", "split"])
def either(request: pytest.FixtureRequest, servers: Servers, logs: Path) -> Iterator[System]:
    """The system as one front process, and as services apart."""
    with running(servers, logs, split=request.param == "split") as started:
        yield started
