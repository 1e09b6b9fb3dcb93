"""The front process: command API, query API, notifier and the web app under one origin, sharing one feed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Lifespan

from command_api.hot_routes import HOT as HOT_COMMANDS
from command_api.routes import add_routes as add_commands
from command_api.state import open_commands
from leaderboard.web import BUILT, WebApp, read_files
from notifier.gate import Gate
from notifier.routes import router as live_router
from notifier.state import open_live
from query_api.board_routes import add_routes as add_queries
from query_api.hot_routes import HOT as HOT_READS
from query_api.routes import router as queries_router
from query_api.state import open_queries
from shared.feed import open_feed
from shared.hot import HotPaths
from shared.problems import add_handlers
from shared.settings import (
    CommandSettings,
    KafkaSettings,
    LiveSettings,
    NamingSettings,
    PostgresSettings,
    ReadSettings,
    RedisSettings,
    WebSettings,
)

NAME = "front"


def create_app() -> ASGIApp:
    """The app, with its settings from the environment."""
    kafka, postgres, redis = KafkaSettings(), PostgresSettings(), RedisSettings()
    naming, settings, reads, live = NamingSettings(), CommandSettings(), ReadSettings(), LiveSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with (
            open_feed(kafka, naming, NAME) as feed,
            open_commands(kafka, postgres, naming, settings, reads, feed) as commands,
            open_queries(kafka, postgres, redis, naming, reads) as queries,
            open_live(kafka, postgres, redis, naming, reads, live, feed) as sockets,
        ):
            open_sockets = sockets.sockets
            yield {"commands": commands, "queries": queries, "live": sockets, "open_sockets": lambda: open_sockets.open}

    api = create_api(lifespan)
    # Where no route is for a path, which comes after 405 for a path with other methods.
    api.router.default = WebApp(read_files(WebSettings().web or BUILT), api.router.default)
    return Gate(HotPaths(api, {**HOT_COMMANDS, **HOT_READS}))


def create_api(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Every route under `/api`: what docs/openapi.json describes."""
    app = FastAPI(title="Leaderboard", lifespan=lifespan)
    add_commands(app)
    app.include_router(queries_router)
    add_queries(app)
    app.include_router(live_router)
    add_handlers(app)
    return app
