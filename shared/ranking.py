"""The one order of a board, and how Redis and Postgres hold it. Pure.

Rank order is ascending (sort value, reached_at, player id bytewise). In Redis the score of a
sorted set is the sort value and its member is `reached_at` in fixed width followed by the
player id, so that ZRANGE's own order (score, then member bytewise) is rank order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from shared.boards import Order

CLOCK_WIDTH = 12
"""Hexadecimal digits of a clock in milliseconds: 48 bits, enough until the year 10889."""


class Standing(NamedTuple):
    """One row of a board: what a player stands at. Times are fold clocks in milliseconds."""

    player_id: str
    value: int
    reached_at: int
    games_played: int
    updated_at: int
    event_id: str = ""
    """The submission that made the present value. Redis does not hold it."""


def sort_value(order: Order, value: int) -> int:
    """The number by which rows go up in rank order; its own inverse."""
    return -value if order == "desc" else value


def order_key(order: Order, standing: Standing) -> tuple[int, int, bytes]:
    """The total order of a board, independent of arrival."""
    return sort_value(order, standing.value), standing.reached_at, standing.player_id.encode()


def encode_clock(clock: int) -> str:
    """A clock as fixed-width hexadecimal, so that bytewise order is order in time."""
    if not 0 <= clock < 16**CLOCK_WIDTH:
        raise ValueError(f"clock {clock} does not fit {CLOCK_WIDTH} hexadecimal digits")
    return f"{clock:0{CLOCK_WIDTH}x}"


def encode_member(standing: Standing) -> str:
    """The member of the sorted set for a row."""
    return encode_clock(standing.reached_at) + standing.player_id


def encode_detail(standing: Standing) -> str:
    """The field of the `:members` hash for a player: reached_at, updated_at, games played.

    Its first digits together with the player id are the member of the sorted set.
    """
    return f"{encode_clock(standing.reached_at)}{encode_clock(standing.updated_at)}{standing.games_played}"


def decode_standing(order: Order, member: str, score: float, detail: str) -> Standing:
    """The row that a member, its score and its detail stand for."""
    return Standing(
        player_id=member[CLOCK_WIDTH:],
        value=sort_value(order, int(score)),
        reached_at=int(member[:CLOCK_WIDTH], 16),
        games_played=int(detail[2 * CLOCK_WIDTH :]),
        updated_at=int(detail[CLOCK_WIDTH : 2 * CLOCK_WIDTH], 16),
    )


def digest_line(place: int, player_id: str, value: int, reached_at: int, games_played: int) -> bytes:
    """A row of final standings, as their SHA-256 takes it: one after the other, in rank order; `place` from 0."""
    return f"{place}\t{player_id}\t{value}\t{reached_at}\t{games_played}\n".encode()


@dataclass(frozen=True, slots=True)
class BoardKeys:
    """The Redis keys of one season of a board; they share a hash tag, so one script may use all."""

    ranks: str
    members: str
    version: str
    values: str

    @property
    def all(self) -> list[str]:
        """The keys in the order in which every script takes them."""
        return [self.ranks, self.members, self.version, self.values]


def board_keys(prefix: str, board_id: str, season: str) -> BoardKeys:
    """The keys of a season of a board."""
    stem = f"{prefix}lb:{{v1:{board_id}:{season}}}"
    return BoardKeys(f"{stem}:ranks", f"{stem}:members", f"{stem}:version", f"{stem}:values")


def applied_key(prefix: str) -> str:
    """The hash partition → next offset that Redis reflects; field `incarnation` names the log."""
    return f"{prefix}lb:{{v1}}:applied"


def names_key(prefix: str) -> str:
    """The hash player id → display name, and, behind `NAMES_MARK`, partition → next offset of the players topic."""
    return f"{prefix}lb:{{v1}}:names"


NAMES_MARK = "$"
"""Before the fields of the names hash that are no player's: `$` is not allowed in a player id."""

ANEW = f"{NAMES_MARK}anew"
"""The field of that hash that changes when rows were put right without a new version."""


def whole_version(fields: Mapping[str, str], incarnation: str) -> dict[int, int] | None:
    """Partition → version, from a hash with a version chain; None when it does not hold every partition.

    A field is missing until a projector has put its partition in, and no number while one is doing so.
    """
    held = dict(fields)
    if held.pop("incarnation", None) != incarnation:
        return None
    partitions = held.pop("partitions", "")
    try:
        version = {int(partition): int(offset) for partition, offset in held.items()}
    except ValueError:
        return None
    return version if str(len(version)) == partitions else None
