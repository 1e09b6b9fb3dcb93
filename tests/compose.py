"""The system as the compose files run it: brought up under a name of its own, looked at, hurt and removed."""

import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leaderboard.local.ports import kept_or_free
from tests.stack import ROOT

FOLDER = ROOT / "compose"
PRODUCTION = ("compose.yaml",)
CLUSTER = (*PRODUCTION, "compose.cluster.yaml")
DEVELOPMENT = (*PRODUCTION, "compose.dev.yaml")
OBSERVED = (*PRODUCTION, "compose.observability.yaml")
SMALL = {
    "KAFKA_HEAP": "-Xms128m -Xmx256m",
    "KAFKA_MEMORY": "768m",
    "POSTGRES_BUFFERS": "64MB",
    "POSTGRES_MEMORY": "512m",
}
"""For a machine that runs all of a cluster."""
READY_WITHIN = 600
"""Seconds until everything is healthy, on a machine that is busy."""


def has_compose() -> bool:
    """Whether `docker compose` is installed."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


@dataclass(frozen=True)
class Container:
    """A container of a service."""

    id: str
    service: str
    state: str
    health: str
    code: int


@dataclass(frozen=True)
class Compose:
    """Compose files under a project name."""

    files: Sequence[str]
    secrets: Path
    """The folder that make-secrets has filled."""
    settings: dict[str, str] = field(default_factory=dict)
    project: str = field(default_factory=lambda: f"lb{secrets.token_hex(3)}")
    port: int = field(default_factory=lambda: kept_or_free(0, set()))

    @property
    def url(self) -> str:
        """Where nginx answers, with a certificate that is in `certificate`."""
        return f"https://localhost:{self.port}"

    @property
    def certificate(self) -> Path:
        return self.secrets / "tls_certificate"

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "COMPOSE_PROJECT_NAME": self.project,
            "SECRETS": str(self.secrets),
            "HTTP_PORT": "127.0.0.1:0",
            "HTTPS_PORT": f"127.0.0.1:{self.port}",
        }
        return {**os.environ, **SMALL, **own, **self.settings}

    def run(self, *arguments: str, within: float = 60, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command of `docker compose`, to its end."""
        files = [part for file in self.files for part in ("-f", str(FOLDER / file))]
        argv = ["docker", "compose", *files, *arguments]
        done = subprocess.run(argv, env=self.environment, capture_output=True, text=True, timeout=within, check=False)
        assert done.returncode == 0 or not check, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done

    def up(self, *services: str) -> None:
        """Build, start and wait until all is healthy."""
        wait = ["--detach", "--build", "--wait", "--wait-timeout", str(READY_WITHIN)]
        self.run("up", *wait, *services, within=READY_WITHIN * 2)

    def down(self) -> None:
        """Remove everything, with what is stored."""
        self.run("down", "--volumes", "--timeout", "20", within=300)

    def containers(self, *services: str) -> list[Container]:
        """Those there are, also such as have ended."""
        lines = self.run("ps", "--all", "--no-trunc", "--format", "json", *services).stdout.splitlines()
        found: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [Container(*(each[key] for key in ("ID", "Service", "State", "Health", "ExitCode"))) for each in found]

    def leaderboard(self, *arguments: str, within: float = 300) -> subprocess.CompletedProcess[str]:
        """A command of ours, in a container that has the addresses and the secrets."""
        argv = ["exec", "--no-TTY", "command-api", "leaderboard", *arguments]
        return self.run(*argv, within=within, check=False)


def crash(container: str) -> None:
    """SIGKILL from outside, which is no stop that was asked for: the engine starts the container again."""
    argv = ["docker", "inspect", "--format", "{{.State.Pid}}", container]
    pid = int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    os.kill(pid, signal.SIGKILL)


def make_secrets(folder: Path) -> Path:
    """A folder of secrets, as an operator makes it."""
    subprocess.run([FOLDER / "make-secrets", folder], capture_output=True, check=True)
    return folder


@contextmanager
def composed(files: Sequence[str], folder: Path, *services: str, **settings: str) -> Iterator[Compose]:
    """The system, healthy; removed at the end."""
    compose = Compose(files, make_secrets(folder), settings)
    try:
        compose.up(*services)
        yield compose
    except BaseException:
        print(compose.run("logs", "--tail", "25", check=False).stdout)
        raise
    finally:
        compose.down()
