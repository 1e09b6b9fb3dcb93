"""What a query API tells Prometheus: of itself, and of the whole system what only the tables and the log know."""

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from query_api.operations import Report
from query_api.state import Queries
from shared.problems import Problem


async def collect(queries: Queries) -> list[Metric]:
    """The metrics of a query API; those of the whole system are left out while the log or Postgres is away."""
    try:
        system = _system(await queries.operations.report())
    except Problem:
        system = []
    return [*_own(queries), *system]


def _own(queries: Queries) -> list[Metric]:
    pages = CounterMetricFamily("leaderboard_pages", "Pages of the first rows that were answered", labels=["by"])
    pages.add_metric(["cache"], queries.pages.answered - queries.pages.read)
    pages.add_metric(["redis"], queries.pages.read)
    fallback = queries.reading.standings.reads
    return [
        pages,
        CounterMetricFamily("leaderboard_fallback_reads", "Reads of ranks from Postgres for Redis", fallback),
    ]


def _system(report: Report) -> list[Metric]:
    lag = GaugeMetricFamily("leaderboard_lag_records", "Records that are not projected yet", labels=["partition"])
    for place in report.places:
        lag.add_metric([str(place.partition)], place.lag)
    outcomes = CounterMetricFamily(
        "leaderboard_outcomes", "What became of events, since the log began", labels=["outcome"]
    )
    for kind, count in report.outcomes.items():
        outcomes.add_metric([kind], count)
    return [
        lag,
        outcomes,
        GaugeMetricFamily("leaderboard_partitions_stopped", "Partitions that do not go on", len(report.stopped)),
        GaugeMetricFamily("leaderboard_projectors_alive", "Projectors that Postgres knows of", len(report.projectors)),
        GaugeMetricFamily("leaderboard_seasons_open", "Seasons that are not closed yet", report.seasons_open),
    ]
