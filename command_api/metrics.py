"""What a command API tells Prometheus."""

from prometheus_client.core import GaugeMetricFamily, Metric

from command_api.state import Commands


async def collect(commands: Commands) -> list[Metric]:
    """The metrics of a command API."""
    submitting = commands.submitting
    return [
        GaugeMetricFamily(
            "leaderboard_appends_in_flight", "Appends not acknowledged yet", submitting.appender.unacknowledged
        ),
        GaugeMetricFamily(
            "leaderboard_outcomes_awaited", "Submissions whose outcome is awaited", submitting.outcomes.awaited
        ),
    ]
