"""Running one service in this process, with its settings from the environment."""

import asyncio
import gc
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from importlib import import_module
from types import FrameType
from typing import Any, Literal, TypeAlias

import structlog
import uvicorn
import uvloop
from starlette.types import ASGIApp

from command_api.hot_routes import HOT as HOT_COMMANDS
from leaderboard.http_connection import HttpConnection
from leaderboard.measured import Measured
from notifier.connection import Connection
from projector.app import run as run_projector
from projector.progress import Progress
from projector.schema import OtherTables
from projector.store import ForeignCheckpoint, TablesAnew
from query_api.hot_routes import HOT as HOT_READS
from shared.health import STOPPING
from shared.incarnation import LogNotCreated
from shared.log import LogUnavailable
from shared.logging import configure_logging
from shared.settings import (
    HttpSettings,
    KafkaSettings,
    MetricsSettings,
    NamingSettings,
    PostgresSettings,
    ProjectorSettings,
    RedisSettings,
)

HttpService: TypeAlias = Literal["front", "command-api", "query-api", "notifier"]
APPS: dict[HttpService, str] = {
    "front": "leaderboard.front:create_app",
    "command-api": "command_api.app:create_app",
    "query-api": "query_api.app:create_app",
    "notifier": "notifier.app:create_app",
}
STOP_WITHIN = 5
"""Seconds that open requests and sockets get at shutdown: sockets are told to come back over the first two."""
BACKLOG = 4_096
"""Connections that wait to be accepted: a reconnect storm is thousands at once."""

Telling: TypeAlias = Callable[[Mapping[str, Any]], AbstractAsyncContextManager[None]]
"""Given the state of an app, tells of it for as long as a block lasts."""

log = structlog.get_logger()


class Server(uvicorn.Server):
    """Uvicorn's, which first says for a while that it is going to stop, and serves on; a second signal ends that.

    Meanwhile each answer ends its connection, and where others listen on the same port they get the new ones.
    """

    def __init__(self, config: uvicorn.Config, bound: socket.socket, http: HttpSettings, telling: Telling) -> None:
        super().__init__(config)
        self._bound = bound
        self._stop_after = http.stop_after_ms / 1000
        self._shares_port = http.share_port
        self._telling = telling
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to stop."""
        if self._stop_at is None and self._stop_after and self.started:
            self._stop_at = time.monotonic() + self._stop_after
            self.lifespan.state[STOPPING] = True
        else:
            super().handle_exit(sig, frame)

    async def main_loop(self) -> None:
        """Until it stops."""
        async with self._telling(self.lifespan.state):
            await super().main_loop()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if self._stop_at is not None:
            if self._shares_port:
                self._leave_port()
            if time.monotonic() > self._stop_at:
                self.should_exit = True
        return await super().on_tick(counter)

    def _leave_port(self) -> None:
        """Both: the kernel listens for as long as one is open, and would give it clients that nobody accepts."""
        for server in self.servers:
            server.close()
        self._bound.close()


def serve(service: HttpService, http: HttpSettings) -> None:
    """Serve HTTP and WebSockets until SIGTERM or SIGINT."""
    configure_logging(service)
    # uvicorn raises the signal again when it has stopped: an orderly end is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    module, _, make = APPS[service].partition(":")
    app = getattr(import_module(module), make)()
    app, telling = _measured(app, MetricsSettings())
    _spare_collector()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        http=HttpConnection,
        ws=Connection,
        ws_max_size=4096,
        ws_ping_interval=None,
        ws_ping_timeout=None,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=STOP_WITHIN,
        timeout_keep_alive=75,
        server_header=False,
        backlog=BACKLOG,
    )
    with bound_to(http) as bound:
        server = Server(config, bound, http, telling)
        server.run(sockets=[bound])
    if not server.started:
        sys.exit(1)


def _measured(app: ASGIApp, settings: MetricsSettings) -> tuple[ASGIApp, Telling]:
    """Where metrics are wanted, the app with its answers counted, and who tells of these and of its state."""
    if not settings.metrics_port:
        return app, lambda state: nullcontext()
    from leaderboard.metrics import of_app, served

    measured = Measured(app, {*HOT_COMMANDS, *HOT_READS})
    return measured, lambda state: served(settings, of_app(state, measured.answers))


def bound_to(http: HttpSettings) -> socket.socket:
    """The socket to listen on, once the app is ready. Exits where the address is in use."""
    family, *_, address = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if http.share_port:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind(address)
    except OSError as error:
        log.critical("cannot_listen", host=http.host, port=http.port, reason=str(error), do="choose another --port")
        sys.exit(1)
    return bound


def project() -> int:
    """Run the projector until SIGTERM or SIGINT; the exit code, 1 where only an operator can help."""
    configure_logging("projector")
    _spare_collector()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_project())
    except (ForeignCheckpoint, LogNotCreated, OtherTables, TablesAnew) as error:
        log.critical("projection_stopped", kind=type(error).__name__, reason=str(error))
        return 1
    except LogUnavailable as error:
        log.error("log_unavailable", reason=str(error))
        return 1
    return 0


def _spare_collector() -> None:
    """Keep what is imported out of the cyclic collector's passes, which stop the loop for tens of milliseconds.

    And let it look less often than at every 700 objects more, which a busy loop has 1,000 times a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _project() -> None:
    """Project until a signal, then finish what is begun; what takes too long is rolled back and read again later."""
    stopping = asyncio.Event()
    settings = KafkaSettings(), PostgresSettings(), RedisSettings(), NamingSettings(), ProjectorSettings()
    progress = Progress()
    work = asyncio.ensure_future(run_projector(*settings, stopping, progress))
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopping.set()
        loop.call_later(STOP_WITHIN, work.cancel)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    async with _told(progress, MetricsSettings()):
        with suppress(asyncio.CancelledError):
            await work


def _told(progress: Progress, settings: MetricsSettings) -> AbstractAsyncContextManager[None]:
    if not settings.metrics_port:
        return nullcontext()
    from leaderboard.metrics import of_projector, served

    return served(settings, of_projector(progress))
