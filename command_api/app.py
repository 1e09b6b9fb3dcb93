"""The command API as a service of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from command_api.hot_routes import HOT
from command_api.routes import add_routes
from command_api.state import NAME, open_commands
from shared.feed import open_feed
from shared.hot import HotPaths
from shared.problems import add_handlers
from shared.settings import CommandSettings, KafkaSettings, NamingSettings, PostgresSettings, ReadSettings


def create_app() -> ASGIApp:
    """The app, with its settings from the environment."""
    kafka, postgres = KafkaSettings(), PostgresSettings()
    naming, settings, reads = NamingSettings(), CommandSettings(), ReadSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with (
            open_feed(kafka, naming, NAME) as feed,
            open_commands(kafka, postgres, naming, settings, reads, feed) as commands,
        ):
            yield {"commands": commands}

    app = FastAPI(title="Leaderboard: commands", lifespan=lifespan)
    add_routes(app)
    add_handlers(app)
    return HotPaths(app, HOT)
