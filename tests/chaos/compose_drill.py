"""`python -m tests.chaos.compose_drill`: the compose files on this machine's engine, hurt and renewed under load."""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.journal import read_journal
from tests.chaos.ledger import Try, longest_gap
from tests.compose import CLUSTER, FOLDER, PRODUCTION, Compose, crash, make_secrets
from tests.stack import ROOT

if TYPE_CHECKING:
    from tests.chaos.load import Load

VICTIMS = {
    "production": ("kafka", "command-api", "projector", "redis", "postgres"),
    "cluster": ("kafka-2", "command-api", "projector", "redis", "query-api", "notifier", "postgres-replica"),
}
DONE_BY = {"init", "redis-cluster"}
"""Services that have ended when all is well."""
BEFORE, AFTER = 5.0, 5.0
"""Seconds of load before a fault, and after it has healed."""
HEALED_WITHIN = 180.0
LOOK_AGAIN = 0.5
KEYLESS = 20.0
"""Submissions a second without an Idempotency-Key, each sent once."""
COUNTED = 'copy (select player_id, event_id from "v1".game_sessions) to stdout'


@dataclass(frozen=True, slots=True)
class Figures:
    """What clients met in a phase."""

    what: str
    seconds: float
    """Until what was done had its end: every container healthy, or the last one replaced."""
    tries: Sequence[Try]
    gap: float
    """The longest time without an applied submission, seconds."""
    given_up: int
    keyless: Counter[str]
    reads: Counter[str]
    reconnected: int

    def line(self) -> str:
        first = {each.key: each for each in reversed(self.tries)}
        refused = [each for each in first.values() if each.verdict == "unknown"]
        statuses = Counter(str(each.status) for each in self.tries)
        errors = sum(count for status, count in statuses.items() if status.startswith("5"))
        return (
            f"{self.what}: {self.seconds:.1f} s, longest without an applied submission {self.gap:.1f} s; "
            f"{len(first)} submissions, {len(self.tries)} requests {_shown(statuses)}, 5xx {errors}; failed: with "
            f"retry {self.given_up}, without {len(refused)}; without key {_shown(self.keyless)}; reads "
            f"{_shown(self.reads)}; sockets opened again {self.reconnected}"
        )


def _shown(counts: Counter[str]) -> str:
    return ", ".join(f"{count} x {name}" for name, count in sorted(counts.items())) or "none"


