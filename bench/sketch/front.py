"""The front half: validate, append, wait for the projector's word, answer."""

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import BaseModel, Field, StrictInt

from shared.log import connection_settings
from shared.settings import KafkaSettings, NamingSettings
from shared.topics import topic_name

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Submit(BaseModel):
    """The body."""

    user_id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:@-]+$")
    score: StrictInt = Field(gt=0, lt=2**53)
    game_mode: str = "classic"


class Front:
    """The ASGI app."""

    def __init__(self, kafka: KafkaSettings, naming: NamingSettings) -> None:
        self._kafka = kafka
        self._events = topic_name(naming.prefix, "events")
        self._changes = TopicPartition(topic_name(naming.prefix, "rank-changes"), 0)
        self._name, self._numbers = os.urandom(8).hex(), itertools.count()
        self._waiting: dict[str, asyncio.Future[tuple[int, int, int]]] = {}
        self._following: asyncio.Task[None] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Any request is a submission."""
        if scope["type"] == "lifespan":
            await receive()
            await self._start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["method"] == "GET":
            await _answer(send, b"{}")
        else:
            await _answer(send, await self._submit((await receive())["body"]))

    async def _start(self) -> None:
        settings = connection_settings(self._kafka, "bench-sketch")
        self._producer = AIOKafkaProducer(**settings, acks="all", enable_idempotence=True, max_batch_size=256 * 1024)
        self._consumer = AIOKafkaConsumer(**settings, enable_auto_commit=False, fetch_max_wait_ms=500)
        await asyncio.gather(self._producer.start(), self._consumer.start())
        self._consumer.assign([self._changes])
        await self._consumer.seek_to_end(self._changes)
        self._following = asyncio.create_task(self._follow())

    async def _submit(self, body: bytes) -> bytes:
        asked = Submit.__pydantic_validator__.validate_json(body)
        event_id = f"{self._name}{next(self._numbers):x}"
        data = {"player_id": asked.user_id, "score": asked.score, "game_mode": asked.game_mode, "catalogue": 1}
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": event_id,
            "source": "bench",
            "type": "leaderboard.ScoreSubmitted.v1",
        }
        event |= {"subject": asked.user_id, "time": time.time_ns() // 1000, "data": data}
        outcome = self._waiting[event_id] = asyncio.get_running_loop().create_future()
        await self._producer.send(self._events, orjson.dumps(event), key=asked.user_id.encode())
        total, new, old = await outcome
        answer = b'{"new_rank":%d,"new_total":%d,"rank_change":%d,"message":"ok","event_id":"%b"}'
        return answer % (new, total, (old - new) if old else 0, event_id.encode())

    async def _follow(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=1000, max_records=500)).values():
                for record in records:
                    for event_id, *outcome in orjson.loads(record.value):
                        waiting = self._waiting.pop(event_id, None)
                        if waiting is not None and not waiting.done():
                            waiting.set_result(tuple(outcome))


async def _answer(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def create_app() -> Front:
    """The app, with its settings from the environment."""
    return Front(KafkaSettings(), NamingSettings())
