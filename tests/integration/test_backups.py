"""What a backup is worth: the log put back from a copy, tables put back from a dump, older than what they go with."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from leaderboard.local.postgres import environment, program
from leaderboard.local.servers import local_servers
from tests.e2e.test_thread import get, name, submit
from tests.integration.test_log_safety import scores
from tests.integration.test_stopping import projector_health
from tests.servers import Servers
from tests.stack import READY_WITHIN, System, answers, eventually, present
from tests.tables import select


@dataclass
class Backed:
    """A system on servers of its own, whose files can be copied; it may be started again and again."""

    system: System
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "kafka"

    async def start(self) -> None:
        """Start our processes, and wait until all is well."""
        await self.start_unwell()
        await asyncio.to_thread(self.system.await_ready)

    async def start_unwell(self) -> None:
        """Start our processes, and wait until they answer."""
        self.system.start("projector")
        url = self.system.serve("front")
        await asyncio.to_thread(eventually, lambda: answers(f"{url}/openapi.json"), READY_WITHIN, "the front")

    async def stop(self) -> None:
        await asyncio.to_thread(self.system.stop)

    async def copy_log(self) -> Path:
        """A copy of Kafka's folder, made while the broker is stopped."""
        copy = self.folder / f"copy-{name()}"
        kafka = present(self.system.servers.kafka)
        await asyncio.to_thread(kafka.stop)
        await asyncio.to_thread(shutil.copytree, self.log, copy)
        await asyncio.to_thread(kafka.start)
        return copy

    async def put_log_back(self, copy: Path) -> None:
        """Everything that Kafka has is lost, and the copy takes its place."""
        kafka = present(self.system.servers.kafka)
        await asyncio.to_thread(kafka.stop)
        kafka.wipe()
        await asyncio.to_thread(shutil.copytree, copy, self.log)
        await asyncio.to_thread(kafka.start)

    async def dump(self) -> Path:
        """A dump of the tables, made while they are written to."""
        file = self.folder / f"{name()}.dump"
        await self.postgres("pg_dump", "--format=custom", f"--schema={self.system.prefix}v1", f"--file={file}")
        return file

    async def put_tables_back(self, dump: Path) -> None:
        """The tables are lost, and the dump takes their place."""
        await self.lose_tables()
        await self.postgres("pg_restore", "--exit-on-error", str(dump))

    async def lose_tables(self) -> None:
        await self.postgres("psql", "--quiet", "--command", f'drop schema "{self.system.prefix}v1" cascade')

    async def postgres(self, command: str, *arguments: str) -> None:
        """Run a program of Postgres on the system's database."""
        argv = [str(program(command)), f"--dbname={present(self.system.servers.postgres).url}", *arguments]
        done = await asyncio.to_thread(subprocess.run, argv, env=environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    async def equals_its_log(self) -> None:
        verified = await asyncio.to_thread(self.system.run, "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr

    async def score(self, player: str) -> int | None:
        status, rank = await get(self.system, f"/api/leaderboard/rank/{player}")
        return rank["score"] if status == 200 else None


@pytest.fixture
def backed(workspace: Path, logs: Path) -> Iterator[Backed]:
    """On local servers, also where those of other tests are containers: their folders are copied."""
    folder = workspace / name()
    with local_servers(folder, say=print) as local:
        system = System(Servers(local.kafka, local.postgres, local.redis), logs)
        made = system.run("init")
        assert made.returncode == 0, made.stderr
        try:
            yield Backed(system, folder)
        finally:
            system.stop()
            system.show_logs()


async def test_a_log_put_back_as_it_was_goes_on(backed: Backed) -> None:
    await backed.start()
    ann = name()
    await submit(backed.system, ann, 7)
    await scores(backed.system, 20)
    await backed.stop()
    copy = await backed.copy_log()
    await backed.put_log_back(copy)
    await backed.start()
    assert (await submit(backed.system, ann, 5))[1]["new_total"] == 12
    await backed.equals_its_log()


async def test_a_log_older_than_the_tables_stops_and_what_it_lacks_can_be_read(backed: Backed) -> None:
    await backed.start()
    ann, bob = name(), name()
    await submit(backed.system, ann, 7)
    await backed.stop()
    copy = await backed.copy_log()
    await backed.start()
    await submit(backed.system, bob, 9)
    await scores(backed.system, 40)
    await backed.stop()
    await backed.put_log_back(copy)
    await backed.start_unwell()
    health = await projector_health(backed.system, "down")
    assert all("restore the log, or `leaderboard reset`" in each for each in health["stopped"])
    assert await backed.score(bob) == 9, "reads go on, from tables that know more than the log"
    lost = 'select player_id, score from game_sessions where partition = $1 and "offset" >= $2'
    partition = next(iter(health["stopped"])).split(":")[0].split("/")[1]
    end = int(health["stopped"][0].partition("the log ends at ")[2].partition(",")[0])
    assert await select(backed.system, lost, int(partition), end)
    await backed.stop()
    done = await asyncio.to_thread(backed.system.run, "reset", "--yes")
    assert done.returncode == 0, done.stderr
    await backed.start()
    await backed.equals_its_log()
    assert (await backed.score(ann), await backed.score(bob)) == (7, None)


async def test_tables_of_an_older_dump_go_on_from_where_it_was_made(backed: Backed) -> None:
    await backed.start()
    ann = name()
    await submit(backed.system, ann, 7)
    await scores(backed.system, 20)
    dump = await backed.dump()
    await submit(backed.system, ann, 5)
    await scores(backed.system, 20)
    await backed.stop()
    await backed.put_tables_back(dump)
    began = time.monotonic()
    await backed.start()
    print(f"whole again {time.monotonic() - began:.1f} s after the start")
    assert (await submit(backed.system, ann, 3))[1]["new_total"] == 15
    await backed.equals_its_log()


async def test_lost_tables_are_rebuilt_before_a_projector_comes_up(backed: Backed) -> None:
    """Which is several times faster than a projector folds them."""
    await backed.start()
    ann = name()
    await submit(backed.system, ann, 7)
    await scores(backed.system, 40)
    await backed.stop()
    await backed.lose_tables()
    made, rebuilt = [await asyncio.to_thread(backed.system.run, command) for command in ("init", "rebuild")]
    assert (made.returncode, rebuilt.returncode) == (0, 0), made.stderr + rebuilt.stderr
    assert "there is nothing to compare with" in rebuilt.stdout
    kept = await select(backed.system, "select player_id, score from game_sessions where player_id = $1", ann)
    assert kept == [(ann, 7)]
    await backed.start()
    assert (await submit(backed.system, ann, 5))[1]["new_total"] == 12
    await backed.equals_its_log()
