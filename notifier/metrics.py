"""What a notifier tells Prometheus."""

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric

from notifier.gate import Live


async def collect(live: Live) -> list[Metric]:
    """The metrics of a notifier."""
    ages = HistogramMetricFamily(
        "leaderboard_news_age_seconds", "From the log's clock to the write to a socket", labels=["channel"]
    )
    for channel, counted in (("board", live.fanout.board_ages), ("personal", live.fanout.personal_ages)):
        ages.add_metric([channel], *counted.buckets(scale=0.001))
    return [
        GaugeMetricFamily("leaderboard_sockets", "Open sockets", live.sockets.open),
        GaugeMetricFamily("leaderboard_sockets_most", "Sockets that this process takes", live.admission.most),
        GaugeMetricFamily("leaderboard_tick_seconds", "Between two deltas of a board", live.fanout.tick),
        ages,
    ]
