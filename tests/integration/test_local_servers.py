"""Real Kafka, Postgres and Redis as child processes: start, keep, stop, crash."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis import Redis

from leaderboard.local.account import Account, identity, unprivileged_account
from leaderboard.local.errors import LocalServerError
from leaderboard.local.server import Server
from leaderboard.local.servers import LocalServers, local_servers

ROOT = Path(__file__).parents[2]
STORES = frozenset({"postgres", "redis"})  # without Kafka, which starts ten times slower
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

RUN = """
import json, sys, time
from pathlib import Path
from leaderboard.local.servers import local_servers
with local_servers(Path(sys.argv[1]), parts=frozenset(sys.argv[2:]), say=lambda line: None) as servers:
    started = [server for server in (servers.kafka, servers.postgres, servers.redis) if server]
    print(json.dumps({server.name: [server.pid, server.url] for server in started}), flush=True)
    time.sleep(60)
"""


def hear_nothing(line: str) -> None: ...


@pytest.fixture(scope="module")
def enterable() -> Iterator[Path]:
    """A folder that the unprivileged account of Postgres can enter, as pytest's own are shut to it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def servers(enterable: Path) -> Iterator[LocalServers]:
    """All three, in a folder whose path has spaces, a comma and letters beyond ASCII and is longer than a socket's."""
    data = enterable / ("a folder, räumlich " + "long " * 25) / "data"
    assert len(str(data)) > 120
    with local_servers(data, say=hear_nothing) as running:
        yield running


def the(server: Server | None) -> Server:
    assert server is not None
    return server


def began(python: Path | str, data: Path, *parts: str, account: Account | None = None) -> subprocess.Popen[str]:
    """A run in a process of its own, which a test may kill."""
    path = os.pathsep.join([str(ROOT), *(entry for entry in sys.path if entry.endswith("site-packages"))])
    return subprocess.Popen(
        [python, "-c", RUN, data, *parts],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(Path.home()), "PYTHONPATH": path},
        cwd="/",
        **identity(account),
    )


def reported(run: subprocess.Popen[str]) -> dict[str, tuple[int, str]]:
    """The process and address of each server, once all are ready."""
    assert run.stdout is not None
    line = run.stdout.readline()
    assert line, run.communicate()[1]
    return {name: (pid, url) for name, (pid, url) in json.loads(line).items()}


