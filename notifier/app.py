"""The notifier as a service of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from notifier.routes import router
from notifier.state import NAME, open_notifier
from shared.feed import open_feed
from shared.problems import add_handlers
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings, ReadSettings, RedisSettings


def create_app() -> FastAPI:
    """The app, with its settings from the environment."""
    kafka, postgres, redis = KafkaSettings(), PostgresSettings(), RedisSettings()
    naming, reads = NamingSettings(), ReadSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with (
            open_feed(kafka, naming, NAME) as feed,
            open_notifier(kafka, postgres, redis, naming, reads, feed) as notifier,
        ):
            yield {"notifier": notifier}

    app = FastAPI(title="Leaderboard: live", lifespan=lifespan)
    app.include_router(router)
    add_handlers(app)
    return app
