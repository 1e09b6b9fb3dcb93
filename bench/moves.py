"""Moves: submissions of a few players that change the first rows of a board, and when each was seen where."""

import math
import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import orjson

from bench.crowd import Arrivals

APART = 1_000
"""Points between one player and the next before anybody has moved."""
STEP = 2_000
"""Points of a move, at most: some places."""

Shown: TypeAlias = tuple[int, int]
"""A player by number, and a value."""


class Due(NamedTuple):
    """A move as it will be seen."""

    at: float
    """By the monotonic clock, seconds."""
    player: int
    value: int
    """What the player's total is then, at least."""


def moves(players: int, count: int, seed: int) -> list[Shown]:
    """Who submits what, in turns, so that nobody submits again before an answer."""
    chance = random.Random(seed)
    turns = list(range(players))
    chance.shuffle(turns)
    return [(turns[number % players], chance.randrange(1, STEP)) for number in range(count)]


def due(work: Sequence[Shown], rate: float, first_due: float, totals: Mapping[int, int]) -> list[Due]:
    """When each move was due, given the totals before the first."""
    now = dict(totals)
    found = []
    for number, (player, points) in enumerate(work):
        now[player] += points
        found.append(Due(first_due + number / rate, player, now[player]))
    return found


def ranks_seen(arrivals: Arrivals) -> dict[int, list[tuple[int, float]]]:
    """Of each player, the totals in `me` objects and when each was there first; they only grow."""
    seen: dict[int, list[tuple[int, float]]] = defaultdict(list)
    shown = [_shown_rank(payload) for payload in arrivals.payloads]
    for at, _, number in arrivals:
        rank = shown[number]
        if rank is not None and (not seen[rank[0]] or seen[rank[0]][-1][0] < rank[1]):
            seen[rank[0]].append((rank[1], at))
    return seen


def delays(dues: Iterable[Due], seen: Mapping[int, Sequence[tuple[int, float]]]) -> tuple[list[float], int]:
    """Seconds from due to the first sight of it or of a later total of the player; and how many were never seen."""
    found, missed = [], 0
    for each in dues:
        totals = seen.get(each.player, ())
        first = bisect_left(totals, (each.value, 0.0))
        if first < len(totals):
            found.append(totals[first][1] - each.at)
        else:
            missed += 1
    return found, missed


def since_published(
    seen: Mapping[int, Sequence[tuple[int, float]]], published: Mapping[Shown, float], epoch: float
) -> list[float]:
    """Seconds from a record of the feed to the sight of it; `epoch` is the wall clock at 0 of the monotonic one."""
    return [
        at + epoch - published[player, total]
        for player, totals in seen.items()
        for total, at in totals
        if (player, total) in published
    ]


def rows_seen(arrivals: Arrivals, dues: Iterable[Due], sockets: float = math.inf) -> list[float]:
    """Of each delta at each of the first `sockets`: its age, seconds since the oldest move in it was due."""
    at_of = {(each.player, each.value): each.at for each in dues}
    oldest = [
        min((at_of[row] for row in _shown_rows(payload) if row in at_of), default=None) for payload in arrivals.payloads
    ]
    return [at - since for at, socket, number in arrivals if socket < sockets and (since := oldest[number]) is not None]


def _shown_rank(payload: bytes) -> Shown | None:
    if not payload.startswith(b'{"t":"me"'):
        return None
    said: dict[str, Any] = orjson.loads(payload)
    return (_number(said["ch"].rpartition(":")[2]), said["score"]) if said["score"] is not None else None


def _shown_rows(payload: bytes) -> list[Shown]:
    if not payload.startswith(b'{"t":"d"'):
        return []
    return [(_number(player), value) for player, value, *_ in orjson.loads(payload)["up"]]


def _number(player: str) -> int:
    return int(player.rpartition("-")[2])