@dataclass(slots=True)
class Drill:
    """A run."""

    compose: Compose
    folder: Path
    options: argparse.Namespace
    acknowledged: set[tuple[str, str]]
    phases: int = 0

    async def run(self, say: Callable[[str], None]) -> bool:
        """All of it; whether nothing was lost and the tables are equal to the log."""
        began = time.monotonic()
        await asyncio.to_thread(self.compose.up)
        say(f"healthy after {time.monotonic() - began:.1f} s: {len(self.compose.containers())} containers")
        say((await asyncio.to_thread(self._seed)).strip())
        for victim in [] if self.options.no_faults else VICTIMS[self.options.file]:
            figures = await self._under_load(f"kill {victim}", self.options.submits, partial(self._hurt, victim))
            say(figures.line())
        for service in self.options.roll.split(",") if self.options.roll else []:
            figures = await self._under_load(f"roll {service}", self.options.rate, partial(self._roll, service))
            say(figures.line())
        lost = await asyncio.to_thread(self._lost)
        say(f"acknowledged with a key {len(self.acknowledged)}, of which not in the tables: {len(lost)} {lost[:3]}")
        verified = await asyncio.to_thread(self._verify)
        say(verified)
        return not lost and "equal" in verified

    @asynccontextmanager
    async def _loaded(self, rate: float) -> AsyncIterator[tuple["Load", Counter[str]]]:
        # Here, not above: it makes its TLS context of SSL_CERT_FILE as it is then.
        from tests.chaos.load import Load, Plan

        self.phases += 1
        folder = self.folder / f"{self.phases}"
        folder.mkdir()
        url, sockets = self.compose.url, self.options.sockets
        live = [url.replace("https", "wss")]
        seed = int(time.time())
        load = Load(
            Plan([url], [url], live, submits=rate, reads=self.options.reads, sockets=sockets, seed=seed), folder
        )
        until, keyless = asyncio.Event(), Counter[str]()
        async with load.watched():
            running = asyncio.gather(load.run(until), _send_keyless(url, keyless, until))
            try:
                yield load, keyless
            finally:
                until.set()
                await running
                load.close()

    async def _under_load(self, what: str, rate: float, do: Callable[[], None]) -> Figures:
        async with self._loaded(rate) as (load, keyless):
            await asyncio.sleep(BEFORE)
            began, at = time.monotonic(), time.time()
            await asyncio.to_thread(do)
            seconds = time.monotonic() - began
            await asyncio.sleep(AFTER)
        tries = read_journal(load.ledger.path, Try)
        self.acknowledged |= {each.submission for each in tries if each.verdict == "acknowledged"}
        told = [json.loads(line)["what"] for line in load.told.path.read_text().splitlines()]
        reconnected = told.count("opened") - self.options.sockets
        gap = longest_gap(tries, at - 1, time.time())
        return Figures(what, seconds, tries, gap, load.tally.given_up, keyless, load.tally.reads, reconnected)

    def _seed(self) -> str:
        argv = [sys.executable, "-m", "leaderboard", "seed", "--url", self.compose.url]
        argv += ["--submissions", str(self.options.submissions)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)
        return done.stderr.splitlines()[-1]

    def _hurt(self, service: str) -> None:
        """Kill a container, and wait until there is nothing that is not healthy."""
        crash(self.compose.containers(service)[0].id)
        time.sleep(1)
        deadline = time.monotonic() + HEALED_WITHIN
        while not self._is_whole():
            assert time.monotonic() < deadline, f"not healed: {self.compose.containers()}"
            time.sleep(LOOK_AGAIN)

    def _is_whole(self) -> bool:
        return all(
            (each.state, each.code) == ("exited", 0) if each.service in DONE_BY else each.health == "healthy"
            for each in self.compose.containers()
        )

    def _roll(self, service: str) -> None:
        files = os.pathsep.join(str(FOLDER / file) for file in self.compose.files)
        argv, env = [str(FOLDER / "roll"), service], {**self.compose.environment, "COMPOSE_FILE": files}
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def _lost(self) -> list[tuple[str, str]]:
        """What was acknowledged and is not in the tables."""
        argv = ["exec", "-T", "postgres", "psql", "-U", "leaderboard", "-qAtc", COUNTED]
        deadline = time.monotonic() + HEALED_WITHIN
        while True:
            lines = self.compose.run(*argv, within=120).stdout.splitlines()
            lost = self.acknowledged - {(player, event) for player, event in (line.split("\t") for line in lines)}
            if not lost or time.monotonic() > deadline:
                return sorted(lost)
            time.sleep(1)

    def _verify(self) -> str:
        verified = self.compose.leaderboard("verify", within=600)
        return " · ".join((verified.stdout or verified.stderr).splitlines()[-6:])


async def _send_keyless(url: str, answered: Counter[str], until: asyncio.Event) -> None:
    """Submit without a key, never a second time."""
    import aiohttp

    async def send(client: aiohttp.ClientSession, number: int) -> None:
        body = {"user_id": f"keyless-{number % 100}", "score": 1}
        try:
            async with client.post(f"{url}/api/leaderboard/submit", json=body) as answer:
                answered[str(answer.status)] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            answered[type(error).__name__] += 1

    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20), connector=aiohttp.TCPConnector(limit=0)) as client,
        asyncio.TaskGroup() as group,
    ):
        number = 0
        while not until.is_set():
            number += 1
            group.create_task(send(client, number))
            await asyncio.sleep(1 / KEYLESS)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.chaos.compose_drill", description=__doc__)
    parser.add_argument("file", choices=sorted(VICTIMS), help="which compose files")
    parser.add_argument("--submissions", type=int, default=20_000, help="before the faults (20000)")
    parser.add_argument("--submits", type=float, default=50.0, help="a second while something is killed (50)")
    parser.add_argument("--rate", type=float, default=500.0, help="submissions a second while services roll (500)")
    parser.add_argument("--reads", type=float, default=10.0, help="reads a second (10)")
    parser.add_argument("--sockets", type=int, default=20, help="open sockets (20)")
    parser.add_argument("--roll", default="projector,command-api,query-api,notifier", help="services, with commas")
    parser.add_argument("--no-faults", action="store_true", help="only roll")
    parser.add_argument("--keep", action="store_true", help="leave it running")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="compose-drill-"))
    compose = Compose(CLUSTER if options.file == "cluster" else PRODUCTION, make_secrets(folder / "secrets"))
    os.environ["SSL_CERT_FILE"] = str(compose.certificate)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what runs is removed, however this ends

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.1f}  {line}", flush=True)

    say(f"{options.file}: project {compose.project}, files in {folder}")
    try:
        return 0 if asyncio.run(Drill(compose, folder, options, set()).run(say)) else 1
    finally:
        (folder / "containers.log").write_text(compose.run("logs", check=False, within=120).stdout)
        if not options.keep:
            compose.down()


if __name__ == "__main__":
    sys.exit(main())
