"""What goes over the sockets, see docs/live.md. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from notifier.rows import Row, WindowRow

EVENT = "leaderboard_update"
VERSION = "lb.v1"

CLOSE_RESTART = 1012
"""This node stops: reconnect when the reason says."""
CLOSE_BAD_REQUEST = 4000
"""The client sent something that this protocol has no place for: do not reconnect with the same code."""
CLOSE_SLOW = 4108
"""The client did not take what it was sent: reconnect with back-off."""
CLOSE_SILENT = 4109
"""The client did not answer: reconnect with back-off."""
CLOSE_RATE = 4129
"""The client sends too much: reconnect with back-off."""


def update(user_id: str, new_rank: int | None, old_rank: int | None) -> bytes:
    """A rank event; ranks are None for a player who is not ranked, or not known to this socket yet."""
    return orjson.dumps({"event": EVENT, "user_id": user_id, "new_rank": new_rank, "old_rank": old_rank})


def hi(number: int, sid: str, *, ping: float, tick: float, now: int, limits: Mapping[str, int]) -> bytes:
    """The answer to `hello`; `ping` in seconds, `tick` in seconds."""
    fields = {"v": VERSION, "sid": sid, "ping": round(ping), "tick": round(tick * 1000), "now": now, "lim": limits}
    return _line("hi", id=number, **fields)


def ok(number: int, channel: str) -> bytes:
    """A channel is there, or there no more."""
    return _line("ok", id=number, ch=channel)


def ok_top(number: int, channel: str, size: int, recovered: bool) -> bytes:
    """A channel with the first rows is there; `recovered`: what the client has is kept."""
    return _line("ok", id=number, ch=channel, n=size, recovered=recovered)


def snap(fields: Mapping[str, Any], rows: Iterable[Row]) -> bytes:
    """The whole state of a channel."""
    return _line("snap", **fields, rows=list(rows))


def delta(
    channel: str, prev: str, off: str, clock: int, total: int, up: list[Row], rm: list[str], h: str = ""
) -> bytes:
    """What changed since `prev`; `h`: the checksum of the rows after it."""
    check = {"h": h} if h else {}
    return _line("d", ch=channel, prev=prev, off=off, ts=clock, total=total, up=up, rm=rm, **check)


def me(
    channel: str, season: str, clock: int, rank: int | None, old: int | None, score: int | None, total: int
) -> bytes:
    """Where a player stands."""
    return _line("me", ch=channel, season=season, ts=clock, rank=rank, old=old, score=score, total=total)


def around(channel: str, season: str, clock: int, rank: int | None, total: int, rows: Iterable[WindowRow]) -> bytes:
    """The rows around a player."""
    return _line("around", ch=channel, season=season, ts=clock, rank=rank, total=total, rows=list(rows))


def pos(number: int, channel: str, off: str, position: str) -> bytes:
    """The position of a channel."""
    return _line("pos", id=number, ch=channel, off=off, pos=position)


def ping(now: int, labels: Mapping[str, str]) -> bytes:
    """Are you there? And is this what you have?"""
    return _line("p", now=now, off=labels)


def err(number: int | None, code: str, detail: str) -> bytes:
    """A request that changes nothing."""
    return _line("err", id=number, code=code, detail=detail)


def bye(retry_ms: int) -> bytes:
    """This node stops."""
    return _line("bye", retry_ms=retry_ms)


def _line(kind: str, **fields: Any) -> bytes:
    # Rows are named tuples, which orjson knows as nothing.
    return orjson.dumps({"t": kind, **fields}, default=list)
