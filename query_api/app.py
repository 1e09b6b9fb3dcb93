"""The query API as a service of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from query_api.board_routes import add_routes
from query_api.hot_routes import HOT
from query_api.routes import router
from query_api.state import open_queries
from shared.hot import HotPaths
from shared.problems import add_handlers
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings, ReadSettings, RedisSettings


def create_app() -> ASGIApp:
    """The app, with its settings from the environment."""
    kafka, postgres, redis = KafkaSettings(), PostgresSettings(), RedisSettings()
    naming, reads = NamingSettings(), ReadSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with open_queries(kafka, postgres, redis, naming, reads) as queries:
            yield {"queries": queries}

    app = FastAPI(title="Leaderboard: queries", lifespan=lifespan)
    app.include_router(router)
    add_routes(app)
    add_handlers(app)
    return HotPaths(app, HOT)
