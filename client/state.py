"""What can be watched, and what is then known of it. Pure."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias


@dataclass(frozen=True)
class Top:
    """The first rows of a board; the server rounds `n` up to 10, 50, 100 or 200."""

    board: str
    n: int = 100


@dataclass(frozen=True)
class Me:
    """The rank of a player."""

    board: str
    player: str


@dataclass(frozen=True)
class Around:
    """A player's row with `k` (1 to 10) above and below."""

    board: str
    player: str
    k: int = 5


Subscription: TypeAlias = Top | Me | Around


class Row(NamedTuple):
    """A place on a board."""

    rank: int
    player: str
    value: int
    reached: int
    """When the value was reached, milliseconds since 1970; what decides between equal values."""
    name: str | None


@dataclass(frozen=True)
class Board:
    """The first rows of a board as they really were at one moment."""

    subscription: Top
    season: str
    operator: str
    total: int
    """Players on the whole board."""
    off: str
    """The label of this state; equal labels mean equal rows, on every node."""
    ts: int
    """The clock of the newest event in it, milliseconds since 1970."""
    behind: float | None
    """Seconds between that event and its arrival here, by the server's clock."""
    rows: Sequence[Row]


@dataclass(frozen=True)
class Rank:
    """Where a player stands; nothing where not ranked."""

    subscription: Me
    season: str
    rank: int | None
    old: int | None
    """The rank that this stream was told before."""
    score: int | None
    total: int
    ts: int
    behind: float | None


@dataclass(frozen=True)
class Window:
    """The rows around a player."""

    subscription: Around
    season: str
    rank: int | None
    total: int
    ts: int
    behind: float | None
    rows: Sequence[Row]


State: TypeAlias = Board | Rank | Window
Entry: TypeAlias = tuple[str, int, int, str | None]
"""Player, value, reached, name: a row as it is sent."""


@dataclass
class Held:
    """The rows of a `Top`, in no order, with the label of their state: None while there is none."""

    off: str | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    """The last `snap`, for what no delta changes."""
    ts: int = 0
    total: int = 0
    behind: float | None = None

    def replace(self, snap: Mapping[str, Any]) -> None:
        """Take a whole state."""
        self.about = {name: value for name, value in snap.items() if name != "rows"}
        self.entries = {}
        self._put(snap, snap["rows"])

    def apply(self, delta: Mapping[str, Any]) -> bool:
        """Take what has changed since the label held; whether the checksum, where there is one, is right."""
        for player in delta["rm"]:
            self.entries.pop(player, None)
        self._put(delta, delta["up"])
        return "h" not in delta or bool(delta["h"] == checksum(self.ordered()))

    def ordered(self) -> list[Entry]:
        """Best first."""
        sign = -1 if self.about["order"] == "desc" else 1
        return sorted(self.entries.values(), key=lambda entry: (sign * entry[1], entry[2], entry[0].encode()))

    def rows(self) -> list[Row]:
        """Best first, with ranks."""
        entries = self.ordered()
        ranks = ranked([value for _, value, _, _ in entries], self.about["ties"], self.about["base"])
        return [Row(rank, *entry) for rank, entry in zip(ranks, entries, strict=True)]

    def _put(self, frame: Mapping[str, Any], entries: Iterable[Sequence[Any]]) -> None:
        self.entries |= {player: (player, value, reached, name) for player, value, reached, name in entries}
        self.off, self.ts, self.total = frame["off"], frame["ts"], frame["total"]


def ranked(values: Sequence[int], ties: str, base: int = 1) -> list[int]:
    """The ranks of values in their order: 1,2,3,4 (first_to_reach), 1,2,2,4 (shared) or 1,2,2,3 (dense)."""
    ranks: list[int] = []
    for place, value in enumerate(values):
        if ties != "first_to_reach" and place and value == values[place - 1]:
            ranks.append(ranks[-1])
        elif ties == "dense" and place:
            ranks.append(ranks[-1] + 1)
        else:
            ranks.append(base + place)
    return ranks


def checksum(entries: Iterable[Entry]) -> str:
    """Of rows in their order, as a delta carries it in `h`."""
    lines = (f"{player}\t{value}\t{reached}\t{name or ''}\n" for player, value, reached, name in entries)
    return f"{zlib.crc32(''.join(lines).encode()):08x}"
