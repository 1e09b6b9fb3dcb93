"""What a query API tells Prometheus: of itself, and of the whole system what only the tables and the log know."""

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from query_api.operations import Stand
from query_api.state import Queries

log = structlog.get_logger()


async def collect(queries: Queries) -> list[Metric]:
    """The metrics of a query API; those of the whole system are left out while the log or Postgres is away."""
    try:
        system = _system(await queries.operations.stand())
    except Exception as error:  # whatever a client raises: this process is still well
        log.warning("system_not_told", error=repr(error))
        system = []
    return [*_own(queries), *system]


def _own(queries: Queries) -> list[Metric]:
    pages = CounterMetricFamily("leaderboard_pages", "Pages of the first rows that were answered", labels=["by"])
    pages.add_metric(["cache"], queries.pages.answered - queries.pages.read)
    pages.add_metric(["redis"], queries.pages.read)
    fallback = queries.reading.standings.reads
    return [
        pages,
        CounterMetricFamily("leaderboard_fallback_reads", "Reads of ranks from Postgres", fallback),
    ]


def _system(stand: Stand) -> list[Metric]:
    lag = GaugeMetricFamily("leaderboard_lag_records", "Records that are not projected yet", labels=["partition"])
    for place in stand.places:
        lag.add_metric([str(place.partition)], place.lag)
    outcomes = CounterMetricFamily(
        "leaderboard_outcomes", "What became of events, since the log began", labels=["outcome"]
    )
    for kind, count in stand.outcomes.items():
        outcomes.add_metric([kind], count)
    return [
        lag,
        outcomes,
        GaugeMetricFamily("leaderboard_partitions_stopped", "Partitions that do not go on", len(stand.stopped)),
        GaugeMetricFamily("leaderboard_projectors_alive", "Projectors that Postgres knows of", len(stand.projectors)),
        GaugeMetricFamily("leaderboard_seasons_open", "Seasons that are not closed yet", stand.seasons_open),
    ]
