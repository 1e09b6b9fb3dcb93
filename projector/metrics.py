"""What a projector tells Prometheus."""

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from projector.progress import Progress


async def collect(progress: Progress) -> list[Metric]:
    """The metrics of a projector."""
    took = HistogramMetricFamily("leaderboard_batch_seconds", "From the records of a batch to its commit")
    buckets, total = progress.batches.buckets()
    took.add_metric([], buckets, total)
    return [
        CounterMetricFamily("leaderboard_projected_records", "Records committed to the tables", progress.records),
        took,
        GaugeMetricFamily("leaderboard_partitions_held", "Partitions that this projector has leases on", progress.held),
        GaugeMetricFamily(
            "leaderboard_ranks_known", "1 while Redis holds all that is committed", float(progress.ranks_known)
        ),
    ]
