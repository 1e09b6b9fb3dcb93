"""The live stream as an async iterator: it connects, resumes, and gives the newest state of what is watched."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from client.retrying import ABNORMAL, Backoff, Ended, retry_of
from client.session import Counts, Session
from client.state import State, Subscription

PATIENCE = 10.0
"""Seconds to connect, to be greeted, and beyond the time of a ping until a silent connection counts as dead."""
CLOSE_WITHIN = 1.0
LARGEST = 2**20
"""Bytes of a message."""


class Stream:
    """Iterate to get states, each when it has changed; of one that changed twice meanwhile, the newest."""

    def __init__(self, urls: Sequence[str], session: Session, backoff: Backoff, patience: float) -> None:
        self.live = False
        """Whether what is shown is kept up to date: else say so, and since when."""
        self._urls = cycle(urls)
        self._session = session
        self._backoff = backoff
        self._patience = patience
        self._changed: dict[Subscription, None] = {}
        self._news = asyncio.Event()
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(lambda _: self._news.set())

    @property
    def counts(self) -> Counts:
        """What has happened so far."""
        return self._session.counts

    def state(self, subscription: Subscription) -> State | None:
        """What is known of a subscription now; None before its first answer."""
        return self._session.state(subscription)

    def __aiter__(self) -> AsyncIterator[State]:
        return self

    async def __anext__(self) -> State:
        """The next changed state; ends when the server takes leave. Raises Stopped."""
        while True:
            while self._changed:
                subscription = next(iter(self._changed))
                del self._changed[subscription]
                if (state := self._session.state(subscription)) is not None:
                    return state
            if self._running.done():
                self._running.result()
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()

    async def aclose(self) -> None:
        """Disconnect."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        """Connect again and again. Raises Stopped."""
        while True:
            ended = await self._attempt(next(self._urls))
            self.live = False
            wait = self._backoff.wait(ended)
            if wait is None:
                return
            await asyncio.sleep(wait)

    async def _attempt(self, url: str) -> Ended:
        """One connection, to its end. Raises Stopped."""
        opening = connect(
            url,
            compression=None,
            open_timeout=self._patience,
            close_timeout=CLOSE_WITHIN,
            ping_interval=None,
            max_size=LARGEST,
        )
        try:
            connection = await opening
        except InvalidStatus as error:
            response = error.response
            reason = response.body.decode(errors="replace")[:200] if response.body else response.reason_phrase
            return Ended(response.status_code, reason, _seconds(response.headers.get("Retry-After")))
        except (OSError, InvalidHandshake, TimeoutError) as error:
            return Ended(ABNORMAL, str(error))
        began = time.monotonic()
        try:
            code, reason = await self._follow(connection)
        finally:
            await connection.close()
        retry_after = retry_of(reason, self._session.retry_ms)
        return Ended(code, reason, retry_after, time.monotonic() - began)

    async def _follow(self, connection: ClientConnection) -> tuple[int, str]:
        """Take in what comes; how the connection has ended, or that it is silent. Raises Stopped."""
        try:
            await connection.send(self._session.opened())
            while True:
                async with asyncio.timeout(self._silence()):
                    message = await connection.recv(decode=True)
                await self._take(connection, message)
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (ABNORMAL, "")
        except TimeoutError:
            return ABNORMAL, "the server is silent"

    async def _take(self, connection: ClientConnection, message: str) -> None:
        taken = self._session.take(message, time.time() * 1000)
        self.live = self._session.ping is not None
        self._changed |= dict.fromkeys(taken.changed)
        if taken.changed:
            self._news.set()
        if taken.send:
            async with asyncio.timeout(self._patience):
                await connection.send(taken.send)

    def _silence(self) -> float:
        """Seconds without a message after which the connection counts as dead."""
        return (self._session.ping or 0) * 1.1 + self._patience


@asynccontextmanager
async def live(
    url: str | Sequence[str], *subscriptions: Subscription, backoff: Backoff | None = None, patience: float = PATIENCE
) -> AsyncIterator[Stream]:
    """Watch boards and players. Of several URLs, the next one is tried whenever a connection has ended.

    `patience` is how many seconds to wait for an answer, and beyond the time of a ping for any message.
    """
    urls = [url] if isinstance(url, str) else list(url)
    stream = Stream(urls, Session(subscriptions), backoff or Backoff(), patience)
    try:
        yield stream
    finally:
        await stream.aclose()


def _seconds(header: str | None) -> float | None:
    """A Retry-After that is a number."""
    return float(header) if header is not None and header.isdecimal() else None
