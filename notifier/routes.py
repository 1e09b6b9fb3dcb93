"""The socket: one player's rank and the movers of the top."""

import asyncio
import time

import orjson
import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import TypeAdapter, ValidationError

from notifier.hub import Watcher
from notifier.messages import CLOSE_BAD_REQUEST, CLOSE_RATE, CLOSE_SLOW, update
from notifier.state import Notifier
from shared.identity import PlayerId
from shared.standings import StandingsUnavailable

SLOW_AFTER = 10.0
"""Seconds one event may take to leave before the client counts as slow."""
MOST_INBOUND = 20
"""Messages a client may send in a second; the protocol needs none."""
LARGEST_INBOUND = 4096
PLAYER_ID: TypeAdapter[str] = TypeAdapter(PlayerId)

router = APIRouter(tags=["live"])
log = structlog.get_logger()


@router.websocket("/ws/leaderboard/{user_id}")
async def watch(socket: WebSocket, user_id: str, game_mode: str = "classic") -> None:
    """Events `leaderboard_update` for this player and for movers in the top 100, the present rank first."""
    notifier: Notifier = socket.state.notifier
    await socket.accept()
    board = notifier.catalogue.now.primary(game_mode)
    if board is None or not _is_player_id(user_id):
        await socket.close(CLOSE_BAD_REQUEST, "unknown game_mode" if board is None else "not a player id")
        return
    watcher = Watcher(user_id, board.board_id)
    with notifier.watching(watcher) as woken:
        try:
            ranks = await notifier.following.read(board, [user_id])
        except StandingsUnavailable:
            await socket.close(1013, "ranks cannot be read now")
            return
        if watcher.tell(user_id, watcher.pending.get(user_id, ranks.get(user_id))):
            woken.set()
        await _serve(socket, watcher, woken)


async def _serve(socket: WebSocket, watcher: Watcher, woken: asyncio.Event) -> None:
    """Send and receive until one of them ends the connection."""
    sending = asyncio.create_task(_send(socket, watcher, woken))
    receiving = asyncio.create_task(_receive(socket))
    try:
        done, _ = await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        code, reason = done.pop().result()
    finally:
        sending.cancel()
        receiving.cancel()
    if code:
        log.info("socket_closed", code=code, reason=reason)
        await asyncio.wait_for(socket.close(code, reason), SLOW_AFTER)


async def _send(socket: WebSocket, watcher: Watcher, woken: asyncio.Event) -> tuple[int, str]:
    """Send what is pending, one event at a time; the code to close with."""
    while True:
        await woken.wait()
        woken.clear()
        while (event := watcher.take()) is not None:
            try:
                await asyncio.wait_for(socket.send_text(update(*event)), SLOW_AFTER)
            except TimeoutError:
                return CLOSE_SLOW, "events are not taken"
            except (WebSocketDisconnect, RuntimeError):
                return 0, ""


async def _receive(socket: WebSocket) -> tuple[int, str]:
    """Nothing is expected: JSON is ignored, anything else ends the connection; the code to close with."""
    second, count = 0, 0
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return 0, ""
        now = int(time.monotonic())
        second, count = (now, 1) if now != second else (second, count + 1)
        if count > MOST_INBOUND:
            return CLOSE_RATE, f"more than {MOST_INBOUND} messages a second"
        if not _is_json(message.get("text")):
            return CLOSE_BAD_REQUEST, "not a JSON text message; none is needed"


def _is_json(text: str | None) -> bool:
    if text is None or len(text) > LARGEST_INBOUND:
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _is_player_id(text: str) -> bool:
    try:
        PLAYER_ID.validate_python(text)
    except ValidationError:
        return False
    return True
