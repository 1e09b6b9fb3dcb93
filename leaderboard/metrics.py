"""What a process tells Prometheus, on a port of its own that is not for players."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeAlias
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from command_api.metrics import collect as collect_commands
from leaderboard.measured import Kind
from notifier.metrics import collect as collect_live
from projector.metrics import collect as collect_progress
from projector.progress import Progress
from query_api.metrics import collect as collect_queries
from shared.histogram import Histogram
from shared.settings import MetricsSettings

WITHIN = 8.0
"""Seconds that the loop has to say how it is; Prometheus itself waits for 10."""
PARTS: Mapping[str, Callable[[Any], Awaitable[list[Metric]]]] = {
    "commands": collect_commands,
    "queries": collect_queries,
    "live": collect_live,
}
"""Who tells of each part of the state of an app."""

Collect: TypeAlias = Callable[[], Awaitable[list[Metric]]]

log = structlog.get_logger()


def of_app(state: Mapping[str, Any], answers: Mapping[Kind, Histogram]) -> Collect:
    """The metrics of an HTTP service."""
    return partial(_collect_app, state, answers)


def of_projector(progress: Progress) -> Collect:
    """The metrics of a projector."""
    return partial(collect_progress, progress)


async def _collect_app(state: Mapping[str, Any], answers: Mapping[Kind, Histogram]) -> list[Metric]:
    """Of its answers, and of the parts that its state has."""
    told = [await collect(state[part]) for part, collect in PARTS.items() if part in state]
    return [_answers(answers), *(metric for metrics in told for metric in metrics)]


def _answers(answers: Mapping[Kind, Histogram]) -> Metric:
    took = HistogramMetricFamily(
        "leaderboard_http_request_seconds", "To the end of the answer", labels=["method", "route", "status"]
    )
    for (method, route, status), counted in answers.items():
        took.add_metric([method, route, str(status)], *counted.buckets())
    return took


class LoopCollector(Collector):
    """Asks in the loop, whose state nobody else may read, and tells how long the loop took to listen."""

    def __init__(self, collect: Collect, loop: asyncio.AbstractEventLoop) -> None:
        self._collect = collect
        self._loop = loop

    def collect(self) -> Iterable[Metric]:
        """In a thread of the server of metrics; of a loop that does not answer, that it does not."""
        asked = time.perf_counter()
        asking = asyncio.run_coroutine_threadsafe(self._gather(asked), self._loop)
        try:
            return asking.result(WITHIN)
        except TimeoutError:
            asking.cancel()
            return [_waited(WITHIN)]

    async def _gather(self, asked: float) -> list[Metric]:
        delay = time.perf_counter() - asked
        return [_waited(delay), *await self._collect()]


def _waited(seconds: float) -> Metric:
    return GaugeMetricFamily("leaderboard_loop_delay_seconds", "Until the loop listened to this question", seconds)


@asynccontextmanager
async def served(settings: MetricsSettings, collect: Collect) -> AsyncIterator[None]:
    """Tell whoever asks `/metrics`, for as long as the block lasts. Where the port is in use, go on without."""
    registry = CollectorRegistry()
    registry.register(LoopCollector(collect, asyncio.get_running_loop()))
    for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
        registry.register(collector)
    server = _start(settings, registry)
    try:
        yield
    finally:
        if server is not None:
            await asyncio.to_thread(server.shutdown)
            server.server_close()


def _start(settings: MetricsSettings, registry: CollectorRegistry) -> WSGIServer | None:
    at = {"host": settings.metrics_host, "port": settings.metrics_port}
    try:
        server, _ = start_http_server(settings.metrics_port, settings.metrics_host, registry)
    except OSError as error:
        log.error("metrics_not_served", **at, reason=str(error), do="set another LEADERBOARD_METRICS_PORT")
        return None
    log.info("metrics_served", **at)
    return server
