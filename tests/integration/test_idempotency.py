"""One effect for one key, whoever sends it how often."""

import asyncio
import time
from pathlib import Path

import aiohttp

from command_api.domain import SubmitScore, decide
from shared.appender import open_appender
from shared.events import encode, wrap
from shared.identity import event_id_of
from shared.settings import KafkaSettings, NamingSettings
from tests.builders import CATALOGUE
from tests.e2e.test_thread import get, name
from tests.servers import Servers
from tests.stack import running


async def test_one_key_at_two_command_apis_with_another_content_in_between(servers: Servers, logs: Path) -> None:
    with running(servers, logs, split=True) as system:
        urls = [system.commands, system.serve("command-api", "second")]
        system.await_ready()
        ann = name()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

            async def send(number: int) -> tuple[int, int, int]:
                score = 70 if number % 20 == 10 else 50
                body = {"user_id": ann, "score": score}
                url = f"{urls[number % 2]}/api/leaderboard/submit"
                async with client.post(url, json=body, headers={"Idempotency-Key": "one"}) as answer:
                    return score, answer.status, (await answer.json(content_type=None)).get("new_total", 0)

            answers = await asyncio.gather(*(send(number) for number in range(200)))
        counted = {score for score, status, _ in answers if status == 200}
        assert len(counted) == 1, counted
        assert {status for _, status, _ in answers} <= {200, 409}
        assert {total for _, status, total in answers if status == 200} == counted
        _, rank = await get(system, f"/api/leaderboard/rank/{ann}")
        assert ({rank["score"]}, rank["games_played"]) == (counted, 1)
        verified = await asyncio.to_thread(system.run, "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr


async def test_one_id_twice_in_the_log_and_garbage_beside_it(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system:
        kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": system.environment["LEADERBOARD_KAFKA"]})
        ann = name()
        event = wrap(
            decide(SubmitScore(ann, "classic", 30), CATALOGUE, registered_only=False),
            event_id=event_id_of(ann, "twice"),
            subject=ann,
            source="test",
            actor="test",
            catalogue=2,
        )
        async with open_appender(kafka, NamingSettings(prefix=system.prefix), "test") as appender:
            values = [encode(event), b"garbage", encode(event), b"{}", encode(event).replace(b":30", b":31")]
            await asyncio.gather(*(appender.append("events", ann.encode(), value, timeout=5) for value in values))
        began = time.monotonic()
        while (rank := await get(system, f"/api/leaderboard/rank/{ann}"))[0] != 200:
            assert time.monotonic() - began < 10
        assert (rank[1]["score"], rank[1]["games_played"]) == (30, 1)
        verified = await asyncio.to_thread(system.run, "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr


async def test_registration_required_refuses_the_unknown_and_takes_the_registered(servers: Servers, logs: Path) -> None:
    with running(servers, logs, LEADERBOARD_REGISTRATION="required") as system:
        ann = name()
        async with aiohttp.ClientSession(system.commands) as client:
            body = {"user_id": ann, "score": 5}
            async with client.post("/api/leaderboard/submit", json=body) as answer:
                assert answer.status == 404, await answer.text()
            async with client.post("/api/v1/players", json={"user_id": ann}) as answer:
                assert answer.status == 201, await answer.text()
            async with client.post("/api/leaderboard/submit", json=body) as answer:
                assert answer.status == 200, await answer.text()
