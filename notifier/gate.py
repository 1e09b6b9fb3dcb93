"""Ahead of the framework: lets clients in, and hands their connections over to sessions.

A WebSocket route of the framework keeps a task and its scope for as long as the socket is open, some 20 KB.
"""

import time
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from notifier.connection import HANDED_OVER, Connection
from notifier.fanout import Fanout
from notifier.limits import Bucket
from notifier.messages import CLOSE_BAD_REQUEST, VERSION
from notifier.sessions import Session
from notifier.sockets import Sockets
from shared.catalogue_log import LiveCatalogue
from shared.identity import is_player_id

STREAM = "/ws/v1"
WATCH = "/ws/leaderboard/"
RETRY_AFTER = 5
"""Seconds after which one who was turned away may come again."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may open a socket now."""

    sockets: Sockets
    origins: frozenset[str]
    """Empty: any."""
    most: int
    rate: Bucket

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """The status and the reason with which a client is turned away; None: it may come in."""
        origin = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), None)
        if self.origins and origin is not None and origin not in self.origins:
            return 403, "this origin is not in LEADERBOARD_ORIGINS"
        if self.sockets.open >= self.most:
            return 503, "as many sockets as this process takes are open"
        if not self.rate.take(time.monotonic()):
            return 503, "too many sockets are being opened at once"
        return None


@dataclass(frozen=True, slots=True)
class Held:
    """A session as a connection knows it."""

    sockets: Sockets
    session: Session

    def receive(self, message: bytes | None) -> None:
        """A message has come."""
        self.sockets.receive(self.session, message)

    def alive(self) -> None:
        """The client has been heard of."""
        self.sockets.alive(self.session)

    def stop(self) -> None:
        """The server stops."""
        self.sockets.dismiss(self.session)

    def end(self) -> None:
        """The connection is gone."""
        self.sockets.end(self.session)


@dataclass(frozen=True, slots=True)
class Live:
    """What the sockets need."""

    sockets: Sockets
    fanout: Fanout
    admission: Admission
    catalogue: LiveCatalogue


class Gate:
    """An app with the sockets ahead of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "websocket" or not (scope["path"] == STREAM or scope["path"].startswith(WATCH)):
            await self._app(scope, receive, send)
            return
        live: Live = scope["state"]["live"]
        await receive()
        refusal = live.admission.refusal(scope)
        if refusal is not None:
            await _refuse(send, *refusal)
            return
        is_named = VERSION in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": VERSION if is_named else None})
        await _hand_over(live, scope, send)


async def _hand_over(live: Live, scope: Scope, send: Send) -> None:
    connection: Connection = scope["state"][HANDED_OVER]
    if scope["path"] == STREAM:
        connection.hand_over(Held(live.sockets, live.sockets.begin(connection)))
        return
    player_id, mode = scope["path"].removeprefix(WATCH), _game_mode(scope)
    board = live.catalogue.now.primary(mode)
    if board is None or not is_player_id(player_id):
        reason = "unknown game_mode" if board is None else "not a player id"
        await send({"type": "websocket.close", "code": CLOSE_BAD_REQUEST, "reason": reason})
        return
    connection.hand_over(Held(live.sockets, live.sockets.begin_watching(connection, player_id, board)))


def _game_mode(scope: Scope) -> str:
    query: str = scope["query_string"].decode("latin-1")
    return parse_qs(query).get("game_mode", ["classic"])[-1]


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if status == 503:
        headers.append((b"retry-after", b"%d" % RETRY_AFTER))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": reason.encode()})