async def append(kafka: str, value: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        await producer.send_and_wait("kept", value, partition=0)


async def first_record(kafka: str) -> bytes | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest")
    consumer.assign([TopicPartition("kept", 0)])
    async with consumer:
        value: bytes | None = (await consumer.getone()).value
    return value


async def query(postgres: str, sql: str) -> object:
    connection = await asyncpg.connect(postgres)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_what_was_stored_survives_a_crash_of_all_three(servers: LocalServers) -> None:
    """Kafka may lose what it has not flushed when the machine dies, not when only the process does."""
    kafka, postgres, redis = the(servers.kafka), the(servers.postgres), the(servers.redis)
    await append(kafka.url, b"record")
    await query(postgres.url, "CREATE TABLE kept AS SELECT 'Ünïcode' AS word")
    with Redis.from_url(redis.url) as client:
        client.set("kept", "key")  # the kernel has it, though it is flushed to the disk each second only
    for server in (kafka, postgres, redis):
        server.kill()
        assert not server.running()
        server.start()
    assert await first_record(kafka.url) == b"record"
    assert await query(postgres.url, "SELECT lower(word) FROM kept") == "ünïcode"
    with Redis.from_url(redis.url) as client:
        assert client.get("kept") == b"key"


async def test_postgres_restarts_at_once_though_sessions_were_busy(servers: LocalServers) -> None:
    """Orphaned backends would hold its shared memory, and the next start would be refused."""
    postgres = the(servers.postgres)
    connection = await asyncpg.connect(postgres.url)
    busy = connection.fetchval("SELECT count(*) FROM generate_series(1, 1000000000)")
    postgres.kill()
    with pytest.raises((asyncpg.PostgresConnectionError, ConnectionError)):
        await busy
    postgres.start()
    assert await query(postgres.url, "SELECT 1") == 1


def test_redis_comes_back_empty_after_its_data_is_wiped(servers: LocalServers) -> None:
    redis = the(servers.redis)
    with Redis.from_url(redis.url) as client:
        client.set("gone", "soon")
    redis.stop()
    redis.wipe()
    redis.start()
    with Redis.from_url(redis.url) as client:
        assert client.dbsize() == 0


def test_kafka_stops_and_starts_within_bounds(servers: LocalServers) -> None:
    kafka = the(servers.kafka)
    began_at = time.monotonic()
    kafka.stop()
    stopped_at = time.monotonic()
    kafka.start()
    assert stopped_at - began_at < 10
    assert time.monotonic() - stopped_at < 20  # 2.3 s on two idle cores


def test_a_data_directory_serves_one_run_at_a_time(enterable: Path) -> None:
    data = enterable / "shared"
    with local_servers(data, parts=frozenset(), say=hear_nothing):
        run = began(sys.executable, data)
        _out, error = run.communicate(timeout=20)
    assert f"{data} is in use by another run (process {os.getpid()})" in error


def test_a_port_in_use_is_named_with_what_to_do(enterable: Path) -> None:
    with local_servers(enterable / "one", parts=frozenset({"redis"}), say=hear_nothing) as first:
        port = the(first.redis).port
        second = local_servers(enterable / "two", redis_port=port, parts=frozenset({"redis"}), say=hear_nothing)
        with pytest.raises(LocalServerError, match=f"port {port} for redis is in use: .* LEADERBOARD_REDIS"), second:
            pass


def test_the_ports_of_the_last_run_are_used_again(enterable: Path) -> None:
    urls = []
    for _run in range(2):
        with local_servers(enterable / "again", parts=STORES, say=hear_nothing) as running:
            urls.append((the(running.postgres).url, the(running.redis).url))
    assert urls[0] == urls[1]


async def test_nothing_survives_a_killed_parent_and_the_next_run_finds_all_it_stored(enterable: Path) -> None:
    """`kill -9` of the run: its servers are gone within 10 s, and a run started at once waits for that."""
    data = enterable / "killed"
    first = began(sys.executable, data, "kafka", "postgres", "redis")
    was = reported(first)
    await append(was["kafka"][1], b"before")
    await query(was["postgres"][1], "CREATE TABLE kept AS SELECT 1 AS one")
    first.kill()
    first.communicate()
    killed_at = time.monotonic()
    with local_servers(data, say=hear_nothing) as running:
        assert not [pid for pid, _url in was.values() if psutil.pid_exists(pid)]
        assert time.monotonic() - killed_at < 20  # at most 10 s for the end of the first, then a usual start
        assert await first_record(the(running.kafka).url) == b"before"
        assert await query(the(running.postgres).url, "SELECT one FROM kept") == 1


def test_ctrl_c_stops_the_servers_before_the_parent_ends(enterable: Path) -> None:
    run = began(sys.executable, enterable / "interrupted", "redis", "postgres")
    was = reported(run)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=10)
    assert not [pid for pid, _url in was.values() if psutil.pid_exists(pid)]


def test_a_server_that_cannot_start_shows_the_end_of_its_log(enterable: Path) -> None:
    data = enterable / "broken"
    (data / "redis").mkdir(parents=True)
    (data / "redis" / "appendonly.aof").write_text("not a log of commands\n")
    broken = local_servers(data, parts=STORES, say=hear_nothing)
    with pytest.raises(LocalServerError, match=r"(?s)redis ended at its start .*Bad file format"), broken:
        pass


@as_root
def test_a_folder_shut_to_the_account_of_postgres_is_named(enterable: Path) -> None:
    shut = enterable / "shut"
    shut.mkdir(mode=0o700)
    hidden = local_servers(shut / "data", parts=frozenset({"postgres"}), say=hear_nothing)
    with pytest.raises(LocalServerError, match=f"'nobody' cannot enter {shut}: choose another --data"), hidden:
        pass


@pytest.fixture
def shared_python() -> str:
    """An interpreter that every account can run and that fits our packages; the one of this run may be root's own."""
    python = "/usr/bin/python3"
    show = "import sys; print('%d.%d' % sys.version_info[:2], end='')"
    if not Path(python).exists() or subprocess.check_output([python, "-c", show], text=True) != sys.version[:4]:
        pytest.skip("no Python of this version outside root's home")
    return python


@as_root
async def test_postgres_and_redis_run_for_a_user_who_is_not_root(enterable: Path, shared_python: str) -> None:
    nobody = unprivileged_account()
    assert nobody is not None
    home = enterable / "home of nobody"
    home.mkdir()
    os.chown(home, nobody.uid, nobody.gid)
    run = began(shared_python, home / "data", "postgres", "redis", account=nobody)
    was = reported(run)
    assert psutil.Process(was["redis"][0]).username() == nobody.name
    assert await query(was["postgres"][1], "SELECT 1") == 1
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=10)
