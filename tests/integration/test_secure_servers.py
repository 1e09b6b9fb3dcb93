"""TLS and passwords to every server: all works through them, and what is set wrong is named where one looks first."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from websockets.asyncio.client import connect

from tests.e2e.test_thread import get, name, submit
from tests.secure import SCRAM, Secure, secure_servers
from tests.stack import System, eventually, running

COMMANDS = [
    ("verify",),
    ("rebuild", "--dry-run"),
    ("log", "tail", "-n", "3"),
    ("init",),
]


@pytest.fixture(scope="module")
def secure(workspace: Path) -> Iterator[Secure]:
    with secure_servers(workspace / "secure") as started:
        yield started


@pytest.fixture
def folder(logs: Path) -> Path:
    """Where the logs of a test go, alone."""
    own = logs / name()
    own.mkdir()
    return own


def require_silence(secure: Secure, folder: Path, *said: str) -> None:
    """No password in any log of ours, nor in what commands said."""
    texts = [*said, *(log.read_text() for log in folder.glob("*.log"))]
    assert texts
    for password in secure.passwords.values():
        assert not any(password in text for text in texts)


@pytest.mark.parametrize("mechanism", ["PLAIN", SCRAM])
async def test_everything_works_through_tls_and_passwords(secure: Secure, folder: Path, mechanism: str) -> None:
    settings = {**secure.settings, "LEADERBOARD_KAFKA_SASL_MECHANISM": mechanism}
    with running(secure.servers, folder, split=True, **settings) as system:
        ann = name()
        async with connect(f"{system.live}/ws/leaderboard/{ann}") as socket:
            assert (await submit(system, ann, 1200))[0] in (200, 202)  # 202 while the projector still comes up
            async with asyncio.timeout(30):
                told = orjson.loads(await socket.recv())
        assert (told["user_id"], told["new_rank"]) == (ann, 1)
        status, rank = await get(system, f"/api/leaderboard/rank/{ann}")
        assert (status, rank["rank"], rank["score"]) == (200, 1, 1200)
        assert (await get(system, "/api/leaderboard/health"))[1]["status"] == "ok"
        said = []
        for command in COMMANDS:
            done = await asyncio.to_thread(system.run, *command)
            said.append(done.stdout + done.stderr)
            assert done.returncode == 0, (command, said[-1])
    require_silence(secure, folder, *said)


def wrong(secure: Secure, case: str) -> dict[str, str]:
    """Settings with one fault in them."""
    right, stranger = dict(secure.settings), str(secure.stranger)
    ours = right["LEADERBOARD_KAFKA_TLS_CA"]
    postgres, redis = right["LEADERBOARD_POSTGRES"], right["LEADERBOARD_REDIS"]
    faults: dict[str, dict[str, str]] = {
        "kafka: authority": {"LEADERBOARD_KAFKA_TLS_CA": stranger},
        "kafka: password": {"LEADERBOARD_KAFKA_PASSWORD": "other"},
        "kafka: no password": {"LEADERBOARD_KAFKA_PASSWORD": ""},
        "kafka: mechanism": {"LEADERBOARD_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"},
        "kafka: no login": {"LEADERBOARD_KAFKA_SECURITY": "SSL"},
        "kafka: no TLS": {"LEADERBOARD_KAFKA_SECURITY": "SASL_PLAINTEXT"},
        "kafka: no file": {"LEADERBOARD_KAFKA_TLS_CA": "/nowhere.pem"},
        "postgres: authority": {"LEADERBOARD_POSTGRES": postgres.replace(ours, stranger)},
        "postgres: password": {"LEADERBOARD_POSTGRES": postgres.replace(secure.passwords["postgres"], "other")},
        "postgres: no password": {
            "LEADERBOARD_POSTGRES": postgres.replace(f":{secure.passwords['postgres']}@", "@", 1)
        },
        "postgres: no TLS": {"LEADERBOARD_POSTGRES": postgres.replace("verify-full", "disable")},
        "postgres: no database": {"LEADERBOARD_POSTGRES": postgres.replace("/leaderboard?", "/other?")},
        "postgres: no URL": {"LEADERBOARD_POSTGRES": postgres.replace(secure.passwords["postgres"], "a/b")},
        "redis: authority": {"LEADERBOARD_REDIS": redis.replace(ours, stranger)},
        "redis: password": {"LEADERBOARD_REDIS": redis.replace(secure.passwords["redis"], "other")},
        "redis: no password": {"LEADERBOARD_REDIS": redis.replace(f":{secure.passwords['redis']}@", "")},
        "redis: no TLS": {"LEADERBOARD_REDIS": redis.replace("rediss://", "redis://").partition("?")[0]},
    }
    return right | faults[case]


CASES = {
    "kafka: authority": "certificate verify failed: unable to get local issuer certificate",
    "kafka: password": "look at LEADERBOARD_KAFKA_USERNAME, LEADERBOARD_KAFKA_PASSWORD",
    "kafka: no password": "LEADERBOARD_KAFKA_PASSWORD is not set: SASL_SSL needs it",
    "kafka: mechanism": "LEADERBOARD_KAFKA_SASL_MECHANISM",
    "kafka: no login": "LEADERBOARD_KAFKA_USERNAME is set, but LEADERBOARD_KAFKA_SECURITY=SSL does not log in",
    "kafka: no TLS": "look at LEADERBOARD_KAFKA, and LEADERBOARD_KAFKA_SECURITY",
    "kafka: no file": "LEADERBOARD_KAFKA_TLS_CA: Path does not point to a file",
    "postgres: authority": "look at sslrootcert in LEADERBOARD_POSTGRES",
    "postgres: password": "password authentication failed for user",
    "postgres: no password": "look at user, password, database and sslmode in LEADERBOARD_POSTGRES",
    "postgres: no TLS": "look at LEADERBOARD_POSTGRES, and sslmode in LEADERBOARD_POSTGRES",
    "postgres: no database": "look at user, password, database and sslmode in LEADERBOARD_POSTGRES",
    "postgres: no URL": "LEADERBOARD_POSTGRES: is not a URL: in a password write / as %2F",
    "redis: authority": "look at ssl_ca_certs in LEADERBOARD_REDIS",
    "redis: password": "look at user and password in LEADERBOARD_REDIS",
    "redis: no password": "look at user and password in LEADERBOARD_REDIS",
    "redis: no TLS": "look at LEADERBOARD_REDIS, and rediss:// or redis:// in LEADERBOARD_REDIS",
}


@pytest.fixture(scope="module")
def made(secure: Secure, logs: Path) -> System:
    """A system that has been made, and does not run."""
    system = System(secure.servers, logs, settings=dict(secure.settings))
    done = system.run("init")
    assert done.returncode == 0, done.stderr
    return system


@pytest.mark.parametrize("case", CASES)
def test_what_is_set_wrong_is_named(secure: Secure, made: System, folder: Path, case: str) -> None:
    system = System(secure.servers, folder, prefix=made.prefix, settings=wrong(secure, case))
    done = system.run("verify")
    said = " ".join(done.stderr.split())
    assert (done.returncode, CASES[case] in said, "Traceback" in said) == (1, True, False), said
    require_silence(secure, folder, done.stdout, done.stderr)


@pytest.mark.parametrize("case", ["postgres: password", "redis: password"])
async def test_services_say_what_is_set_wrong(secure: Secure, made: System, folder: Path, case: str) -> None:
    part = case.partition(":")[0]
    system = System(secure.servers, folder, prefix=made.prefix, settings=wrong(secure, case))
    try:
        system.start("projector")
        system.serve("front")
        await asyncio.to_thread(eventually, lambda: "startup complete" in system.log_of("front"), 30, "the front")
        _, health = await get(system, "/api/leaderboard/health")
        assert health["components"]["kafka"]["status"] == "up"
        assert f"in LEADERBOARD_{part.upper()}" in health["components"][part]["error"]
        told = f"in LEADERBOARD_{part.upper()}"
        await asyncio.to_thread(eventually, lambda: told in system.log_of("projector"), 30, "the projector's log")
        assert system.processes["projector"].poll() is None, "it goes on when the setting on the other side is mended"
    finally:
        system.stop()
        system.show_logs()
    require_silence(secure, folder)


async def test_a_service_that_kafka_refuses_says_so_and_ends(secure: Secure, made: System, folder: Path) -> None:
    system = System(secure.servers, folder, prefix=made.prefix, settings=wrong(secure, "kafka: password"))
    system.start("projector")
    system.serve("front")
    for process in ("projector", "front"):
        assert await asyncio.to_thread(system.processes.pop(process).wait, 30) != 0
        said = [orjson.loads(line) for line in system.log_of(process).splitlines()]
        [reason] = [each["reason"] for each in said if each["event"] in ("log_unavailable", "not_started")]
        assert "LEADERBOARD_KAFKA_PASSWORD" in reason
    require_silence(secure, folder)
