"""What a running command API holds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from command_api.outcomes import Outcomes
from command_api.submitting import Submitting
from shared.appender import open_appender
from shared.catalogue_log import open_catalogue
from shared.feed import Feed
from shared.incarnation import read_incarnation
from shared.postgres import Pool, open_pool
from shared.settings import CommandSettings, KafkaSettings, NamingSettings, PostgresSettings, ReadSettings
from shared.standings import Standings

NAME = "command-api"


@dataclass(frozen=True, slots=True)
class Commands:
    """The parts behind the routes."""

    submitting: Submitting
    fallback: Standings
    """Ranks by SQL, for outcomes that came while Redis was away."""
    pool: Pool


@asynccontextmanager
async def open_commands(
    kafka: KafkaSettings,
    postgres: PostgresSettings,
    naming: NamingSettings,
    settings: CommandSettings,
    reads: ReadSettings,
    feed: Feed,
) -> AsyncIterator[Commands]:
    """Everything the routes need. Raises LogUnavailable, LogNotCreated."""
    incarnation = await read_incarnation(kafka, naming, NAME, "events")
    outcomes = Outcomes()
    feed.subscribe(outcomes.receive)
    async with (
        open_catalogue(kafka, naming, NAME) as catalogue,
        open_appender(kafka, naming, NAME, settings.appends_in_flight) as appender,
        open_pool(postgres, naming, NAME) as pool,
    ):
        submitting = Submitting(appender, outcomes, catalogue, pool, incarnation, settings)
        yield Commands(submitting, Standings(pool, reads.fallback_reads), pool)
