"""The system that is measured: started on servers of its own, or one that runs already."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench.processes import Family, listener, projectors
from leaderboard.local.child import Child, Launch, last_lines
from leaderboard.local.errors import failure
from leaderboard.local.guard import Guard
from leaderboard.local.ports import kept_or_free
from leaderboard.local.servers import ALL, local_servers
from leaderboard.running import addresses
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings, RedisSettings

READY_WITHIN = 60.0
STOP_WITHIN = 10.0


@dataclass(frozen=True)
class System:
    """Where a system answers, and its servers."""

    url: str
    kafka: KafkaSettings
    postgres: PostgresSettings
    redis: RedisSettings
    naming: NamingSettings

    def servers(self) -> dict[str, Family]:
        """The processes of the servers that run on this machine."""
        urls = {
            "kafka": self.kafka.bootstrap,
            "postgres": self.postgres.postgres.get_secret_value(),
            "redis": self.redis.redis.get_secret_value(),
        }
        return {name: listener(url) for name, url in urls.items()}

    def families(self) -> dict[str, Family]:
        """All processes that run on this machine."""
        own = {"front": listener(self.url), "projector": projectors(self.redis.redis.get_secret_value())}
        return {**own, **self.servers()}


@contextmanager
def started(say: Callable[[str], None]) -> Iterator[System]:
    """A whole new system on servers of its own, as `leaderboard up` runs it. Raises LocalServerError."""
    with own_folder() as data, served(data, ALL, say) as system:
        yield system


@contextmanager
def own_folder() -> Iterator[Path]:
    """For servers; it is gone afterwards."""
    data = Path(tempfile.mkdtemp(prefix="leaderboard-bench-"))
    data.chmod(0o711)  # for the account that Postgres runs as
    try:
        yield data
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextmanager
def served(data: Path, parts: frozenset[str], say: Callable[[str], None]) -> Iterator[System]:
    """`leaderboard up` on these servers, which are started in the folder, and on those of the environment.

    Yielded as soon as it answers; it may have to catch up with its log. Raises LocalServerError.
    """
    with local_servers(data, parts=parts, say=say) as servers:
        os.environ |= addresses(servers)
        port = kept_or_free(0, set())
        argv = ["-m", "leaderboard", "up", "--port", str(port), "--data", str(data / "up")]
        with child("up", argv, data, servers.guard) as up:
            system = running(f"http://127.0.0.1:{port}")
            await_answer(up, f"{system.url}/openapi.json", data)
            yield system


def running(url: str) -> System:
    """A system that runs already, its servers from the environment. Raises ValidationError."""
    return System(url.rstrip("/"), KafkaSettings(), PostgresSettings(), RedisSettings(), NamingSettings())


@contextmanager
def child(
    name: str, argv: Sequence[str], folder: Path, guard: Guard, env: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """A Python process of ours that ends with us; its output goes to a file in the folder."""
    launch = Launch([sys.executable, *argv], Path.cwd(), {**os.environ, **(env or {})})
    process = Child(name, launch, folder / f"{name}.out", guard)
    try:
        yield process
    finally:
        process.stop(STOP_WITHIN)


def await_answer(process: Child, url: str, folder: Path) -> None:
    """Wait until an URL of this process answers with success. Raises LocalServerError with the end of its log."""
    deadline = time.monotonic() + READY_WITHIN
    while not _answers(url):
        if not process.running() or time.monotonic() > deadline:
            what = "did not answer in time" if process.running() else f"ended with exit code {process.exit_code}"
            log = folder / f"{process.name}.out"
            raise failure(f"{process.name} {what}; its log ends with", last_lines(log))
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):  # noqa: S310 - our own, or the one that was given
            return True
    except (URLError, OSError):
        return False
