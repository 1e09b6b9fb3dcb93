"""The notifier as a service of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from notifier.gate import Gate
from notifier.routes import router
from notifier.state import NAME, open_live
from shared.feed import open_feed
from shared.problems import add_handlers
from shared.settings import KafkaSettings, LiveSettings, NamingSettings, PostgresSettings, ReadSettings, RedisSettings


def create_app() -> ASGIApp:
    """The app, with its settings from the environment."""
    kafka, postgres, redis = KafkaSettings(), PostgresSettings(), RedisSettings()
    naming, reads, settings = NamingSettings(), ReadSettings(), LiveSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with (
            open_feed(kafka, naming, NAME) as feed,
            open_live(kafka, postgres, redis, naming, reads, settings, feed) as live,
        ):
            yield {"live": live}

    app = FastAPI(title="Leaderboard: live", lifespan=lifespan)
    app.include_router(router)
    add_handlers(app)
    return Gate(app)
